package dev.lectern.kernel;

import static dev.lectern.kernel.AttentionTiles.LOWEST;
import static dev.lectern.kernel.AttentionTiles.MASKED;
import static dev.lectern.kernel.AttentionTiles.TILE;
import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.L;
import static dev.lectern.kernel.Lanes.all;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Decode attention on f32 tiles. Register tiles: 4 heads × 2 vectors of tokens; 4 heads × 2 vectors of columns. Past its last head a register tile computes that head again, into the same place. */
final class DecodeTiles {
    private DecodeTiles() {}

    /** {@link AttentionTiles#scores}. */
    static void scores(
            float[] q, int qAt, int heads, int headDim, float[] k, int kAt, int tiles, float[] s, int sAt, int stride) {
        int vectors = tiles * (TILE / L);
        for (int h = 0; h < heads; h += 4) {
            int last = heads - 1 - h;
            int h1 = Math.min(1, last), h2 = Math.min(2, last), h3 = Math.min(3, last);
            int q0 = qAt + h * headDim, q1 = q0 + h1 * headDim, q2 = q0 + h2 * headDim, q3 = q0 + h3 * headDim;
            int s0 = sAt + h * stride, s1 = s0 + h1 * stride, s2 = s0 + h2 * stride, s3 = s0 + h3 * stride;
            int v = 0;
            for (; v + 2 <= vectors; v += 2) {
                int t = v * L;
                int a = at(kAt, t, headDim), b = at(kAt, t + L, headDim);
                scores4x2(q, q0, q1, q2, q3, headDim, k, a, b, s, s0 + t, s1 + t, s2 + t, s3 + t);
            }
            if (v < vectors) {
                int t = v * L;
                scores4(q, q0, q1, q2, q3, headDim, k, at(kAt, t, headDim), s, s0 + t, s1 + t, s2 + t, s3 + t);
            }
        }
    }

    /** Where a token's keys begin. */
    private static int at(int kAt, int token, int headDim) {
        return kAt + token / TILE * TILE * headDim + token % TILE;
    }

    /** Two vectors of tokens: as many chains of sums as the multipliers have steps. */
    private static void scores4x2(
            float[] q,
            int q0,
            int q1,
            int q2,
            int q3,
            int headDim,
            float[] k,
            int kA,
            int kB,
            float[] s,
            int s0,
            int s1,
            int s2,
            int s3) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (int d = 0; d < headDim; d++) {
            FloatVector a = Lanes.x(k, kA + d * TILE), b = Lanes.x(k, kB + d * TILE);
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
        b0.intoArray(s, s0 + L);
        b1.intoArray(s, s1 + L);
        b2.intoArray(s, s2 + L);
        b3.intoArray(s, s3 + L);
    }

    private static void scores4(
            float[] q,
            int q0,
            int q1,
            int q2,
            int q3,
            int headDim,
            float[] k,
            int kAt,
            float[] s,
            int s0,
            int s1,
            int s2,
            int s3) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        for (int d = 0; d < headDim; d++) {
            FloatVector keys = Lanes.x(k, kAt + d * TILE);
            a0 = all(q[q0 + d]).fma(keys, a0);
            a1 = all(q[q1 + d]).fma(keys, a1);
            a2 = all(q[q2 + d]).fma(keys, a2);
            a3 = all(q[q3 + d]).fma(keys, a3);
        }
        a0.intoArray(s, s0);
        a1.intoArray(s, s1);
        a2.intoArray(s, s2);
        a3.intoArray(s, s3);
    }

    /** {@link AttentionTiles#softmax}. */
    static void softmax(float[] s, int sAt, int n, int from, int to, float[] stats, int statsAt, TileScratch scratch) {
        Arrays.fill(s, sAt, sAt + from, MASKED);
        Arrays.fill(s, sAt + to, sAt + n, MASKED);
        FloatVector most = all(LOWEST);
        for (int t = 0; t < n; t += L) {
            most = Lanes.larger(most, Lanes.x(s, sAt + t));
        }
        float max = most.reduceLanes(VectorOperators.MAX);
        FloatVector sum = FloatVector.zero(F);
        for (int t = 0; t < n; t += L) {
            FloatVector p = VectorExp.exp2(Lanes.x(s, sAt + t).sub(max));
            p.intoArray(s, sAt + t);
            sum = sum.add(p);
        }
        stats[statsAt] = max;
        float[] lanes = scratch.factors(L);
        sum.intoArray(lanes, 0);
        Lanes.sum(lanes, 1, stats, statsAt + 1, 1);
    }

    /** {@link AttentionTiles#weigh}. */
    static void weigh(
            float[] p,
            int pAt,
            int stride,
            int heads,
            float[] v,
            int vAt,
            int vStride,
            int tokens,
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
                weigh4x2(p, p0, p1, p2, p3, v, vAt + c, vStride, tokens, o, o0 + c, o1 + c, o2 + c, o3 + c);
            }
            if (c < width) {
                weigh4x1(p, p0, p1, p2, p3, v, vAt + c, vStride, tokens, o, o0 + c, o1 + c, o2 + c, o3 + c);
            }
        }
    }

    private static void weigh4x2(
            float[] p,
            int p0,
            int p1,
            int p2,
            int p3,
            float[] v,
            int vAt,
            int vStride,
            int tokens,
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
            int row = vAt + t * vStride;
            FloatVector a = Lanes.x(v, row), b = Lanes.x(v, row + L);
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
            float[] p,
            int p0,
            int p1,
            int p2,
            int p3,
            float[] v,
            int vAt,
            int vStride,
            int tokens,
            float[] o,
            int o0,
            int o1,
            int o2,
            int o3) {
        FloatVector a0 = Lanes.x(o, o0), a1 = Lanes.x(o, o1), a2 = Lanes.x(o, o2), a3 = Lanes.x(o, o3);
        for (int t = 0; t < tokens; t++) {
            FloatVector a = Lanes.x(v, vAt + t * vStride);
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
