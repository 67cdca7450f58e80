package dev.lectern.model;

import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.Rotation;

/**
 * Rotates queries and keys by their positions: a pair (a, b) of a head becomes (a cos − b sin, a sin + b cos) with the angle position ·
 * frequency.
 */
public final class Rope {
    private static final Rotation KERNEL = Kernels.rotation();

    private final RopeConfig.Pairing pairing;
    private final float[] frequencies; // [pairs]
    private final float scale;

    Rope(RopeConfig.Pairing pairing, float[] frequencies, float scale) {
        this.pairing = pairing;
        this.frequencies = frequencies;
        this.scale = scale;
    }

    /** Pairs that rotate. */
    public int pairs() {
        return frequencies.length;
    }

    /**
     * Cosines and sines of one position. The angle is rounded to f32 before, as the reference implementations do.
     *
     * @param table {@code [2][pairs]} from at: cosines, then sines
     */
    public void angles(int position, float[] table, int at) {
        int pairs = frequencies.length;
        for (int i = 0; i < pairs; i++) {
            float angle = position * frequencies[i];
            table[at + i] = (float) Math.cos(angle) * scale;
            table[at + pairs + i] = (float) Math.sin(angle) * scale;
        }
    }

    /**
     * Rotates the heads of one token in place.
     *
     * @param x {@code [heads][headDim]} from xAt
     * @param table what {@link #angles} wrote for the token's position
     */
    public void rotate(float[] x, int xAt, int heads, int headDim, float[] table, int at) {
        int pairs = frequencies.length;
        switch (pairing) {
            case HALVES -> KERNEL.halves(x, xAt, heads, headDim, pairs, table, at);
            case NEIGHBOURS -> KERNEL.neighbours(x, xAt, heads, headDim, pairs, table, at);
        }
    }
}
