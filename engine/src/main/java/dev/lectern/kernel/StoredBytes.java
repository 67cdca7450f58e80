package dev.lectern.kernel;

import static dev.lectern.kernel.AttentionTiles.TILE;
import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.L;
import static dev.lectern.kernel.Lanes.all;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Decode attention over keys and values of signed bytes as they are stored, like {@link StoredKeys} and {@link StoredValues}: a copy to f32 first costs half as much again. Vectors of at least 256 bits.
 *
 * <p>Register tiles: 4 heads times 2 vectors. Past its last head a register tile computes that head again, into the same place.
 */
final class StoredBytes {
    private StoredBytes() {}

    /** {@link CodeTiles#byteScores}. */
    static void scores(
            MemorySegment keys,
            long keysAt,
            int tiles,
            float[] q,
            int qAt,
            int heads,
            int headDim,
            float[] s,
            int sAt,
            int stride) {
        int vectors = tiles * (TILE / L);
        for (int v = 0; v < vectors; v += 2) {
            // Past the last vector a register tile computes that vector again.
            int t = v * L, u = Math.min(v + 1, vectors - 1) * L;
            long a = at(keysAt, t, headDim), b = at(keysAt, u, headDim);
            for (int h = 0; h < heads; h += 4) {
                int last = heads - 1 - h;
                int h1 = Math.min(1, last), h2 = Math.min(2, last), h3 = Math.min(3, last);
                int q0 = qAt + h * headDim, q1 = q0 + h1 * headDim, q2 = q0 + h2 * headDim, q3 = q0 + h3 * headDim;
                int s0 = sAt + h * stride + t;
                int s1 = s0 + h1 * stride, s2 = s0 + h2 * stride, s3 = s0 + h3 * stride;
                if (last == 2) {
                    scores3x2(keys, a, b, headDim, q, q0, q1, q2, s, s0, s1, s2, u - t);
                } else {
                    scores4x2(keys, a, b, headDim, q, q0, q1, q2, q3, s, s0, s1, s2, s3, u - t);
                }
            }
        }
    }

    /** Where a token's keys begin. */
    private static long at(long keysAt, int token, int headDim) {
        return keysAt + (long) (token / TILE) * TILE * headDim + token % TILE;
    }

    private static void scores3x2(
            MemorySegment keys,
            long kA,
            long kB,
            int headDim,
            float[] q,
            int q0,
            int q1,
            int q2,
            float[] s,
            int s0,
            int s1,
            int s2,
            int apart) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, b0 = a0, b1 = a0, b2 = a0;
        for (int d = 0; d < headDim; d++) {
            FloatVector a = Lanes.signed(keys, kA + (long) d * TILE), b = Lanes.signed(keys, kB + (long) d * TILE);
            FloatVector w = all(q[q0 + d]);
            a0 = w.fma(a, a0);
            b0 = w.fma(b, b0);
            w = all(q[q1 + d]);
            a1 = w.fma(a, a1);
            b1 = w.fma(b, b1);
            w = all(q[q2 + d]);
            a2 = w.fma(a, a2);
            b2 = w.fma(b, b2);
        }
        a0.intoArray(s, s0);
        a1.intoArray(s, s1);
        a2.intoArray(s, s2);
        b0.intoArray(s, s0 + apart);
        b1.intoArray(s, s1 + apart);
        b2.intoArray(s, s2 + apart);
    }

    private static void scores4x2(
            MemorySegment keys,
            long kA,
            long kB,
            int headDim,
            float[] q,
            int q0,
            int q1,
            int q2,
            int q3,
            float[] s,
            int s0,
            int s1,
            int s2,
            int s3,
            int apart) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (int d = 0; d < headDim; d++) {
            FloatVector a = Lanes.signed(keys, kA + (long) d * TILE), b = Lanes.signed(keys, kB + (long) d * TILE);
            FloatVector w = all(q[q0 + d]);
            a0 = w.fma(a, a0);
            b0 = w.fma(b, b0);
            w = all(q[q1 + d]);
            a1 = w.fma(a, a1);
            b1 = w.fma(b, b1);
            w = all(q[q2 + d]);
            a2 = w.fma(a, a2);
            b2 = w.fma(b, b2);
            w = all(q[q3 + d]);
            a3 = w.fma(a, a3);
            b3 = w.fma(b, b3);
        }
        a0.intoArray(s, s0);
        a1.intoArray(s, s1);
        a2.intoArray(s, s2);
        a3.intoArray(s, s3);
        b0.intoArray(s, s0 + apart);
        b1.intoArray(s, s1 + apart);
        b2.intoArray(s, s2 + apart);
        b3.intoArray(s, s3 + apart);
    }

    /** {@link CodeTiles#byteWeigh}. */
    static void weigh(
            MemorySegment values,
            long valuesAt,
            int tokens,
            float[] p,
            int pAt,
            int stride,
            int heads,
            int width,
            float[] o,
            int oAt) {
        for (int h = 0; h < heads; h += 4) {
            int last = heads - 1 - h;
            int h1 = Math.min(1, last), h2 = Math.min(2, last), h3 = Math.min(3, last);
            int p0 = pAt + h * stride, p1 = p0 + h1 * stride, p2 = p0 + h2 * stride, p3 = p0 + h3 * stride;
            int o0 = oAt + h * width, o1 = o0 + h1 * width, o2 = o0 + h2 * width, o3 = o0 + h3 * width;
            int c = 0;
            for (; c + 2 * L <= width; c += 2 * L) {
                long v = valuesAt + c;
                if (last == 2) {
                    weigh3x2(values, v, width, tokens, p, p0, p1, p2, o, o0 + c, o1 + c, o2 + c);
                } else {
                    weigh4x2(values, v, width, tokens, p, p0, p1, p2, p3, o, o0 + c, o1 + c, o2 + c, o3 + c);
                }
            }
            if (c < width) {
                weigh4x1(values, valuesAt + c, width, tokens, p, p0, p1, p2, p3, o, o0 + c, o1 + c, o2 + c, o3 + c);
            }
        }
    }

    private static void weigh3x2(
            MemorySegment values,
            long at,
            int width,
            int tokens,
            float[] p,
            int p0,
            int p1,
            int p2,
            float[] o,
            int o0,
            int o1,
            int o2) {
        FloatVector a0 = Lanes.x(o, o0), b0 = Lanes.x(o, o0 + L);
        FloatVector a1 = Lanes.x(o, o1), b1 = Lanes.x(o, o1 + L);
        FloatVector a2 = Lanes.x(o, o2), b2 = Lanes.x(o, o2 + L);
        for (int t = 0; t < tokens; t++) {
            long row = at + (long) t * width;
            FloatVector a = Lanes.signed(values, row), b = Lanes.signed(values, row + L);
            FloatVector w = all(p[p0 + t]);
            a0 = w.fma(a, a0);
            b0 = w.fma(b, b0);
            w = all(p[p1 + t]);
            a1 = w.fma(a, a1);
            b1 = w.fma(b, b1);
            w = all(p[p2 + t]);
            a2 = w.fma(a, a2);
            b2 = w.fma(b, b2);
        }
        a0.intoArray(o, o0);
        b0.intoArray(o, o0 + L);
        a1.intoArray(o, o1);
        b1.intoArray(o, o1 + L);
        a2.intoArray(o, o2);
        b2.intoArray(o, o2 + L);
    }

    private static void weigh4x2(
            MemorySegment values,
            long at,
            int width,
            int tokens,
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
        FloatVector a0 = Lanes.x(o, o0), b0 = Lanes.x(o, o0 + L);
        FloatVector a1 = Lanes.x(o, o1), b1 = Lanes.x(o, o1 + L);
        FloatVector a2 = Lanes.x(o, o2), b2 = Lanes.x(o, o2 + L);
        FloatVector a3 = Lanes.x(o, o3), b3 = Lanes.x(o, o3 + L);
        for (int t = 0; t < tokens; t++) {
            long row = at + (long) t * width;
            FloatVector a = Lanes.signed(values, row), b = Lanes.signed(values, row + L);
            FloatVector w = all(p[p0 + t]);
            a0 = w.fma(a, a0);
            b0 = w.fma(b, b0);
            w = all(p[p1 + t]);
            a1 = w.fma(a, a1);
            b1 = w.fma(b, b1);
            w = all(p[p2 + t]);
            a2 = w.fma(a, a2);
            b2 = w.fma(b, b2);
            w = all(p[p3 + t]);
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

    private static void weigh4x1(
            MemorySegment values,
            long at,
            int width,
            int tokens,
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
        FloatVector a0 = Lanes.x(o, o0), a1 = Lanes.x(o, o1), a2 = Lanes.x(o, o2), a3 = Lanes.x(o, o3);
        for (int t = 0; t < tokens; t++) {
            FloatVector a = Lanes.signed(values, at + (long) t * width);
            a0 = all(p[p0 + t]).fma(a, a0);
            a1 = all(p[p1 + t]).fma(a, a1);
            a2 = all(p[p2 + t]).fma(a, a2);
            a3 = all(p[p3 + t]).fma(a, a3);
        }
        a0.intoArray(o, o0);
        a1.intoArray(o, o1);
        a2.intoArray(o, o2);
        a3.intoArray(o, o3);
    }
}
