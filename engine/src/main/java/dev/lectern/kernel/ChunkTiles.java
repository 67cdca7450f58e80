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
    /** Vectors of the register tile, chosen as in {@link Tiles}. */
    private static final int VECTORS = L == 16 ? 4 : 2;

    private ChunkTiles() {}

    /** {@link AttentionTiles#chunkScores}. */
    static void scores(float[] q, int qAt, int headDim, float[] k, int kAt, int tiles, float[] s, int sAt) {
        Arrays.fill(s, sAt, sAt + tiles * TILE * LANES, 0);
        for (int t = 0; t < tiles * TILE; t += 4) {
            int keys = kAt + t / TILE * TILE * headDim + t % TILE;
            for (int lane = 0; lane < LANES; lane += VECTORS * L) {
                product(k, keys, q, qAt + lane, headDim, s, sAt + t * LANES + lane);
            }
        }
    }

    /** {@link AttentionTiles#chunkWeigh}. */
    static void weigh(float[] p, int pAt, int tokens, float[] v, int vAt, int width, float[] o, int oAt) {
        for (int c = 0; c < width; c += 4) {
            int values = vAt + c / TILE * TILE * tokens + c % TILE;
            for (int lane = 0; lane < LANES; lane += VECTORS * L) {
                product(v, values, p, pAt + lane, tokens, o, oAt + c * LANES + lane);
            }
        }
    }

    /** {@link AttentionTiles#columns}. */
    static void columns(float[] rows, int rowsAt, int tokens, int width, float[] out, int outAt) {
        for (int c = 0; c < width; c += TILE) {
            for (int t = 0; t < tokens; t++) {
                for (int i = 0; i < TILE; i += L) {
                    Lanes.x(rows, rowsAt + t * width + c + i).intoArray(out, outAt + (c * tokens + t * TILE) + i);
                }
            }
        }
    }

    /**
     * {@code out[i][lanes] += Σ_n a[n][i] · b[n][lanes]} for 4 of 16 rows i and {@link #VECTORS} vectors of lanes: accumulators, vectors and broadcasts of a
     * step fill the registers, 16 of 256 bits or 32 of 512. Rows of a lie 16 apart, a constant, without which the compiler checks every access.
     */
    private static void product(float[] a, int aAt, float[] b, int bAt, int n, float[] out, int at) {
        if (VECTORS == 4) {
            product4x4(a, aAt, b, bAt, n, out, at);
        } else {
            product4x2(a, aAt, b, bAt, n, out, at);
        }
    }

    private static void product4x2(float[] a, int aAt, float[] b, int bAt, int n, float[] out, int at) {
        FloatVector a00 = Lanes.x(out, at);
        FloatVector a01 = Lanes.x(out, at + L);
        FloatVector a10 = Lanes.x(out, at + LANES);
        FloatVector a11 = Lanes.x(out, at + LANES + L);
        FloatVector a20 = Lanes.x(out, at + 2 * LANES);
        FloatVector a21 = Lanes.x(out, at + 2 * LANES + L);
        FloatVector a30 = Lanes.x(out, at + 3 * LANES);
        FloatVector a31 = Lanes.x(out, at + 3 * LANES + L);
        for (int i = 0; i < n; i++) {
            int row = aAt + i * TILE;
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

    private static void product4x4(float[] a, int aAt, float[] b, int bAt, int n, float[] out, int at) {
        FloatVector a00 = Lanes.x(out, at);
        FloatVector a01 = Lanes.x(out, at + L);
        FloatVector a02 = Lanes.x(out, at + 2 * L);
        FloatVector a03 = Lanes.x(out, at + 3 * L);
        FloatVector a10 = Lanes.x(out, at + LANES);
        FloatVector a11 = Lanes.x(out, at + LANES + L);
        FloatVector a12 = Lanes.x(out, at + LANES + 2 * L);
        FloatVector a13 = Lanes.x(out, at + LANES + 3 * L);
        FloatVector a20 = Lanes.x(out, at + 2 * LANES);
        FloatVector a21 = Lanes.x(out, at + 2 * LANES + L);
        FloatVector a22 = Lanes.x(out, at + 2 * LANES + 2 * L);
        FloatVector a23 = Lanes.x(out, at + 2 * LANES + 3 * L);
        FloatVector a30 = Lanes.x(out, at + 3 * LANES);
        FloatVector a31 = Lanes.x(out, at + 3 * LANES + L);
        FloatVector a32 = Lanes.x(out, at + 3 * LANES + 2 * L);
        FloatVector a33 = Lanes.x(out, at + 3 * LANES + 3 * L);
        for (int i = 0; i < n; i++) {
            int row = aAt + i * TILE;
            FloatVector b0 = Lanes.x(b, bAt + i * LANES);
            FloatVector b1 = Lanes.x(b, bAt + i * LANES + L);
            FloatVector b2 = Lanes.x(b, bAt + i * LANES + 2 * L);
            FloatVector b3 = Lanes.x(b, bAt + i * LANES + 3 * L);
            FloatVector w = all(a[row]);
            a00 = w.fma(b0, a00);
            a01 = w.fma(b1, a01);
            a02 = w.fma(b2, a02);
            a03 = w.fma(b3, a03);
            w = all(a[row + 1]);
            a10 = w.fma(b0, a10);
            a11 = w.fma(b1, a11);
            a12 = w.fma(b2, a12);
            a13 = w.fma(b3, a13);
            w = all(a[row + 2]);
            a20 = w.fma(b0, a20);
            a21 = w.fma(b1, a21);
            a22 = w.fma(b2, a22);
            a23 = w.fma(b3, a23);
            w = all(a[row + 3]);
            a30 = w.fma(b0, a30);
            a31 = w.fma(b1, a31);
            a32 = w.fma(b2, a32);
            a33 = w.fma(b3, a33);
        }
        a00.intoArray(out, at);
        a01.intoArray(out, at + L);
        a02.intoArray(out, at + 2 * L);
        a03.intoArray(out, at + 3 * L);
        a10.intoArray(out, at + LANES);
        a11.intoArray(out, at + LANES + L);
        a12.intoArray(out, at + LANES + 2 * L);
        a13.intoArray(out, at + LANES + 3 * L);
        a20.intoArray(out, at + 2 * LANES);
        a21.intoArray(out, at + 2 * LANES + L);
        a22.intoArray(out, at + 2 * LANES + 2 * L);
        a23.intoArray(out, at + 2 * LANES + 3 * L);
        a30.intoArray(out, at + 3 * LANES);
        a31.intoArray(out, at + 3 * LANES + L);
        a32.intoArray(out, at + 3 * LANES + 2 * L);
        a33.intoArray(out, at + 3 * LANES + 3 * L);
    }

    /** {@link AttentionTiles#chunkSoftmax}. */
    static boolean softmax(float[] s, int sAt, int tokens, float[] max, float[] sum, int statsAt, float[] scale) {
        boolean rescale = false;
        for (int lane = 0; lane < LANES; lane += 2 * L) {
            rescale |= raiseMaxima(s, sAt + lane, tokens, max, statsAt + lane, scale, lane);
            exponentials(s, sAt + lane, tokens, max, sum, statsAt + lane, scale, lane);
            exponentials(s, sAt + lane + L, tokens, max, sum, statsAt + lane + L, scale, lane + L);
        }
        return rescale;
    }

    /** For two vectors of lanes: their maxima are two chains of operations that the processor works on at the same time. */
    private static boolean raiseMaxima(
            float[] s, int sAt, int tokens, float[] max, int maxAt, float[] scale, int lane) {
        FloatVector before = Lanes.x(max, maxAt), before2 = Lanes.x(max, maxAt + L);
        FloatVector now = before, now2 = before2;
        for (int t = 0; t < tokens; t++) {
            now = Lanes.larger(now, Lanes.x(s, sAt + t * LANES));
            now2 = Lanes.larger(now2, Lanes.x(s, sAt + t * LANES + L));
        }
        now.intoArray(max, maxAt);
        now2.intoArray(max, maxAt + L);
        VectorExp.exp2(before.sub(now)).intoArray(scale, lane);
        VectorExp.exp2(before2.sub(now2)).intoArray(scale, lane + L);
        return now.compare(VectorOperators.NE, before)
                .or(now2.compare(VectorOperators.NE, before2))
                .anyTrue();
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

    /** {@link AttentionTiles#chunkShares}. */
    static void shares(
            float[] p,
            int pAt,
            int tokens,
            float[] factors,
            int factorsAt,
            float[] columns,
            int columnsAt,
            float[] diagonals,
            int diagonalsAt) {
        float[] lanes = new float[L];
        for (int t = 0; t < tokens; t++) {
            FloatVector sum = all(0);
            for (int lane = 0; lane < LANES; lane += L) {
                FloatVector share = Lanes.x(p, pAt + t * LANES + lane).mul(Lanes.x(factors, factorsAt + lane));
                int at = diagonalsAt - t + lane;
                Lanes.x(diagonals, at).add(share).intoArray(diagonals, at);
                sum = sum.add(share);
            }
            sum.intoArray(lanes, 0);
            Lanes.sum(lanes, 1, columns, columnsAt + t, 1);
        }
    }
}
