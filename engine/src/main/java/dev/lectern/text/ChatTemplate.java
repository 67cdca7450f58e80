package dev.lectern.text;

import dev.lectern.BadModelFileException;
import dev.lectern.LecternException;
import dev.lectern.json.Json;
import dev.lectern.json.MalformedJsonException;
import dev.lectern.text.jinja.JinjaException;
import dev.lectern.text.jinja.Template;
import dev.lectern.text.jinja.Text;
import dev.lectern.weights.Metadata;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A model's own way of writing a conversation, as its file gives it ({@code tokenizer.chat_template} of a GGUF,
 * {@code chat_template} of a tokenizer_config.json). Renders what {@code apply_chat_template} of transformers renders.
 * Instances are immutable and may be used by several threads.
 */
public final class ChatTemplate {
    private static final int MAX_DEPTH = 90;

    private final String fileName;
    private final Template template;

    private ChatTemplate(String fileName, Template template) {
        this.fileName = fileName;
        this.template = template;
    }

    /**
     * Reads a template.
     *
     * @param source the template's text
     * @param fileName the file that it comes from, for the sentences of errors
     * @throws BadModelFileException with the line and the construct, if it is not well formed or outside the supported subset
     */
    public static ChatTemplate parse(String source, String fileName) {
        try {
            return new ChatTemplate(fileName, Template.parse(source));
        } catch (JinjaException e) {
            throw refused(fileName, e);
        }
    }

    /** The template of a GGUF file, if it has one. */
    public static Optional<ChatTemplate> fromMetadata(Metadata metadata) {
        String key = "tokenizer.chat_template";
        return metadata.has(key) ? Optional.of(parse(metadata.string(key), metadata.file())) : Optional.empty();
    }

    /** The template of a Hugging Face folder, if it has one. */
    public static Optional<ChatTemplate> fromFolder(Path folder) {
        Path alone = folder.resolve("chat_template.jinja"), config = folder.resolve("tokenizer_config.json");
        try {
            if (Files.isRegularFile(alone)) {
                return Optional.of(parse(Files.readString(alone), alone.toString()));
            }
            return Files.isRegularFile(config)
                            && Json.parse(Files.readAllBytes(config)) instanceof Map<?, ?> fields
                            && fields.get("chat_template") instanceof String source
                    ? Optional.of(parse(source, config.toString()))
                    : Optional.empty();
        } catch (IOException | MalformedJsonException e) {
            throw new BadModelFileException(
                    folder.toString(), "its chat template cannot be read: " + e.getMessage() + ".", e);
        }
    }

    /**
     * Whether the template reads a variable: {@code enable_thinking}, {@code tools}. An option that sets a variable which is
     * not mentioned does nothing for this model.
     */
    public boolean mentions(String variable) {
        return template.names().contains(variable);
    }

    /**
     * The conversation as the model is to read it.
     *
     * @param variables what the template finds beside the messages: {@code bos_token}, {@code eos_token},
     *     {@code enable_thinking}, {@code tools} (a list of maps); JSON values
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
        variables.forEach((name, value) -> all.put(
                name,
                name.endsWith("_token") && value instanceof String token ? Text.of(token) : value(name, value, 0)));
        try {
            return template.render(all);
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
        String place = e.line() == 0 ? "the chat template" : "line " + e.line() + " of the chat template";
        return switch (e.reason()) {
            case REFUSED ->
                new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        fileName + ": the model's chat template refuses this conversation: " + e.getMessage(),
                        e);
            case LIMIT -> new BadModelFileException(fileName, place + " was stopped: " + e.getMessage() + ".", e);
            case TEMPLATE -> new BadModelFileException(fileName, place + ": " + e.getMessage() + ".", e);
        };
    }
}
