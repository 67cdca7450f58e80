package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.I;
import static dev.lectern.kernel.Lanes.L;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Weighted sums of decode attention from values of 16 bits as they are stored, in rows, read in the order of their addresses like {@link StoredKeys}.
 *
 * <p>Register tiles: 4 (or 3) heads times 4 vectors of a row at 512 bits, times 2 at fewer, where there are 16 registers. Past its last head a register tile computes that
 * head again, into the same place.
 */
final class StoredValues {
    /** With 32 registers. */
    private static final boolean WIDE = L == 16;

    /** Rows that all heads go over before the next: what stays in the first-level cache, and nearly in order where columns are taken in turn. */
    private static final int ROWS = WIDE ? 64 : 32;

    private StoredValues() {}

    /** {@link AttentionTiles#storedWeigh}. */
    static void weigh(
            ElementType type,
            MemorySegment values,
            long valuesAt,
            int tokens,
            float[] weights,
            int weightsAt,
            int stride,
            int heads,
            int headDim,
            float[] o,
            int oAt,
            TileScratch scratch) {
        float[] p = scratch.factors(heads * tokens);
        float unit = type == ElementType.F16 ? Widening.HALF_UNIT * Widening.HALF_UNIT : 1;
        Widening.multiply(weights, weightsAt, stride, heads, tokens, unit, p);
        int shift = Widening.shift(type), mask = Widening.mask(type);
        int columns = WIDE ? 4 * L : 2 * L;
        for (int t = 0; t < tokens; t += ROWS) {
            int rows = Math.min(ROWS, tokens - t);
            for (int h = 0; h < heads; h += 4) {
                int last = heads - 1 - h;
                int h1 = Math.min(1, last), h2 = Math.min(2, last), h3 = Math.min(3, last);
                int p0 = h * tokens + t, p1 = p0 + h1 * tokens, p2 = p0 + h2 * tokens, p3 = p0 + h3 * tokens;
                for (int c = 0; c < headDim; c += columns) {
                    long v = valuesAt + type.bytes((long) t * headDim + c);
                    int o0 = oAt + h * headDim + c;
                    int o1 = o0 + h1 * headDim, o2 = o0 + h2 * headDim, o3 = o0 + h3 * headDim;
                    if (!WIDE) {
                        weigh4x2(v, values, headDim, rows, shift, mask, p, p0, p1, p2, p3, o, o0, o1, o2, o3);
                    } else if (heads - h == 3) {
                        weigh3x4(v, values, headDim, rows, shift, mask, p, p0, p1, p2, o, o0, o1, o2);
                    } else {
                        weigh4x4(v, values, headDim, rows, shift, mask, p, p0, p1, p2, p3, o, o0, o1, o2, o3);
                    }
                }
            }
        }
    }

    private static void weigh3x4(
            long at,
            MemorySegment values,
            int headDim,
            int rows,
            int shift,
            int bits,
            float[] p,
            int p0,
            int p1,
            int p2,
            float[] o,
            int o0,
            int o1,
            int o2) {
        IntVector mask = IntVector.broadcast(I, bits);
        FloatVector a00 = FloatVector.fromArray(F, o, o0);
        FloatVector a01 = FloatVector.fromArray(F, o, o0 + L);
        FloatVector a02 = FloatVector.fromArray(F, o, o0 + 2 * L);
        FloatVector a03 = FloatVector.fromArray(F, o, o0 + 3 * L);
        FloatVector a10 = FloatVector.fromArray(F, o, o1);
        FloatVector a11 = FloatVector.fromArray(F, o, o1 + L);
        FloatVector a12 = FloatVector.fromArray(F, o, o1 + 2 * L);
        FloatVector a13 = FloatVector.fromArray(F, o, o1 + 3 * L);
        FloatVector a20 = FloatVector.fromArray(F, o, o2);
        FloatVector a21 = FloatVector.fromArray(F, o, o2 + L);
        FloatVector a22 = FloatVector.fromArray(F, o, o2 + 2 * L);
        FloatVector a23 = FloatVector.fromArray(F, o, o2 + 3 * L);
        for (int t = 0; t < rows; t++) {
            long row = at + 2L * t * headDim;
            FloatVector v0 = Widening.widened(values, row, shift, mask);
            FloatVector v1 = Widening.widened(values, row + 2 * L, shift, mask);
            FloatVector v2 = Widening.widened(values, row + 4 * L, shift, mask);
            FloatVector v3 = Widening.widened(values, row + 6 * L, shift, mask);
            FloatVector w = FloatVector.broadcast(F, p[p0 + t]);
            a00 = w.fma(v0, a00);
            a01 = w.fma(v1, a01);
            a02 = w.fma(v2, a02);
            a03 = w.fma(v3, a03);
            w = FloatVector.broadcast(F, p[p1 + t]);
            a10 = w.fma(v0, a10);
            a11 = w.fma(v1, a11);
            a12 = w.fma(v2, a12);
            a13 = w.fma(v3, a13);
            w = FloatVector.broadcast(F, p[p2 + t]);
            a20 = w.fma(v0, a20);
            a21 = w.fma(v1, a21);
            a22 = w.fma(v2, a22);
            a23 = w.fma(v3, a23);
        }
        a00.intoArray(o, o0);
        a01.intoArray(o, o0 + L);
        a02.intoArray(o, o0 + 2 * L);
        a03.intoArray(o, o0 + 3 * L);
        a10.intoArray(o, o1);
        a11.intoArray(o, o1 + L);
        a12.intoArray(o, o1 + 2 * L);
        a13.intoArray(o, o1 + 3 * L);
        a20.intoArray(o, o2);
        a21.intoArray(o, o2 + L);
        a22.intoArray(o, o2 + 2 * L);
        a23.intoArray(o, o2 + 3 * L);
    }

    private static void weigh4x4(
            long at,
            MemorySegment values,
            int headDim,
            int rows,
            int shift,
            int bits,
            float[] p,
            int p0,
            int p1,
            int p2,
            int p3,
            float[] o,
            int o0,
            int o1,
            int o2,
            int o3) {
        IntVector mask = IntVector.broadcast(I, bits);
        FloatVector a00 = FloatVector.fromArray(F, o, o0);
        FloatVector a01 = FloatVector.fromArray(F, o, o0 + L);
        FloatVector a02 = FloatVector.fromArray(F, o, o0 + 2 * L);
        FloatVector a03 = FloatVector.fromArray(F, o, o0 + 3 * L);
        FloatVector a10 = FloatVector.fromArray(F, o, o1);
        FloatVector a11 = FloatVector.fromArray(F, o, o1 + L);
        FloatVector a12 = FloatVector.fromArray(F, o, o1 + 2 * L);
        FloatVector a13 = FloatVector.fromArray(F, o, o1 + 3 * L);
        FloatVector a20 = FloatVector.fromArray(F, o, o2);
        FloatVector a21 = FloatVector.fromArray(F, o, o2 + L);
        FloatVector a22 = FloatVector.fromArray(F, o, o2 + 2 * L);
        FloatVector a23 = FloatVector.fromArray(F, o, o2 + 3 * L);
        FloatVector a30 = FloatVector.fromArray(F, o, o3);
        FloatVector a31 = FloatVector.fromArray(F, o, o3 + L);
        FloatVector a32 = FloatVector.fromArray(F, o, o3 + 2 * L);
        FloatVector a33 = FloatVector.fromArray(F, o, o3 + 3 * L);
        for (int t = 0; t < rows; t++) {
            long row = at + 2L * t * headDim;
            FloatVector v0 = Widening.widened(values, row, shift, mask);
            FloatVector v1 = Widening.widened(values, row + 2 * L, shift, mask);
            FloatVector v2 = Widening.widened(values, row + 4 * L, shift, mask);
            FloatVector v3 = Widening.widened(values, row + 6 * L, shift, mask);
            FloatVector w = FloatVector.broadcast(F, p[p0 + t]);
            a00 = w.fma(v0, a00);
            a01 = w.fma(v1, a01);
            a02 = w.fma(v2, a02);
            a03 = w.fma(v3, a03);
            w = FloatVector.broadcast(F, p[p1 + t]);
            a10 = w.fma(v0, a10);
            a11 = w.fma(v1, a11);
            a12 = w.fma(v2, a12);
            a13 = w.fma(v3, a13);
            w = FloatVector.broadcast(F, p[p2 + t]);
            a20 = w.fma(v0, a20);
            a21 = w.fma(v1, a21);
            a22 = w.fma(v2, a22);
            a23 = w.fma(v3, a23);
            w = FloatVector.broadcast(F, p[p3 + t]);
            a30 = w.fma(v0, a30);
            a31 = w.fma(v1, a31);
            a32 = w.fma(v2, a32);
            a33 = w.fma(v3, a33);
        }
        a00.intoArray(o, o0);
        a01.intoArray(o, o0 + L);
        a02.intoArray(o, o0 + 2 * L);
        a03.intoArray(o, o0 + 3 * L);
        a10.intoArray(o, o1);
        a11.intoArray(o, o1 + L);
        a12.intoArray(o, o1 + 2 * L);
        a13.intoArray(o, o1 + 3 * L);
        a20.intoArray(o, o2);
        a21.intoArray(o, o2 + L);
        a22.intoArray(o, o2 + 2 * L);
        a23.intoArray(o, o2 + 3 * L);
        a30.intoArray(o, o3);
        a31.intoArray(o, o3 + L);
        a32.intoArray(o, o3 + 2 * L);
        a33.intoArray(o, o3 + 3 * L);
    }

    private static void weigh4x2(
            long at,
            MemorySegment values,
            int headDim,
            int rows,
            int shift,
            int bits,
            float[] p,
            int p0,
            int p1,
            int p2,
            int p3,
            float[] o,
            int o0,
            int o1,
            int o2,
            int o3) {
        IntVector mask = IntVector.broadcast(I, bits);
        FloatVector a00 = FloatVector.fromArray(F, o, o0);
        FloatVector a01 = FloatVector.fromArray(F, o, o0 + L);
        FloatVector a10 = FloatVector.fromArray(F, o, o1);
        FloatVector a11 = FloatVector.fromArray(F, o, o1 + L);
        FloatVector a20 = FloatVector.fromArray(F, o, o2);
        FloatVector a21 = FloatVector.fromArray(F, o, o2 + L);
        FloatVector a30 = FloatVector.fromArray(F, o, o3);
        FloatVector a31 = FloatVector.fromArray(F, o, o3 + L);
        for (int t = 0; t < rows; t++) {
            long row = at + 2L * t * headDim;
            FloatVector v0 = Widening.widened(values, row, shift, mask);
            FloatVector v1 = Widening.widened(values, row + 2 * L, shift, mask);
            FloatVector w = FloatVector.broadcast(F, p[p0 + t]);
            a00 = w.fma(v0, a00);
            a01 = w.fma(v1, a01);
            w = FloatVector.broadcast(F, p[p1 + t]);
            a10 = w.fma(v0, a10);
            a11 = w.fma(v1, a11);
            w = FloatVector.broadcast(F, p[p2 + t]);
            a20 = w.fma(v0, a20);
            a21 = w.fma(v1, a21);
            w = FloatVector.broadcast(F, p[p3 + t]);
            a30 = w.fma(v0, a30);
            a31 = w.fma(v1, a31);
        }
        a00.intoArray(o, o0);
        a01.intoArray(o, o0 + L);
        a10.intoArray(o, o1);
        a11.intoArray(o, o1 + L);
        a20.intoArray(o, o2);
        a21.intoArray(o, o2 + L);
        a30.intoArray(o, o3);
        a31.intoArray(o, o3 + L);
    }
}
