package dev.lectern.kernel;

/**
 * Rotates pairs of numbers: (a, b) becomes (a cos − b sin, a sin + b cos). Law: the products are rounded before they are added, as the reference implementations do,
 * so every implementation gives the same bits.
 */
public interface Rotation {
    /**
     * Pairs (0, pairs), (1, pairs + 1), … of each head.
     *
     * @param x {@code [heads][headDim]} from at; the first 2 · pairs numbers of each head rotate
     * @param table {@code [2][pairs]} from tableAt: cosines, then sines
     */
    void halves(float[] x, int at, int heads, int headDim, int pairs, float[] table, int tableAt);

    /** As {@link #halves}, pairs (0, 1), (2, 3), … of each head. */
    void neighbours(float[] x, int at, int heads, int headDim, int pairs, float[] table, int tableAt);
}
