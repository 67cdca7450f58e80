package dev.lectern.kernel;

import static dev.lectern.kernel.AttentionTiles.LANES;
import static dev.lectern.kernel.AttentionTiles.TILE;
import static dev.lectern.kernel.Lanes.L;
import static dev.lectern.kernel.Lanes.all;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Attention of a block of queries: lane = query. */
final class ChunkTiles {
    private ChunkTiles() {}

    /** {@link AttentionTiles#chunkScores}. */
    static void scores(float[] q, int qAt, int headDim, float[] k, int kAt, float[] s, int sAt) {
        Arrays.fill(s, sAt, sAt + TILE * LANES, 0);
        for (int t = 0; t < TILE; t += 4) {
            for (int lane = 0; lane < LANES; lane += 2 * L) {
                product4x2(k, kAt + t, TILE, q, qAt + lane, headDim, s, sAt + t * LANES + lane);
            }
        }
    }

    /** {@link AttentionTiles#chunkWeigh}. */
    static void weigh(float[] p, int pAt, int tokens, float[] v, int vAt, int width, float[] o, int oAt) {
        for (int c = 0; c < width; c += 4) {
            for (int lane = 0; lane < LANES; lane += 2 * L) {
                product4x2(v, vAt + c, width, p, pAt + lane, tokens, o, oAt + c * LANES + lane);
            }
        }
    }

    /**
     * {@code out[i][lanes] += Σ_n a[n][i] · b[n][lanes]} for 4 rows i and two vectors of lanes: with its two loads and four broadcasts
     * that is all that 16 registers hold.
     */
    private static void product4x2(float[] a, int aAt, int aStride, float[] b, int bAt, int n, float[] out, int at) {
        FloatVector a00 = Lanes.x(out, at);
        FloatVector a01 = Lanes.x(out, at + L);
        FloatVector a10 = Lanes.x(out, at + LANES);
        FloatVector a11 = Lanes.x(out, at + LANES + L);
        FloatVector a20 = Lanes.x(out, at + 2 * LANES);
        FloatVector a21 = Lanes.x(out, at + 2 * LANES + L);
        FloatVector a30 = Lanes.x(out, at + 3 * LANES);
        FloatVector a31 = Lanes.x(out, at + 3 * LANES + L);
        for (int i = 0; i < n; i++) {
            int row = aAt + i * aStride;
            FloatVector b0 = Lanes.x(b, bAt + i * LANES);
            FloatVector b1 = Lanes.x(b, bAt + i * LANES + L);
            FloatVector w = all(a[row]);
            a00 = w.fma(b0, a00);
            a01 = w.fma(b1, a01);
            w = all(a[row + 1]);
            a10 = w.fma(b0, a10);
            a11 = w.fma(b1, a11);
            w = all(a[row + 2]);
            a20 = w.fma(b0, a20);
            a21 = w.fma(b1, a21);
            w = all(a[row + 3]);
            a30 = w.fma(b0, a30);
            a31 = w.fma(b1, a31);
        }
        a00.intoArray(out, at);
        a01.intoArray(out, at + L);
        a10.intoArray(out, at + LANES);
        a11.intoArray(out, at + LANES + L);
        a20.intoArray(out, at + 2 * LANES);
        a21.intoArray(out, at + 2 * LANES + L);
        a30.intoArray(out, at + 3 * LANES);
        a31.intoArray(out, at + 3 * LANES + L);
    }

    /** {@link AttentionTiles#chunkSoftmax}. */
    static boolean softmax(float[] s, int sAt, int tokens, float[] max, float[] sum, int statsAt, float[] scale) {
        boolean rescale = false;
        for (int lane = 0; lane < LANES; lane += L) {
            rescale |= raiseMaximum(s, sAt + lane, tokens, max, statsAt + lane, scale, lane);
            exponentials(s, sAt + lane, tokens, max, sum, statsAt + lane, scale, lane);
        }
        return rescale;
    }

    /** For one vector of lanes; two methods, because the compiler stops inlining in one as long as both. */
    private static boolean raiseMaximum(
            float[] s, int sAt, int tokens, float[] max, int maxAt, float[] scale, int lane) {
        FloatVector before = Lanes.x(max, maxAt);
        FloatVector now = before;
        for (int t = 0; t < tokens; t++) {
            now = now.max(Lanes.x(s, sAt + t * LANES));
        }
        now.intoArray(max, maxAt);
        VectorExp.exp2(before.sub(now)).intoArray(scale, lane);
        return now.compare(VectorOperators.NE, before).anyTrue();
    }

    private static void exponentials(
            float[] s, int sAt, int tokens, float[] max, float[] sum, int statsAt, float[] scale, int lane) {
        FloatVector most = Lanes.x(max, statsAt);
        FloatVector total = Lanes.x(sum, statsAt).mul(Lanes.x(scale, lane));
        for (int t = 0; t < tokens; t++) {
            FloatVector p = VectorExp.exp2(Lanes.x(s, sAt + t * LANES).sub(most));
            p.intoArray(s, sAt + t * LANES);
            total = total.add(p);
        }
        total.intoArray(sum, statsAt);
    }

    /** {@link AttentionTiles#chunkRescale}. */
    static void rescale(float[] o, int oAt, int width, float[] scale) {
        for (int c = 0; c < width; c++) {
            for (int lane = 0; lane < LANES; lane += L) {
                int at = oAt + c * LANES + lane;
                Lanes.x(o, at).mul(Lanes.x(scale, lane)).intoArray(o, at);
            }
        }
    }
}
