package dev.lectern.prefill;

/**
 * What APB's authors choose for a text: an anchor of 1/32 of it and 1/64 passed on of each block, both of at most 8192 tokens (Huang et al., arXiv 2502.12085, table 8).
 *
 * @param anchor tokens of the text in the anchor
 * @param passing tokens that later blocks see of each block, for each kv head
 */
public record PaperLengths(int anchor, int passing) {
    private static final int ANCHOR_SHARE = 32;
    private static final int PASSING_SHARE = 64;
    private static final int MOST = 8192;

    /** @param tokens of the text */
    public static PaperLengths of(int tokens) {
        return new PaperLengths(Math.min(MOST, tokens / ANCHOR_SHARE), Math.min(MOST, tokens / PASSING_SHARE));
    }
}
