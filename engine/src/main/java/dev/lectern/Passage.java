package dev.lectern;

import dev.lectern.text.Detokenizer;
import dev.lectern.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;

/**
 * A stretch of a text that is read: some sentences that belong together, about as long as somebody reads to check an answer.
 *
 * @param firstToken in the prompt
 * @param endToken after its last
 * @param firstCharacter in the text (UTF-16 units)
 * @param line of the text in which it begins, from 1 on
 * @param text its own, blank edges included
 */
public record Passage(int firstToken, int endToken, int firstCharacter, int line, String text) {
    /** From so many tokens on, a passage ends with its paragraph; a shorter paragraph goes with the next. */
    private static final int SHORT = 32;

    /** A passage of so many tokens ends with a sentence, or where it is, if there is none to end. */
    private static final int LONG = 96;

    private static final String SENTENCE_ENDS = ".!?…。！？";
    private static final String CLOSING = "\"'”’»)]";

    /** Whether a token begins something, by what stands before it. */
    private enum Beginning {
        NOTHING,
        SENTENCE,
        PARAGRAPH
    }

    /** The character after its last. */
    public int endCharacter() {
        return firstCharacter + text.length();
    }

    /**
     * Cuts a text into passages.
     *
     * @param tokens of the prompt
     * @param from the text's first token
     * @param to after its last
     * @return that follow each other; together they are the text
     */
    public static List<Passage> of(Tokenizer tokenizer, int[] tokens, int from, int to) {
        Detokenizer detokenizer =
                from == 0 ? Detokenizer.ofWholeText(tokenizer) : Detokenizer.ofContinuation(tokenizer);
        StringBuilder text = new StringBuilder();
        int[] characters = new int[to - from + 1]; // where tokens begin
        for (int t = from; t < to; t++) {
            characters[t - from] = text.length();
            text.append(detokenizer.next(tokens[t]));
        }
        text.append(detokenizer.finish());
        characters[to - from] = text.length();
        List<Passage> passages = new ArrayList<>();
        int first = from, sentence = from, line = 1;
        for (int t = from + 1; t <= to; t++) {
            int end = first;
            if (t == to) {
                end = to;
            } else if (t - first >= SHORT) {
                Beginning beginning = beginning(text, characters[t - from]);
                if (beginning == Beginning.PARAGRAPH) {
                    end = t;
                } else if (t - first >= LONG) {
                    end = sentence > first ? sentence : t;
                } else if (beginning == Beginning.SENTENCE) {
                    sentence = t;
                }
            }
            if (end > first) {
                String own = text.substring(characters[first - from], characters[end - from]);
                passages.add(new Passage(first, end, characters[first - from], line, own));
                line += (int) own.chars().filter(c -> c == '\n').count();
                first = end;
                t = end;
            }
        }
        return passages;
    }

    /** What begins at a character. */
    private static Beginning beginning(CharSequence text, int at) {
        int end = at;
        int lines = 0;
        while (end > 0 && Character.isWhitespace(text.charAt(end - 1))) {
            lines += text.charAt(--end) == '\n' ? 1 : 0;
        }
        if (lines > 1) {
            return Beginning.PARAGRAPH;
        }
        boolean apart = end < at || (at < text.length() && Character.isWhitespace(text.charAt(at)));
        while (end > 0 && CLOSING.indexOf(text.charAt(end - 1)) >= 0) {
            end--;
        }
        boolean ended = end > 0 && SENTENCE_ENDS.indexOf(text.charAt(end - 1)) >= 0;
        return lines > 0 || (apart && ended) ? Beginning.SENTENCE : Beginning.NOTHING;
    }
}
