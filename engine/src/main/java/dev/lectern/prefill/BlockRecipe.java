package dev.lectern.prefill;

import dev.lectern.Question;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How a text is read in blocks of which each sees, beside itself, the beginning of the text (its anchor) and some tokens of each block before it.
 *
 * @param anchor tokens of the text in the anchor, at most one block
 * @param embedded the question that stands in the anchor, or null
 * @param again whether every block computes the anchor for itself, as hosts do that share nothing
 * @param passing tokens of each block that later ones see, for each kv head; 0 for none
 * @param compressor says which; a new one for each reading
 * @param question that the compressor knows, or null
 */
record BlockRecipe(
        Division division,
        int anchor,
        @Nullable Question embedded,
        boolean again,
        int passing,
        Compressor.Maker compressor,
        @Nullable Question question) {
    BlockRecipe {
        // An empty anchor is not computed, so not again either.
        again &= anchor > 0 || embedded != null;
    }

    /** Tokens of a block that it may pass on: the anchor's are seen anyway. */
    int eligible(int block) {
        return division.end(block) - Math.max(division.start(block), anchor);
    }

    /** Tokens of a block that it passes on. */
    int passed(int block) {
        return Math.clamp(eligible(block), 0, passing);
    }

    /** Tokens of the anchor, a question in it included. */
    int anchorLength() {
        return anchor + (embedded == null ? 0 : embedded.tokens().length);
    }

    /** The tokens of the anchor, at positions from 0 on. */
    int[] anchorTokens(int[] text) {
        Question asked = embedded;
        if (asked == null) {
            return Arrays.copyOf(text, anchor);
        }
        int at = Math.min(asked.at(), anchor), length = asked.tokens().length;
        int[] tokens = new int[anchor + length];
        System.arraycopy(text, 0, tokens, 0, at);
        System.arraycopy(asked.tokens(), 0, tokens, at, length);
        System.arraycopy(text, at, tokens, at + length, anchor - at);
        return tokens;
    }
}
