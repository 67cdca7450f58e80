package dev.lectern.kernel;

import static dev.lectern.kernel.AttentionTiles.TILE;
import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.I;
import static dev.lectern.kernel.Lanes.L;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Scores of decode attention from keys of 16 bits as they are stored, in tiles. They are read in the order of their addresses, so that the processor fetches what comes next
 * while it multiplies: a copy to f32 first costs a third more when the cache is in memory.
 *
 * <p>Register tiles: 4 (or 3) heads times the 16 tokens of a tile, which are one vector of 512 bits or two of 256. Past its last head a register tile computes that head again,
 * into the same place.
 */
final class StoredKeys {
    /** With 512 bits a vector is a tile. */
    private static final boolean WIDE = L == TILE;

    private StoredKeys() {}

    /** {@link AttentionTiles#storedScores}. */
    static void scores(
            ElementType type,
            MemorySegment keys,
            long keysAt,
            int tiles,
            float[] queries,
            int queriesAt,
            int heads,
            int headDim,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch) {
        float unit = type == ElementType.F16 ? Widening.HALF_UNIT : 1;
        float[] q = scratch.factors(heads * headDim);
        Widening.multiply(queries, queriesAt, headDim, heads, headDim, unit, q);
        int shift = Widening.shift(type), mask = Widening.mask(type);
        for (int tile = 0; tile < tiles; tile++) {
            long k = keysAt + type.bytes((long) tile * TILE * headDim);
            for (int h = 0; h < heads; h += 4) {
                int to = sAt + h * stride + tile * TILE;
                if (WIDE && heads - h == 3) {
                    scores3x1(k, keys, headDim, shift, mask, q, h * headDim, unit, s, to, stride);
                    continue;
                }
                int h1 = Math.min(1, heads - 1 - h), h2 = Math.min(2, heads - 1 - h), h3 = Math.min(3, heads - 1 - h);
                int q0 = h * headDim, q1 = q0 + h1 * headDim, q2 = q0 + h2 * headDim, q3 = q0 + h3 * headDim;
                int s1 = to + h1 * stride, s2 = to + h2 * stride, s3 = to + h3 * stride;
                if (WIDE) {
                    scores4x1(k, keys, headDim, shift, mask, q, q0, q1, q2, q3, unit, s, to, s1, s2, s3);
                } else {
                    for (int t = 0; t < TILE; t += 2 * L) {
                        scores4x2(
                                k + 2L * t,
                                keys,
                                headDim,
                                shift,
                                mask,
                                q,
                                q0,
                                q1,
                                q2,
                                q3,
                                unit,
                                s,
                                to + t,
                                s1 + t,
                                s2 + t,
                                s3 + t);
                    }
                }
            }
        }
    }

    private static void scores3x1(
            long at,
            MemorySegment keys,
            int headDim,
            int shift,
            int bits,
            float[] q,
            int q0,
            float unit,
            float[] s,
            int s0,
            int stride) {
        IntVector mask = IntVector.broadcast(I, bits);
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0;
        for (int d = 0; d < headDim; d++) {
            FloatVector k = Widening.widened(keys, at + 2L * TILE * d, shift, mask);
            a0 = FloatVector.broadcast(F, q[q0 + d]).fma(k, a0);
            a1 = FloatVector.broadcast(F, q[q0 + headDim + d]).fma(k, a1);
            a2 = FloatVector.broadcast(F, q[q0 + 2 * headDim + d]).fma(k, a2);
        }
        a0.mul(unit).intoArray(s, s0);
        a1.mul(unit).intoArray(s, s0 + stride);
        a2.mul(unit).intoArray(s, s0 + 2 * stride);
    }

    private static void scores4x1(
            long at,
            MemorySegment keys,
            int headDim,
            int shift,
            int bits,
            float[] q,
            int q0,
            int q1,
            int q2,
            int q3,
            float unit,
            float[] s,
            int s0,
            int s1,
            int s2,
            int s3) {
        IntVector mask = IntVector.broadcast(I, bits);
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        for (int d = 0; d < headDim; d++) {
            FloatVector k = Widening.widened(keys, at + 2L * TILE * d, shift, mask);
            a0 = FloatVector.broadcast(F, q[q0 + d]).fma(k, a0);
            a1 = FloatVector.broadcast(F, q[q1 + d]).fma(k, a1);
            a2 = FloatVector.broadcast(F, q[q2 + d]).fma(k, a2);
            a3 = FloatVector.broadcast(F, q[q3 + d]).fma(k, a3);
        }
        a0.mul(unit).intoArray(s, s0);
        a1.mul(unit).intoArray(s, s1);
        a2.mul(unit).intoArray(s, s2);
        a3.mul(unit).intoArray(s, s3);
    }

    private static void scores4x2(
            long at,
            MemorySegment keys,
            int headDim,
            int shift,
            int bits,
            float[] q,
            int q0,
            int q1,
            int q2,
            int q3,
            float unit,
            float[] s,
            int s0,
            int s1,
            int s2,
            int s3) {
        IntVector mask = IntVector.broadcast(I, bits);
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (int d = 0; d < headDim; d++) {
            FloatVector k = Widening.widened(keys, at + 2L * TILE * d, shift, mask);
            FloatVector l = Widening.widened(keys, at + 2L * TILE * d + 2 * L, shift, mask);
            FloatVector w = FloatVector.broadcast(F, q[q0 + d]);
            a0 = w.fma(k, a0);
            b0 = w.fma(l, b0);
            w = FloatVector.broadcast(F, q[q1 + d]);
            a1 = w.fma(k, a1);
            b1 = w.fma(l, b1);
            w = FloatVector.broadcast(F, q[q2 + d]);
            a2 = w.fma(k, a2);
            b2 = w.fma(l, b2);
            w = FloatVector.broadcast(F, q[q3 + d]);
            a3 = w.fma(k, a3);
            b3 = w.fma(l, b3);
        }
        a0.mul(unit).intoArray(s, s0);
        b0.mul(unit).intoArray(s, s0 + L);
        a1.mul(unit).intoArray(s, s1);
        b1.mul(unit).intoArray(s, s1 + L);
        a2.mul(unit).intoArray(s, s2);
        b2.mul(unit).intoArray(s, s2 + L);
        a3.mul(unit).intoArray(s, s3);
        b3.mul(unit).intoArray(s, s3 + L);
    }
}
