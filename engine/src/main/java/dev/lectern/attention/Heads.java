package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.TILE;

/**
 * The shape of a layer's attention.
 *
 * @param heads query heads, a multiple of kvHeads
 * @param window how many tokens back a query looks, itself included; 0 for all
 */
public record Heads(int heads, int kvHeads, int headDim, int window) {
    private static final double LN_2 = Math.log(2);

    /** Query heads that share a kv head. */
    public int group() {
        return heads / kvHeads;
    }

    /** Tokens that the last of so many looks at. */
    public long visible(long tokens) {
        return window == 0 ? tokens : Math.min(tokens, window);
    }

    /** headDim rounded up to whole tiles: the width of value rows in scratch. */
    int width() {
        return Math.ceilDiv(headDim, TILE) * TILE;
    }

    /** What queries are multiplied by: 1/√headDim, and log₂ e, because scores are binary logarithms. */
    public float scale() {
        return (float) (1 / (Math.sqrt(headDim) * LN_2));
    }

    /** Queries as the kernels want them. */
    void scale(float[] q, int at, int count, float[] scaled) {
        float scale = scale();
        for (int i = 0; i < count; i++) {
            scaled[i] = q[at + i] * scale;
        }
    }

    /** ln Σ exp(natural score) of binary scores: of their maximum, and Σ 2^(score − maximum). */
    static float logSumExp(float max, float sum) {
        return (float) (max * LN_2 + Math.log(sum));
    }

    /** The binary logarithm of the same number as a natural one. */
    static float binary(float natural) {
        return (float) (natural / LN_2);
    }
}
