package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.L;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Decode attention on keys in rows: lanes are dimensions, and are summed at the end. The sums of four heads share their steps: while a vector is folded in
 * halves, the half that is no longer needed takes another head's sums.
 */
final class RowTiles {
    /** Dimensions in the loop that the compiler unrolls. */
    private static final int BLOCK = 64;

    private static final VectorShuffle<Float> FOLD_2 = fold(L / 2);
    private static final VectorShuffle<Float> FOLD_4 = fold(L / 4);
    private static final VectorShuffle<Float> FOLD_8 = fold(L / 8);
    private static final VectorShuffle<Float> FOLD_16 = fold(L / 16);
    private static final VectorMask<Float> UPPER_HALVES = upper(L / 2);
    private static final VectorMask<Float> UPPER_QUARTERS = upper(L / 4);

    /** Where {@link #sum} leaves the sums of four heads. */
    static final int[] PLACES = {0, L / 2, L / 4, L / 2 + L / 4};

    private RowTiles() {}

    private static VectorShuffle<Float> fold(int distance) {
        return VectorShuffle.fromOp(F, i -> i ^ distance);
    }

    private static VectorMask<Float> upper(int distance) {
        boolean[] bits = new boolean[L];
        for (int i = 0; i < L; i++) {
            bits[i] = (i & distance) != 0;
        }
        return VectorMask.fromArray(F, bits, 0);
    }

    /** {@link AttentionTiles#rowScores}. */
    static void scores(
            float[] q,
            int qAt,
            int heads,
            int headDim,
            float[] k,
            int kAt,
            int kStride,
            int tokens,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch) {
        int whole = headDim - headDim % L;
        float[] sums = scratch.factors(L);
        for (int h = 0; h < heads; h += 4) {
            int last = heads - 1 - h;
            int h1 = Math.min(1, last), h2 = Math.min(2, last), h3 = Math.min(3, last);
            int q0 = qAt + h * headDim, q1 = q0 + h1 * headDim, q2 = q0 + h2 * headDim, q3 = q0 + h3 * headDim;
            int to = sAt + h * stride;
            for (int t = 0; t < tokens; t++, to++) {
                int row = kAt + t * kStride;
                products(q, q0, q1, q2, q3, k, row, whole, sums);
                for (int i = 0; i <= Math.min(3, last); i++) {
                    s[to + i * stride] = rest(q, q0 + i * headDim, k, row, whole, headDim, sums[PLACES[i]]);
                }
            }
        }
    }

    /** The dimensions after the last whole vector. */
    private static float rest(float[] q, int qAt, float[] k, int row, int from, int headDim, float sum) {
        float result = sum;
        for (int d = from; d < headDim; d++) {
            result = Math.fma(q[qAt + d], k[row + d], result);
        }
        return result;
    }

    /** Products of one row with four heads; the sum of head i goes to {@code sums[PLACES[i]]}. */
    private static void products(
            float[] q, int q0, int q1, int q2, int q3, float[] k, int row, int count, float[] sums) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        int d = 0;
        for (; d <= count - BLOCK; d += BLOCK) {
            for (int i = d; i < d + BLOCK; i += L) {
                FloatVector x = Lanes.x(k, row + i);
                a0 = Lanes.x(q, q0 + i).fma(x, a0);
                a1 = Lanes.x(q, q1 + i).fma(x, a1);
                a2 = Lanes.x(q, q2 + i).fma(x, a2);
                a3 = Lanes.x(q, q3 + i).fma(x, a3);
            }
        }
        for (; d < count; d += L) {
            FloatVector x = Lanes.x(k, row + d);
            a0 = Lanes.x(q, q0 + d).fma(x, a0);
            a1 = Lanes.x(q, q1 + d).fma(x, a1);
            a2 = Lanes.x(q, q2 + d).fma(x, a2);
            a3 = Lanes.x(q, q3 + d).fma(x, a3);
        }
        sum(a0, a1, a2, a3).intoArray(sums, 0);
    }

    /** The sums of the lanes of four vectors, in the lanes {@link #PLACES}. */
    static FloatVector sum(FloatVector a0, FloatVector a1, FloatVector a2, FloatVector a3) {
        FloatVector b0 = a0.add(a0.rearrange(FOLD_2)).blend(a1.add(a1.rearrange(FOLD_2)), UPPER_HALVES);
        FloatVector b2 = a2.add(a2.rearrange(FOLD_2)).blend(a3.add(a3.rearrange(FOLD_2)), UPPER_HALVES);
        FloatVector c = b0.add(b0.rearrange(FOLD_4)).blend(b2.add(b2.rearrange(FOLD_4)), UPPER_QUARTERS);
        FloatVector e = L >= 8 ? c.add(c.rearrange(FOLD_8)) : c;
        return L >= 16 ? e.add(e.rearrange(FOLD_16)) : e;
    }
}
