package dev.lectern.text;

import dev.lectern.BadModelFileException;
import dev.lectern.LecternException;
import dev.lectern.text.jinja.Text;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of a conversation, each with its origin.
 *
 * <p>The rendered conversation is cut into pieces where its origin changes, and the pieces are tokenised apart. Only
 * what the template wrote itself (and the special tokens it was given) may become special tokens. The tokens up to the end
 * of a part depend on nothing behind it, so that another question about the same document begins with the same tokens.
 *
 * <p>No token is added to what the template wrote: a template that wants the beginning-of-sequence token writes it.
 */
public final class ChatPrompt {
    /** The part number of tokens that belong to no part of a message. */
    public static final int TEMPLATE = -1;

    /**
     * A stretch of the rendered conversation that is tokenised on its own. A space that the template writes in front of foreign
     * text goes with that text.
     *
     * @param part the part that it comes from, counted through all messages, or {@link #TEMPLATE}
     * @param trusted whether written special tokens count as such
     * @param firstToken index of its first token in the prompt
     */
    public record Piece(String text, int part, boolean trusted, int firstToken) {}

    private final int[] ids;
    private final int[] parts;
    private final int[] offsets;
    private final List<Piece> pieces;

    private ChatPrompt(int[] ids, int[] parts, int[] offsets, List<Piece> pieces) {
        this.ids = ids;
        this.parts = parts;
        this.offsets = offsets;
        this.pieces = pieces;
    }

    /**
     * Renders and tokenises; the parameters and errors are those of {@link ChatTemplate#render}.
     *
     * @throws BadModelFileException also if the template leaves out what the user says
     * @throws LecternException of kind {@code BAD_OPTION} also if it leaves out a system text
     */
    public static ChatPrompt of(
            ChatTemplate template,
            Tokenizer tokenizer,
            List<ChatMessage> messages,
            Map<String, ? extends @Nullable Object> variables,
            boolean addGenerationPrompt) {
        ChatPrompt prompt = unchecked(template, tokenizer, messages, variables, addGenerationPrompt);
        prompt.requireWhole(template.fileName(), messages);
        return prompt;
    }

    /** As {@link #of}, whatever the template leaves out. */
    static ChatPrompt unchecked(
            ChatTemplate template,
            Tokenizer tokenizer,
            List<ChatMessage> messages,
            Map<String, ? extends @Nullable Object> variables,
            boolean addGenerationPrompt) {
        Text text = template.trace(messages, variables, addGenerationPrompt);
        return new Assembly(tokenizer).assemble(text);
    }

    /** Of other roles, templates leave out on purpose: what was thought in earlier turns, say. */
    private void requireWhole(String fileName, List<ChatMessage> messages) {
        BitSet written = new BitSet();
        Arrays.stream(parts).filter(part -> part != TEMPLATE).forEach(written::set);
        int part = 0;
        for (ChatMessage message : messages) {
            for (String text : message.parts()) {
                boolean missing = !written.get(part++) && !isBlank(text);
                if (missing && message.role().equals("system")) {
                    throw new LecternException(
                            LecternException.Kind.BAD_OPTION,
                            fileName + ": the prompt that the chat template writes has no token of the system text:"
                                    + " leave --system out, or say it with the question.");
                }
                if (ids.length == 0 || missing && message.role().equals("user")) {
                    throw new BadModelFileException(
                            fileName,
                            "the prompt that the chat template writes has no token of what the user says, so the answer"
                                    + " would be to something else: use a model whose template takes plain text, or"
                                    + " \"lectern generate\" with a prompt in the model's own form.");
                }
            }
        }
    }

    /** Whether templates may strip all of it. */
    private static boolean isBlank(String text) {
        return text.chars().allMatch(c -> Character.isWhitespace(c) || Character.isSpaceChar(c));
    }

    /** The tokens. */
    public int[] ids() {
        return ids.clone();
    }

    public int length() {
        return ids.length;
    }

    /** Which part a token belongs to, counted through all messages; {@link #TEMPLATE} for none. */
    public int part(int token) {
        return parts[token];
    }

    /** The character of its part (UTF-16 index) at which a token begins; −1 for tokens of no part. */
    public int offset(int token) {
        return offsets[token];
    }

    public List<Piece> pieces() {
        return pieces;
    }

    /** The first token of a part; {@link #length} if the template left it out. */
    public int begin(int part) {
        int begin = 0;
        while (begin < parts.length && parts[begin] != part) {
            begin++;
        }
        return begin;
    }

    /**
     * Number of tokens up to the end of a part. They depend on nothing that follows it, in every template that writes parts
     * once and in order, as all known ones do; equal beginnings are to be found by comparing tokens. 0 if the template left the part out.
     */
    public int end(int part) {
        int end = parts.length;
        while (end > 0 && parts[end - 1] != part) {
            end--;
        }
        return end;
    }

    /** The conversation as rendered. */
    public String text() {
        StringBuilder text = new StringBuilder();
        pieces.forEach(piece -> text.append(piece.text()));
        return text.toString();
    }

    /** Whether the template itself has opened a block of thinking, or leaves that to the model. */
    public Thinking thinking() {
        boolean opened = !pieces.isEmpty()
                && pieces.getLast().trusted()
                && ThinkingSplitter.endsInside(pieces.getLast().text());
        return opened ? Thinking.OPENED : Thinking.POSSIBLE;
    }

    /** Cuts, tokenises, and keeps count of origins. */
    private static final class Assembly {
        private final ChatPromptEncoder encoder;
        private final List<Piece> pieces = new ArrayList<>();
        private int[] ids = new int[64];
        private int[] parts = new int[64];
        private int[] offsets = new int[64];
        private int count;

        Assembly(Tokenizer tokenizer) {
            encoder = new ChatPromptEncoder(tokenizer);
        }

        ChatPrompt assemble(Text text) {
            List<Text.Run> runs = text.runs();
            int at = 0;
            for (int i = 0; i < runs.size(); ) {
                Text.Run first = runs.get(i);
                // Vocabularies keep a space with the word behind it: "[INST] " before "What" is "[INST]" and " What".
                boolean space = first.start() > at && text.chars().charAt(first.start() - 1) == ' ';
                int start = space ? first.start() - 1 : first.start();
                own(text.chars().substring(at, start));
                int last = i;
                while (last + 1 < runs.size()
                        && runs.get(last + 1).start() == runs.get(last).end()
                        && runs.get(last + 1).part() == first.part()) {
                    last++;
                }
                at = runs.get(last).end();
                foreign(text.chars().substring(start, at), start, runs.subList(i, last + 1));
                i = last + 1;
            }
            own(text.chars().substring(at));
            return new ChatPrompt(
                    Arrays.copyOf(ids, count),
                    Arrays.copyOf(parts, count),
                    Arrays.copyOf(offsets, count),
                    List.copyOf(pieces));
        }

        private void own(String piece) {
            if (!piece.isEmpty()) {
                pieces.add(new Piece(piece, TEMPLATE, true, count));
                for (int id : encoder.encode(piece, true).ids()) {
                    add(id, TEMPLATE, -1);
                }
            }
        }

        private void foreign(String piece, int shift, List<Text.Run> runs) {
            int part = runs.getFirst().part();
            boolean numbered = part != Text.FOREIGN;
            pieces.add(new Piece(piece, numbered ? part : TEMPLATE, false, count));
            Tokenizer.Encoding encoding = encoder.encode(piece, false);
            int run = 0;
            for (int i = 0; i < encoding.ids().length; i++) {
                int at = encoding.starts()[i] + shift;
                while (run + 1 < runs.size() && runs.get(run).end() <= at) {
                    run++;
                }
                Text.Run origin = runs.get(run);
                int offset = origin.exact() ? origin.offset() + Math.max(0, at - origin.start()) : origin.offset();
                add(encoding.ids()[i], numbered ? part : TEMPLATE, numbered ? offset : -1);
            }
        }

        private void add(int id, int part, int offset) {
            if (count == ids.length) {
                ids = Arrays.copyOf(ids, count * 2);
                parts = Arrays.copyOf(parts, count * 2);
                offsets = Arrays.copyOf(offsets, count * 2);
            }
            ids[count] = id;
            parts[count] = part;
            offsets[count++] = offset;
        }
    }
}
