package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.I;
import static dev.lectern.kernel.Lanes.L;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** Decode attention on chosen rows of 16 bits as they are stored. Past its last head a register tile computes that head again, into the same place. */
final class ChosenRows {
    /** Columns in a loop that the compiler unrolls. */
    private static final int BLOCK = AttentionTiles.STORED_WIDTH;

    private ChosenRows() {}

    /** {@link AttentionTiles#chosenScores}. */
    static void scores(
            ElementType type,
            MemorySegment keys,
            long keysAt,
            int[] ids,
            int from,
            int count,
            float[] q,
            int qAt,
            int heads,
            int headDim,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch) {
        float[] sums = scratch.factors(L);
        int shift = Widening.shift(type), mask = Widening.mask(type);
        float unit = Widening.unit(type);
        for (int h = 0; h < heads; h += 4) {
            int last = heads - 1 - h;
            int h1 = Math.min(1, last), h2 = Math.min(2, last), h3 = Math.min(3, last);
            int q0 = qAt + h * headDim, q1 = q0 + h1 * headDim, q2 = q0 + h2 * headDim, q3 = q0 + h3 * headDim;
            int to = sAt + h * stride;
            for (int i = 0; i < count; i++, to++) {
                long row = keysAt + 2L * ids[from + i] * headDim;
                products(keys, row, shift, mask, unit, q, q0, q1, q2, q3, headDim, sums);
                for (int head = 0; head <= Math.min(3, last); head++) {
                    s[to + head * stride] = sums[RowTiles.PLACES[head]];
                }
            }
        }
    }

    private static void products(
            MemorySegment keys,
            long row,
            int shift,
            int bits,
            float unit,
            float[] q,
            int q0,
            int q1,
            int q2,
            int q3,
            int headDim,
            float[] sums) {
        IntVector mask = IntVector.broadcast(I, bits);
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        for (int d = 0; d < headDim; d += BLOCK) {
            for (int i = d; i < d + BLOCK; i += L) {
                FloatVector k =
                        Widening.widened(keys, row + 2L * i, shift, mask).mul(unit);
                a0 = Lanes.x(q, q0 + i).fma(k, a0);
                a1 = Lanes.x(q, q1 + i).fma(k, a1);
                a2 = Lanes.x(q, q2 + i).fma(k, a2);
                a3 = Lanes.x(q, q3 + i).fma(k, a3);
            }
        }
        RowTiles.sum(a0, a1, a2, a3).intoArray(sums, 0);
    }

    /** {@link AttentionTiles#chosenWeigh}. */
    static void weigh(
            ElementType type,
            MemorySegment values,
            long valuesAt,
            int[] ids,
            int from,
            int count,
            float[] p,
            int pAt,
            int stride,
            int heads,
            int headDim,
            float[] o,
            int oAt) {
        int shift = Widening.shift(type), mask = Widening.mask(type);
        float unit = Widening.unit(type);
        for (int h = 0; h < heads; h += 4) {
            int last = heads - 1 - h;
            int h1 = Math.min(1, last), h2 = Math.min(2, last), h3 = Math.min(3, last);
            int p0 = pAt + h * stride, p1 = p0 + h1 * stride, p2 = p0 + h2 * stride, p3 = p0 + h3 * stride;
            for (int c = 0; c < headDim; c += 2 * L) {
                int o0 = oAt + h * headDim + c;
                int o1 = o0 + h1 * headDim, o2 = o0 + h2 * headDim, o3 = o0 + h3 * headDim;
                long at = valuesAt + 2L * c;
                weigh4x2(
                        values, at, ids, from, count, headDim, shift, mask, unit, p, p0, p1, p2, p3, o, o0, o1, o2, o3);
            }
        }
    }

    private static void weigh4x2(
            MemorySegment values,
            long at,
            int[] ids,
            int from,
            int count,
            int headDim,
            int shift,
            int bits,
            float unit,
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
        FloatVector a0 = Lanes.x(o, o0), b0 = Lanes.x(o, o0 + L);
        FloatVector a1 = Lanes.x(o, o1), b1 = Lanes.x(o, o1 + L);
        FloatVector a2 = Lanes.x(o, o2), b2 = Lanes.x(o, o2 + L);
        FloatVector a3 = Lanes.x(o, o3), b3 = Lanes.x(o, o3 + L);
        for (int i = 0; i < count; i++) {
            long row = at + 2L * ids[from + i] * headDim;
            FloatVector a = Widening.widened(values, row, shift, mask).mul(unit);
            FloatVector b = Widening.widened(values, row + 2L * L, shift, mask).mul(unit);
            FloatVector w = Lanes.all(p[p0 + i]);
            a0 = w.fma(a, a0);
            b0 = w.fma(b, b0);
            w = Lanes.all(p[p1 + i]);
            a1 = w.fma(a, a1);
            b1 = w.fma(b, b1);
            w = Lanes.all(p[p2 + i]);
            a2 = w.fma(a, a2);
            b2 = w.fma(b, b2);
            w = Lanes.all(p[p3 + i]);
            a3 = w.fma(a, a3);
            b3 = w.fma(b, b3);
        }
        a0.intoArray(o, o0);
        b0.intoArray(o, o0 + L);
        a1.intoArray(o, o1);
        b1.intoArray(o, o1 + L);
        a2.intoArray(o, o2);
        b2.intoArray(o, o2 + L);
        a3.intoArray(o, o3);
        b3.intoArray(o, o3 + L);
    }
}
