package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.Cancellation;
import dev.lectern.kv.KvCache;

/**
 * One decode step in one layer: the next token of each of some sequences, whose keys and values are stored already.
 *
 * @param heads the layer's shape
 * @param caches per row
 * @param q {@code [rows][heads][headDim]}, rotated
 */
record Step(ExactAttention exact, int layer, Heads heads, KvCache[] caches, float[] q, Cancellation cancellation) {
    int rows() {
        return caches.length;
    }

    /** Tokens that a row may look at, its own included. */
    int tokens(int row) {
        return caches[row].visible();
    }

    /** Tokens of a row's sequence, its own included, those too that were dropped or that another host has. */
    int place(int row) {
        return caches[row].position() + 1;
    }

    /** The first token that a row may look at. */
    int first(int row) {
        return heads.window() == 0 ? 0 : Math.max(0, tokens(row) - heads.window());
    }

    /** The most tokens of a row, up to a whole tile. */
    int stride() {
        int most = 0;
        for (int row = 0; row < rows(); row++) {
            most = Math.max(most, tokens(row));
        }
        return Math.ceilDiv(most, TILE) * TILE;
    }
}
