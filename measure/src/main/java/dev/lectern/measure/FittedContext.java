package dev.lectern.measure;

import dev.lectern.LecternException;
import dev.lectern.Model;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * A text that fits with any of its questions. One that is too long loses its middle: the first and the last half of the tokens for which there is room stay, since that is where instructions stand.
 * The longest question decides, so that all are about the same text, which is then read once.
 *
 * <p>Source: Bai et al., "LongBench" (arXiv 2308.14508), section 4.1. Deviation: the text alone is cut, never the question or what the template writes.
 *
 * @param text what is left of it
 * @param cut whether that is less than all
 * @param tokens of the prompts up to its end: the same whatever is asked
 * @param longest tokens of the longest prompt
 */
record FittedContext(String text, boolean cut, int tokens, int longest) {
    /** Begins with no character that a question begins with. */
    private static final String OTHER = "?";

    /**
     * Fits a text.
     *
     * @param asked what follows it in each prompt
     * @param room tokens that a prompt may have
     * @throws LecternException of kind {@code TOO_LONG} if a question leaves no room
     */
    static FittedContext of(Model model, String context, List<String> asked, int room) {
        // What a question adds does not depend on the text before it, so a short one tells which question is the
        // longest.
        String question = asked.stream()
                .max(Comparator.comparingInt(text -> model.chat("", List.of(OTHER), text).length))
                .orElseThrow();
        String text = context;
        int[] prompt = model.chat("", List.of(text), question);
        if (prompt.length > room) {
            int[] tokens = model.tokenize(context);
            int keep = tokens.length;
            while (prompt.length > room) {
                // Once is not always enough: where the halves meet, there may be more tokens than before.
                keep -= prompt.length - room;
                if (keep < 2) {
                    throw new LecternException(
                            LecternException.Kind.TOO_LONG,
                            "A question of " + (prompt.length - model.tokenize(text).length)
                                    + " tokens leaves no room for the text it is about, since there are " + room
                                    + " for both: raise --length, or lower --max-tokens.");
                }
                text = model.detokenize(Arrays.copyOf(tokens, keep - keep / 2))
                        + model.detokenize(Arrays.copyOfRange(tokens, tokens.length - keep / 2, tokens.length));
                prompt = model.chat("", List.of(text), question);
            }
        }
        int same = Arrays.mismatch(prompt, model.chat("", List.of(text), OTHER));
        return new FittedContext(text, !text.equals(context), Math.max(1, same), prompt.length);
    }
}
