package dev.lectern.text;

import dev.lectern.BadModelFileException;
import dev.lectern.LecternException;
import dev.lectern.text.jinja.JinjaException;
import dev.lectern.text.jinja.Template;
import dev.lectern.text.jinja.Text;
import dev.lectern.weights.Metadata;
import dev.lectern.weights.Quoted;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A model's own way of writing a conversation, as its file gives it ({@code tokenizer.chat_template} of a GGUF,
 * {@code chat_template} of a tokenizer_config.json). Renders what {@code apply_chat_template} of transformers renders.
 * Instances are immutable and may be used by several threads.
 */
public final class ChatTemplate {
    private static final int MAX_DEPTH = 90;

    /** Variables that hold special tokens of the model; their text counts as the template's own. */
    static final Set<String> TOKEN_NAMES =
            Set.of("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token");

    private final String fileName;
    private final @Nullable Template template;
    private final @Nullable JinjaException failure;
    private final Map<String, String> tokens;

    private ChatTemplate(
            String fileName,
            @Nullable Template template,
            @Nullable JinjaException failure,
            Map<String, String> tokens) {
        this.fileName = fileName;
        this.template = template;
        this.failure = failure;
        this.tokens = Map.copyOf(tokens);
    }

    /**
     * The template of a GGUF file ({@code tokenizer.chat_template}), with the special tokens that the file names. A template
     * that cannot be used does not keep its model from being opened: it fails when it is rendered.
     */
    public static Optional<ChatTemplate> fromMetadata(Metadata metadata) {
        return ChatTemplateReader.fromMetadata(metadata);
    }

    /**
     * The template of a Hugging Face folder (chat_template.jinja, or {@code chat_template} in tokenizer_config.json), with the
     * special tokens of tokenizer_config.json; as with {@link #fromMetadata}, a bad one fails when it is rendered.
     */
    public static Optional<ChatTemplate> fromFolder(Path folder) {
        return ChatTemplateReader.fromFolder(folder);
    }

    /**
     * Reads a template and keeps a failure for later.
     *
     * @param tokens written forms of special tokens, as {@code bos_token}; variables given to {@link #render} go before them
     */
    static ChatTemplate deferred(String source, String fileName, Map<String, String> tokens) {
        try {
            return new ChatTemplate(fileName, Template.parse(source), null, tokens);
        } catch (JinjaException e) {
            return new ChatTemplate(fileName, null, e, tokens);
        }
    }

    /** The file that the template comes from, as errors call it. */
    String fileName() {
        return fileName;
    }

    private Template template() {
        if (template != null) {
            return template;
        }
        throw refused(fileName, Objects.requireNonNull(failure));
    }

    /**
     * Reads a template.
     *
     * @param source the template's text
     * @param fileName the file that it comes from, for the sentences of errors
     * @throws BadModelFileException with the line and the construct, if it is not well formed or outside the supported subset
     */
    public static ChatTemplate parse(String source, String fileName) {
        ChatTemplate template = deferred(source, fileName, Map.of());
        template.template();
        return template;
    }

    /**
     * Whether the template reads a variable: {@code enable_thinking}, {@code tools}. An option that sets a variable which is
     * not mentioned does nothing for this model.
     */
    public boolean mentions(String variable) {
        return template().names().contains(variable);
    }

    /**
     * The conversation as the model is to read it.
     *
     * @param variables what the template finds beside the messages: {@code enable_thinking}, {@code tools} (a list of maps), and
     *     {@code bos_token}, {@code eos_token} where the template does not come from a file that names them; JSON values
     * @param addGenerationPrompt whether to end with the opening of the assistant's answer
     * @throws BadModelFileException with the line, if the template fails or takes unreasonably much time or memory
     * @throws LecternException of kind {@code BAD_OPTION}, if the template refuses the conversation
     */
    public String render(
            List<ChatMessage> messages,
            Map<String, ? extends @Nullable Object> variables,
            boolean addGenerationPrompt) {
        return trace(messages, variables, addGenerationPrompt).chars();
    }

    /**
     * As {@link #render}, and every character tells where it is from: the parts of all messages count through from 0, what
     * else was not written by the template is {@link Text#FOREIGN}.
     */
    Text trace(
            List<ChatMessage> messages,
            Map<String, ? extends @Nullable Object> variables,
            boolean addGenerationPrompt) {
        List<Object> converted = new ArrayList<>();
        int part = 0;
        for (ChatMessage message : messages) {
            List<Text> parts = new ArrayList<>();
            for (String text : message.parts()) {
                parts.add(Text.from(text, part++));
            }
            converted.add(message(message, Text.joined(parts)));
        }
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("messages", converted);
        all.put("tools", Template.none());
        all.put("documents", Template.none());
        all.put("add_generation_prompt", addGenerationPrompt);
        tokens.forEach((name, token) -> all.put(name, Text.of(token)));
        variables.forEach((name, value) -> all.put(
                name,
                name.endsWith("_token") && value instanceof String token ? Text.of(token) : value(name, value, 0)));
        try {
            return template().render(all);
        } catch (JinjaException e) {
            throw refused(fileName, e);
        }
    }

    private static Map<Object, Object> message(ChatMessage message, Text content) {
        Map<Object, Object> fields = new LinkedHashMap<>();
        // Templates know the reasoning by either name; transformers fills both.
        message.reasoning().ifPresent(thought -> fields.put(Text.of("thinking"), Text.from(thought, Text.FOREIGN)));
        fields.put(Text.of("role"), Text.of(message.role()));
        fields.put(Text.of("content"), content);
        message.more().forEach((name, value) -> fields.put(Text.of(name), value(name, value, 0)));
        message.reasoning()
                .ifPresent(thought -> fields.put(Text.of("reasoning_content"), Text.from(thought, Text.FOREIGN)));
        return fields;
    }

    private static Object value(String name, @Nullable Object value, int depth) {
        if (depth > MAX_DEPTH) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "The template variable \"" + name + "\" is nested more than " + MAX_DEPTH + " deep.");
        }
        return switch (value) {
            case null -> Template.none();
            case String text -> Text.from(text, Text.FOREIGN);
            case Boolean b -> b;
            case Long n -> n;
            case Integer n -> n.longValue();
            case Double d -> d;
            case Float f -> f.doubleValue();
            case List<?> list -> {
                List<Object> items = new ArrayList<>();
                list.forEach(item -> items.add(value(name, item, depth + 1)));
                yield items;
            }
            case Map<?, ?> map -> {
                Map<Object, Object> items = new LinkedHashMap<>();
                map.forEach((key, item) -> items.put(value(name, key, depth + 1), value(name, item, depth + 1)));
                yield items;
            }
            default ->
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "The template variable \"" + name + "\" has a value of " + value.getClass()
                                + ", which is no JSON value.");
        };
    }

    private static LecternException refused(String fileName, JinjaException e) {
        String said = Quoted.text(String.valueOf(e.getMessage())); // it quotes the template
        String place = e.line() == 0 ? "the chat template" : "line " + e.line() + " of the chat template";
        return switch (e.reason()) {
            case REFUSED ->
                new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        fileName + ": the model's chat template refuses this conversation: " + said,
                        e);
            case LIMIT -> new BadModelFileException(fileName, place + " was stopped: " + said + ".", e);
            case TEMPLATE -> new BadModelFileException(fileName, place + ": " + said + ".", e);
        };
    }
}
