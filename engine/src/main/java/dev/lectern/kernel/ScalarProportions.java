package dev.lectern.kernel;

import java.util.Arrays;

/** The specification of {@link Proportions}: plain loops. */
public final class ScalarProportions implements Proportions {
    @Override
    public void mix(
            float[] p, int pAt, int stride, int rows, int n, float[] factors, int factorsAt, float[] out, int outAt) {
        for (int t = 0; t < n; t++) {
            out[outAt + t] = mixed(p, pAt + t, stride, rows, factors, factorsAt, 0);
        }
    }

    @Override
    public void mixBelow(
            float[] p,
            int pAt,
            int stride,
            int rows,
            int n,
            float[] factors,
            int factorsAt,
            float limit,
            float least,
            float[] x,
            int xAt) {
        for (int t = 0; t < n; t++) {
            x[xAt + t] = x[xAt + t] < limit ? mixed(p, pAt + t, stride, rows, factors, factorsAt, least) : CERTAIN;
        }
    }

    private static float mixed(float[] p, int at, int stride, int rows, float[] factors, int factorsAt, float least) {
        float sum = least;
        for (int r = 0; r < rows; r++) {
            sum = Fused.multiplyAdd(factors[factorsAt + r], p[at + r * stride], sum);
        }
        return sum;
    }

    @Override
    public void largest(float[] x, int at, int n, float[] out, int outAt) {
        for (int i = 0; i < n / LANES; i++) {
            int first = at + i / LANES * RUN + i % LANES;
            float most = 0;
            for (int t = first; t < first + RUN; t += LANES) {
                most = Math.max(most, x[t]);
            }
            out[outAt + i] = most;
        }
    }

    @Override
    public int from(float[] x, int at, int n, float limit, int[] places) {
        int count = 0;
        for (int t = 0; t < n; t++) {
            if (x[at + t] >= limit) {
                places[count++] = t;
            }
        }
        return count;
    }

    @Override
    public int countFrom(float[] x, int at, int n, float limit) {
        int count = 0;
        for (int t = 0; t < n; t++) {
            count += x[at + t] >= limit ? 1 : 0;
        }
        return count;
    }

    @Override
    public float sumBelow(float[] p, int pAt, float[] x, int xAt, int n, float limit, TileScratch scratch) {
        float[] lanes = scratch.factors(LANES);
        Arrays.fill(lanes, 0, LANES, 0);
        for (int t = 0; t < n; t++) {
            lanes[t % LANES] += x[xAt + t] < limit ? p[pAt + t] : 0;
        }
        return sum(lanes);
    }

    /** The sum of sixteen lanes. */
    static float sum(float[] lanes) {
        float a = 0, b = 0, c = 0, d = 0;
        for (int lane = 0; lane < LANES; lane += 4) {
            a += lanes[lane];
            b += lanes[lane + 1];
            c += lanes[lane + 2];
            d += lanes[lane + 3];
        }
        return (a + b) + (c + d);
    }

    @Override
    public void fixed(float[] x, int at, int n, float factor, int[] out, int outAt) {
        for (int t = 0; t < n; t++) {
            out[outAt + t] = (int) Math.min(ONE, x[at + t] * (factor * ONE));
        }
    }
}
