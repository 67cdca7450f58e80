package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.L;
import static dev.lectern.kernel.Lanes.all;
import static dev.lectern.kernel.Lanes.x;
import static jdk.incubator.vector.VectorOperators.GE;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** {@link Proportions} with the Vector API. Where vectors are shorter than sixteen lanes, these are taken in turn. */
final class VectorProportions implements Proportions {
    @Override
    public void mix(
            float[] p, int pAt, int stride, int rows, int n, float[] factors, int factorsAt, float[] out, int outAt) {
        for (int t = 0; t < n; t += L) {
            mixed(p, pAt + t, stride, rows, factors, factorsAt, 0).intoArray(out, outAt + t);
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
        for (int t = 0; t < n; t += L) {
            VectorMask<Float> certain = x(x, xAt + t).compare(GE, limit);
            mixed(p, pAt + t, stride, rows, factors, factorsAt, least)
                    .blend(CERTAIN, certain)
                    .intoArray(x, xAt + t);
        }
    }

    private static FloatVector mixed(
            float[] p, int at, int stride, int rows, float[] factors, int factorsAt, float least) {
        FloatVector sum = all(least);
        for (int r = 0; r < rows; r++) {
            sum = all(factors[factorsAt + r]).fma(x(p, at + r * stride), sum);
        }
        return sum;
    }

    @Override
    public void largest(float[] x, int at, int n, float[] out, int outAt) {
        for (int run = 0; run < n / RUN; run++) {
            for (int lane = 0; lane < LANES; lane += L) {
                int first = at + run * RUN + lane;
                FloatVector most = x(x, first);
                for (int t = first + LANES; t < first + RUN; t += LANES) {
                    most = Lanes.larger(most, x(x, t));
                }
                most.intoArray(out, outAt + run * LANES + lane);
            }
        }
    }

    @Override
    public int from(float[] x, int at, int n, float limit, int[] places) {
        int count = 0;
        for (int t = 0; t < n; t += L) {
            long found = x(x, at + t).compare(GE, limit).toLong();
            while (found != 0) {
                places[count++] = t + Long.numberOfTrailingZeros(found);
                found &= found - 1;
            }
        }
        return count;
    }

    @Override
    public int countFrom(float[] x, int at, int n, float limit) {
        int count = 0;
        for (int t = 0; t < n; t += L) {
            count += x(x, at + t).compare(GE, limit).trueCount();
        }
        return count;
    }

    @Override
    public float sumBelow(float[] p, int pAt, float[] x, int xAt, int n, float limit, TileScratch scratch) {
        float[] lanes = scratch.factors(LANES);
        for (int lane = 0; lane < LANES; lane += L) {
            FloatVector part = FloatVector.zero(F);
            for (int t = lane; t < n; t += LANES) {
                part = part.add(x(p, pAt + t).blend(0, x(x, xAt + t).compare(GE, limit)));
            }
            part.intoArray(lanes, lane);
        }
        return ScalarProportions.sum(lanes);
    }

    @Override
    public void fixed(float[] x, int at, int n, float factor, int[] out, int outAt) {
        FloatVector one = all(ONE);
        for (int t = 0; t < n; t += L) {
            FloatVector y = x(x, at + t).mul(factor * ONE);
            FloatVector cut = y.blend(one, y.compare(VectorOperators.GT, one));
            ((IntVector) cut.convert(VectorOperators.F2I, 0)).intoArray(out, outAt + t);
        }
    }
}
