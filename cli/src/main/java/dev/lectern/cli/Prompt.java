package dev.lectern.cli;

import dev.lectern.KeptDocument;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.Question;
import dev.lectern.text.ChatMessage;
import dev.lectern.text.ChatPrompt;
import dev.lectern.text.ChatTemplate;
import dev.lectern.text.Thinking;
import dev.lectern.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What a model is given to read before it answers.
 *
 * @param documents the first token of the documents; what is before it is the template's, or what the model is told
 * @param shared tokens at the beginning that depend on nothing but the documents: the same for every question
 * @param thinking whether what the model thinks aloud is to be told apart from its answer
 */
record Prompt(int[] tokens, int documents, int shared, Thinking thinking) {
    private static final String ENABLE_THINKING = "enable_thinking";

    int length() {
        return tokens.length;
    }

    /** What is asked about the documents, for a method of reading that wants to know: up to where the template goes on. */
    Optional<Question> question(Tokenizer tokenizer) {
        int[] asked = IntStream.of(tokens)
                .skip(shared)
                .takeWhile(token -> !tokenizer.isControl(token))
                .toArray();
        return asked.length == 0 ? Optional.empty() : Optional.of(new Question(asked, documents));
    }

    /** A text as it is: nothing around it but the token that the model wants at the beginning of every text. */
    static Prompt raw(Model model, String text, boolean parseSpecial) {
        Tokenizer tokenizer = model.tokenizer();
        int[] ids = tokenizer.encode(text, parseSpecial).ids();
        if (begins(tokenizer) && (ids.length == 0 || ids[0] != tokenizer.bos().getAsInt())) {
            ids = joined(List.of(new int[] {tokenizer.bos().getAsInt()}, ids));
        }
        if (ids.length == 0) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "The prompt is empty: give it as an argument, with --text FILE, or on standard input.");
        }
        return new Prompt(ids, 0, 0, Thinking.NONE);
    }

    /**
     * Documents and a question, as the model's template writes a conversation; the documents stand first.
     *
     * @param documents the texts with what introduces each
     * @param question as it was asked
     * @param thinking what the user wants of the template's switch for thinking; empty to leave it alone
     */
    static Prompt ofDocuments(
            Model model, String system, List<String> documents, String question, Optional<Boolean> thinking) {
        if (model.chatTemplate().isEmpty()) {
            return plain(model, system, documents, question, thinking);
        }
        List<String> parts = new ArrayList<>(documents);
        parts.add(question);
        List<ChatMessage> messages = new ArrayList<>();
        if (!system.isEmpty()) {
            messages.add(new ChatMessage("system", system));
        }
        int firstDocument = messages.size(), lastDocument = firstDocument + documents.size() - 1;
        messages.add(new ChatMessage("user", parts, Optional.empty(), Map.of()));
        ChatPrompt prompt = conversation(model, messages, thinking);
        int end = prompt.end(lastDocument), begin = Math.min(prompt.begin(firstDocument), end);
        return new Prompt(prompt.ids(), begin, end, prompt.thinking());
    }

    /**
     * What was read and has a name, and a question.
     *
     * @throws LecternException of kind {@code BAD_OPTION} if the template writes something else before the documents now
     */
    static Prompt ofKept(Model model, KeptDocument kept, String question, Optional<Boolean> thinking) {
        // Parts are tokenised apart, so what follows a document is the same after any other.
        Prompt other = ofDocuments(model, kept.system(), List.of(PLACEHOLDER), question, thinking);
        int[] before = Arrays.copyOf(other.tokens, Math.max(0, other.shared - model.tokenize(PLACEHOLDER).length));
        int[] text = kept.tokens();
        if (before.length > text.length || Arrays.mismatch(before, Arrays.copyOf(text, before.length)) >= 0) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "@" + kept.name() + " was read behind another beginning than the template of " + model.path()
                            + " writes now: leave --thinking out, or read the document again.");
        }
        int[] after = Arrays.copyOfRange(other.tokens, other.shared, other.tokens.length);
        return new Prompt(joined(List.of(text, after)), before.length, text.length, other.thinking);
    }

    private static final String PLACEHOLDER = "Text.\n\n";

    /** A conversation in the model's own words, ready for the next answer. */
    static ChatPrompt conversation(Model model, List<ChatMessage> messages, Optional<Boolean> thinking) {
        ChatTemplate template = template(model);
        Map<String, Object> variables = new HashMap<>();
        thinking.ifPresent(on -> {
            if (!template.mentions(ENABLE_THINKING)) {
                throw noSwitch(model);
            }
            variables.put(ENABLE_THINKING, on);
        });
        return ChatPrompt.of(template, model.tokenizer(), messages, variables, true);
    }

    /**
     * The template in which conversations are written.
     *
     * @throws LecternException of kind {@code BAD_OPTION} if the model has none
     */
    static ChatTemplate template(Model model) {
        return model.chatTemplate()
                .orElseThrow(() -> new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        model.path()
                                + " has no chat template, so it was not made for conversations: use a model whose name says"
                                + " instruct or chat, or \"lectern generate\" with a prompt in the model's own form."));
    }

    private static LecternException noSwitch(Model model) {
        return new LecternException(
                LecternException.Kind.BAD_OPTION,
                "--thinking: the chat template of " + model.path()
                        + " has no such switch; leave the option out, or use a model that thinks (Qwen3).");
    }

    /** For a model without a template: the same texts, one after the other. */
    private static Prompt plain(
            Model model, String system, List<String> documents, String question, Optional<Boolean> thinking) {
        if (thinking.isPresent()) {
            throw noSwitch(model);
        }
        Tokenizer tokenizer = model.tokenizer();
        List<int[]> parts = new ArrayList<>();
        if (begins(tokenizer)) {
            parts.add(new int[] {tokenizer.bos().getAsInt()});
        }
        String head = system.isEmpty() ? "" : system + "\n\n";
        int before = parts.size() + tokensBefore(tokenizer, head, head + documents.getFirst());
        for (String document : documents) {
            parts.add(model.tokenize(head + document));
            head = "";
        }
        int shared = parts.stream().mapToInt(part -> part.length).sum();
        parts.add(model.tokenize(question + "\nAnswer:"));
        return new Prompt(joined(parts), before, shared, Thinking.NONE);
    }

    /** Tokens of a text that begin before the end of its head. */
    private static int tokensBefore(Tokenizer tokenizer, String head, String text) {
        return (int) IntStream.of(tokenizer.encode(text, false).starts())
                .takeWhile(start -> start < head.length())
                .count();
    }

    private static boolean begins(Tokenizer tokenizer) {
        return tokenizer.addsBos() && tokenizer.bos().isPresent();
    }

    private static int[] joined(List<int[]> parts) {
        return parts.stream().flatMapToInt(IntStream::of).toArray();
    }
}
