package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.I;
import static dev.lectern.kernel.Lanes.L;
import static dev.lectern.kernel.Lanes.all;
import static dev.lectern.kernel.Lanes.x;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.NE;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/** {@link Proportions} with the Vector API. Where vectors are shorter than sixteen lanes, these are taken in turn. */
final class VectorProportions implements Proportions {
    private static final int ONE_BITS = Integer.numberOfTrailingZeros(ONE);

    /** For running sums within a vector, at distances 1, 2, 4 and 8: whose number is added, and where there is one. */
    private static final VectorShuffle<Integer> BACK_1 = back(1);

    private static final VectorShuffle<Integer> BACK_2 = back(2);
    private static final VectorShuffle<Integer> BACK_4 = back(4);
    private static final VectorShuffle<Integer> BACK_8 = back(8);
    private static final VectorMask<Integer> FROM_1 = from(1);
    private static final VectorMask<Integer> FROM_2 = from(2);
    private static final VectorMask<Integer> FROM_4 = from(4);
    private static final VectorMask<Integer> FROM_8 = from(8);

    private static VectorShuffle<Integer> back(int distance) {
        return VectorShuffle.fromOp(I, i -> Math.floorMod(i - distance, L));
    }

    private static VectorMask<Integer> from(int distance) {
        return VectorMask.fromLong(I, -1L << distance & (1L << L) - 1);
    }

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

    /** A running sum is whole so many times ONE as its upper bits say; sixteen chances do not overflow. */
    @Override
    public int draw(int[] chances, int at, int n, int start, int[] places) {
        int count = 0, sum = start;
        for (int t = 0; t < n; t += L) {
            IntVector chance = IntVector.fromArray(I, chances, at + t);
            IntVector running = chance.add(chance.rearrange(BACK_1, FROM_1));
            running = running.add(running.rearrange(BACK_2, FROM_2));
            running = L > 4 ? running.add(running.rearrange(BACK_4, FROM_4)) : running;
            running = L > 8 ? running.add(running.rearrange(BACK_8, FROM_8)) : running;
            running = running.add(sum);
            IntVector before = running.sub(chance).lanewise(LSHR, ONE_BITS);
            long found = running.lanewise(LSHR, ONE_BITS).compare(NE, before).toLong();
            while (found != 0) {
                places[count++] = t + Long.numberOfTrailingZeros(found);
                found &= found - 1;
            }
            sum = running.lane(L - 1) & (ONE - 1);
        }
        return count;
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
