package dev.lectern.kernel;

import java.lang.foreign.MemorySegment;

/**
 * What attention over stored codes needs beside {@link AttentionTiles}: codes to numbers, scales, and the Walsh–Hadamard transform.
 *
 * <p>Law: equals {@link ScalarCodeTiles} bit for bit at every vector width.
 */
public interface CodeTiles {
    /** Codes in a vector. */
    int LANES = CodePlanes.LANES;

    /**
     * Looks the codes of a run up in a table: {@code out[v][lane] = table[code]}.
     *
     * @param planes of fewer than 8 bits
     * @param at0 where the first plane of the run begins, in bytes; at1 and at2 the others', where there are any
     * @param vectors of the run
     * @param table a power of two of entries, at least 16 and at least one for each code
     * @param out {@code [vectors][16]} from outAt
     */
    void levels(
            CodePlanes planes,
            MemorySegment memory,
            long at0,
            long at1,
            long at2,
            int vectors,
            float[] table,
            float[] out,
            int outAt);

    /** Signed bytes as numbers, {@code [vectors][16]} from outAt. */
    void bytes(MemorySegment memory, long at, int vectors, float[] out, int outAt);

    /**
     * Scores of each query head against tiles of signed bytes, {@code s[h][t] = Σ_d q[h][d] · k[d][t]}, as {@link AttentionTiles#scores} of {@link #bytes}.
     *
     * @param keysAt where {@code [tiles][headDim][16]} begin, in bytes
     * @param q {@code [heads][headDim]} from qAt
     * @param s {@code [heads][stride]} from sAt; {@code 16 · tiles} scores written per head
     */
    void byteScores(
            MemorySegment keys,
            long keysAt,
            int tiles,
            float[] q,
            int qAt,
            int heads,
            int headDim,
            float[] s,
            int sAt,
            int stride);

    /**
     * Weighted sums of rows of signed bytes, {@code o[h][c] += Σ_t p[h][t] · v[t][c]}, as {@link AttentionTiles#weigh} of {@link #bytes}.
     *
     * @param valuesAt where {@code [tokens][width]} begin, in bytes
     * @param p {@code [heads][stride]} from pAt
     * @param width a multiple of 16
     * @param o {@code [heads][width]} from oAt
     */
    void byteWeigh(
            MemorySegment values,
            long valuesAt,
            int tokens,
            float[] p,
            int pAt,
            int stride,
            int heads,
            int width,
            float[] o,
            int oAt);

    /**
     * Scores of codes with a scale for each token: {@code s[h][t] ← s[h][t] · scale[t] + shift[h]}.
     *
     * @param s {@code [heads][stride]} from sAt
     * @param tokens a multiple of 16
     */
    void scaleScores(
            float[] s,
            int sAt,
            int stride,
            int heads,
            int tokens,
            float[] scale,
            int scaleAt,
            float[] shift,
            int shiftAt);

    /**
     * Weights of codes with a scale for each token: {@code out[h][t] = p[h][t] · scale[t]}.
     *
     * @param p {@code [heads][stride]} from pAt
     * @param tokens a multiple of 16
     * @param out {@code [heads][tokens]} from outAt
     */
    void scaleWeights(
            float[] p, int pAt, int stride, int heads, int tokens, float[] scale, int scaleAt, float[] out, int outAt);

    /** {@code x[v][lane] ← x[v][lane] · scale[lane] + shift[lane]}, x {@code [vectors][16]} from at. */
    void affineLanes(float[] x, int at, int vectors, float[] scale, int scaleAt, float[] shift, int shiftAt);

    /** {@code x[i] ← x[i] · scale + shift} for some multiple of 16 numbers from at. */
    void affine(float[] x, int at, int count, float scale, float shift);

    /**
     * The orthonormal Walsh–Hadamard transform, its own inverse, of blocks of each row: {@link #block} numbers in natural order.
     *
     * @param x {@code [rows][stride]} from at; the first n numbers of each row are transformed
     */
    void hadamard(float[] x, int at, int rows, int stride, int n);

    /** {@link #hadamard} of the columns of {@code x[n][16]} from at, all lanes side by side. */
    void hadamardLanes(float[] x, int at, int n);

    /** The largest power of two that divides n: the transform goes over blocks of so many numbers. */
    static int block(int n) {
        return Integer.lowestOneBit(n);
    }
}
