package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.TILE;

/**
 * The shape of a layer's attention.
 *
 * @param heads query heads, a multiple of kvHeads
 * @param window how many tokens back a query looks, itself included; 0 for all
 */
public record Heads(int heads, int kvHeads, int headDim, int window) {
    /** Query heads that share a kv head. */
    public int group() {
        return heads / kvHeads;
    }

    /** headDim rounded up to whole tiles: the width of value rows in scratch. */
    int width() {
        return Math.ceilDiv(headDim, TILE) * TILE;
    }

    float scale() {
        return (float) (1 / Math.sqrt(headDim));
    }
}
