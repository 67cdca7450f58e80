package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.L;
import static dev.lectern.kernel.Lanes.all;
import static dev.lectern.kernel.Lanes.x;

import jdk.incubator.vector.FloatVector;

/**
 * The innermost product of prefill: four rows of decoded weights times a few vectors of tokens (lane = token), kept in registers over a block of columns,
 * then added to what earlier blocks gave. The sum of a token is a plain chain of fused multiply-adds whatever the tile, so the tiles agree bit for bit.
 *
 * <p>The compiler loads everything of one step before it multiplies: accumulators, vectors and one weight must fit the registers. Of 16 registers (256
 * bits) two vectors are the best use, of 32 (512 bits) four.
 */
final class Tiles {
    /** Columns of weights that are decoded at a time: more where a second-level cache is 1 MB. */
    static final int COLUMNS = L == 16 ? 1024 : 512;

    /** Tokens that are multiplied at a time. */
    static final int TOKENS = 512;

    /** The distance of two rows of sums: no power of two, so that a column of them does not crowd into few lines of the cache. */
    static final int STRIDE = TOKENS + 16;

    /** Vectors of the widest tile for this machine. */
    static final int VECTORS = L == 16 ? 4 : 2;

    /** Lanes of the widest tile. */
    static final int WIDTH = VECTORS * L;

    /** Rows of decoded weights that stand side by side. */
    private static final int ROWS = Interleaved.ROWS;

    private Tiles() {}

    /**
     * Four rows times {@code vectors} vectors.
     *
     * @param w {@code [columns][ROWS]} from {@code at} on, of which the first four rows are multiplied
     * @param x {@code [columns][width]} from {@code from} on
     * @param sums {@code [4][STRIDE]} from {@code to} on, added to
     */
    static void multiply(
            int vectors, float[] w, int at, float[] x, int from, int width, int columns, float[] sums, int to) {
        if (vectors == VECTORS) {
            if (VECTORS == 4) {
                by4(w, at, x, from, columns, sums, to);
            } else {
                by2(w, at, x, from, columns, sums, to);
            }
        } else {
            for (int v = 0; v < vectors; v++) {
                by1(w, at, x, from + v * L, width, columns, sums, to + v * L);
            }
        }
    }

    private static void add(float[] sums, int at, FloatVector v) {
        x(sums, at).add(v).intoArray(sums, at);
    }

    private static void by4(float[] w, int at, float[] x, int from, int columns, float[] sums, int to) {
        FloatVector zero = FloatVector.zero(F);
        FloatVector s00 = zero;
        FloatVector s01 = zero;
        FloatVector s02 = zero;
        FloatVector s03 = zero;
        FloatVector s10 = zero;
        FloatVector s11 = zero;
        FloatVector s12 = zero;
        FloatVector s13 = zero;
        FloatVector s20 = zero;
        FloatVector s21 = zero;
        FloatVector s22 = zero;
        FloatVector s23 = zero;
        FloatVector s30 = zero;
        FloatVector s31 = zero;
        FloatVector s32 = zero;
        FloatVector s33 = zero;
        for (int k = 0; k < columns; k++) {
            int o = from + WIDTH * k;
            FloatVector x0 = x(x, o);
            FloatVector x1 = x(x, o + L);
            FloatVector x2 = x(x, o + 2 * L);
            FloatVector x3 = x(x, o + 3 * L);
            FloatVector w0 = all(w[at + ROWS * k]);
            s00 = w0.fma(x0, s00);
            s01 = w0.fma(x1, s01);
            s02 = w0.fma(x2, s02);
            s03 = w0.fma(x3, s03);
            FloatVector w1 = all(w[at + ROWS * k + 1]);
            s10 = w1.fma(x0, s10);
            s11 = w1.fma(x1, s11);
            s12 = w1.fma(x2, s12);
            s13 = w1.fma(x3, s13);
            FloatVector w2 = all(w[at + ROWS * k + 2]);
            s20 = w2.fma(x0, s20);
            s21 = w2.fma(x1, s21);
            s22 = w2.fma(x2, s22);
            s23 = w2.fma(x3, s23);
            FloatVector w3 = all(w[at + ROWS * k + 3]);
            s30 = w3.fma(x0, s30);
            s31 = w3.fma(x1, s31);
            s32 = w3.fma(x2, s32);
            s33 = w3.fma(x3, s33);
        }
        add(sums, to, s00);
        add(sums, to + L, s01);
        add(sums, to + 2 * L, s02);
        add(sums, to + 3 * L, s03);
        add(sums, to + STRIDE, s10);
        add(sums, to + STRIDE + L, s11);
        add(sums, to + STRIDE + 2 * L, s12);
        add(sums, to + STRIDE + 3 * L, s13);
        add(sums, to + 2 * STRIDE, s20);
        add(sums, to + 2 * STRIDE + L, s21);
        add(sums, to + 2 * STRIDE + 2 * L, s22);
        add(sums, to + 2 * STRIDE + 3 * L, s23);
        add(sums, to + 3 * STRIDE, s30);
        add(sums, to + 3 * STRIDE + L, s31);
        add(sums, to + 3 * STRIDE + 2 * L, s32);
        add(sums, to + 3 * STRIDE + 3 * L, s33);
    }

    private static void by2(float[] w, int at, float[] x, int from, int columns, float[] sums, int to) {
        FloatVector zero = FloatVector.zero(F);
        FloatVector s00 = zero;
        FloatVector s01 = zero;
        FloatVector s10 = zero;
        FloatVector s11 = zero;
        FloatVector s20 = zero;
        FloatVector s21 = zero;
        FloatVector s30 = zero;
        FloatVector s31 = zero;
        for (int k = 0; k < columns; k++) {
            int o = from + WIDTH * k;
            FloatVector x0 = x(x, o);
            FloatVector x1 = x(x, o + L);
            FloatVector w0 = all(w[at + ROWS * k]);
            s00 = w0.fma(x0, s00);
            s01 = w0.fma(x1, s01);
            FloatVector w1 = all(w[at + ROWS * k + 1]);
            s10 = w1.fma(x0, s10);
            s11 = w1.fma(x1, s11);
            FloatVector w2 = all(w[at + ROWS * k + 2]);
            s20 = w2.fma(x0, s20);
            s21 = w2.fma(x1, s21);
            FloatVector w3 = all(w[at + ROWS * k + 3]);
            s30 = w3.fma(x0, s30);
            s31 = w3.fma(x1, s31);
        }
        add(sums, to, s00);
        add(sums, to + L, s01);
        add(sums, to + STRIDE, s10);
        add(sums, to + STRIDE + L, s11);
        add(sums, to + 2 * STRIDE, s20);
        add(sums, to + 2 * STRIDE + L, s21);
        add(sums, to + 3 * STRIDE, s30);
        add(sums, to + 3 * STRIDE + L, s31);
    }

    private static void by1(float[] w, int at, float[] x, int from, int width, int columns, float[] sums, int to) {
        FloatVector zero = FloatVector.zero(F);
        FloatVector s0 = zero;
        FloatVector s1 = zero;
        FloatVector s2 = zero;
        FloatVector s3 = zero;
        for (int k = 0; k < columns; k++) {
            int o = from + k * width;
            FloatVector x0 = x(x, o);
            FloatVector w0 = all(w[at + ROWS * k]);
            s0 = w0.fma(x0, s0);
            FloatVector w1 = all(w[at + ROWS * k + 1]);
            s1 = w1.fma(x0, s1);
            FloatVector w2 = all(w[at + ROWS * k + 2]);
            s2 = w2.fma(x0, s2);
            FloatVector w3 = all(w[at + ROWS * k + 3]);
            s3 = w3.fma(x0, s3);
        }
        add(sums, to, s0);
        add(sums, to + STRIDE, s1);
        add(sums, to + 2 * STRIDE, s2);
        add(sums, to + 3 * STRIDE, s3);
    }
}
