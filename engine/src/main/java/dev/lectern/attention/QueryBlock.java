package dev.lectern.attention;

import static dev.lectern.attention.ChunkAttention.STRIP;
import static dev.lectern.kernel.AttentionTiles.LANES;
import static dev.lectern.kernel.AttentionTiles.MASKED;

import java.util.Arrays;

/**
 * Up to {@value dev.lectern.kernel.AttentionTiles#LANES} consecutive queries of the heads that share one kv head.
 *
 * @param firstRow of the queries among the rows of a step
 * @param firstIndex of the first query, as {@link Segments#index} counts
 * @param number among the blocks of the chunk
 * @param place among the blocks whose queries are together in a worker's scratch
 */
record QueryBlock(Heads heads, int firstRow, int rows, int firstIndex, int kvHead, int number, int place) {
    private int lastIndex() {
        return firstIndex + rows - 1;
    }

    /** Whether any query looks at any token of the strip that begins at an index. */
    boolean sees(int stripIndex) {
        int window = heads.window();
        return stripIndex == Segments.VISIBLE
                || (stripIndex <= lastIndex() && (window == 0 || stripIndex + STRIP - 1 > firstIndex - window));
    }

    /** Pairs of a query and a token of a strip that it sees. */
    long pairs(int stripIndex, int tokens) {
        if (stripIndex == Segments.VISIBLE) {
            return (long) rows * tokens;
        }
        long pairs = 0;
        for (int t = 0; t < tokens; t++) {
            pairs += seeing(stripIndex + t);
        }
        return pairs;
    }

    /** Queries that see a token. */
    int seeing(int index) {
        int from = Math.max(0, index - firstIndex), window = heads.window();
        int to = window == 0 ? rows : Math.min(rows, index - firstIndex + window);
        return Math.max(0, to - from);
    }

    /** Where the first row of a query head begins among queries and outputs. */
    int at(int inGroup) {
        return (firstRow * heads.heads() + kvHead * heads.group() + inGroup) * heads.headDim();
    }

    /** Which of the scratch's query heads is one of the group. */
    int slot(int inGroup) {
        return place * heads.group() + inGroup;
    }

    /**
     * Scales the queries, and puts them where the kernels want them.
     *
     * @param q {@code [rows][heads][headDim]}
     * @param queries {@code [slots][headDim][64]}; lanes without a query are 0
     */
    void gather(float[] q, float[] queries) {
        int headDim = heads.headDim(), stride = heads.heads() * headDim;
        float scale = heads.scale();
        for (int g = 0; g < heads.group(); g++) {
            int from = at(g), to = slot(g) * headDim * LANES;
            for (int d = 0; d < headDim; d++) {
                for (int row = 0; row < rows; row++) {
                    queries[to + d * LANES + row] = q[from + row * stride + d] * scale;
                }
                Arrays.fill(queries, to + d * LANES + rows, to + (d + 1) * LANES, 0);
            }
        }
    }

    /**
     * Masks what the queries may not see: tokens after their own, tokens outside the window, and the rest of the last tile.
     *
     * @param tokens of the strip
     * @param n those of whole tiles
     * @param scores {@code [n][64]}
     */
    void mask(int stripIndex, int tokens, int n, float[] scores) {
        Arrays.fill(scores, tokens * LANES, n * LANES, MASKED);
        if (stripIndex == Segments.VISIBLE) {
            return;
        }
        for (int t = 0; t < tokens; t++) {
            maskToken(stripIndex + t, t, scores);
        }
    }

    /** Masks the queries that may not see one token, the t-th of the scores. */
    void maskToken(int index, int t, float[] scores) {
        if (index == Segments.VISIBLE) {
            return;
        }
        // Lanes see the token from lane `from` on; lanes past the block's last query see what they like.
        int from = index - firstIndex, window = heads.window();
        if (from > 0) {
            Arrays.fill(scores, t * LANES, t * LANES + Math.min(from, LANES), MASKED);
        }
        int to = window == 0 ? LANES : Math.max(0, from + window);
        if (to < LANES) {
            Arrays.fill(scores, t * LANES + to, (t + 1) * LANES, MASKED);
        }
    }
}
