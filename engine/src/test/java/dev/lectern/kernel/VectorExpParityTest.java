package dev.lectern.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

final class VectorExpParityTest {
    @Test
    void theExponentialIsWithin2e7OfTheTruth() {
        long seed = 20;
        var random = new Random(seed);
        double worst = 0;
        for (int n = 0; n < 400_000; n += Lanes.L) {
            float[] x = new float[Lanes.L];
            for (int i = 0; i < x.length; i++) {
                x[i] = n % 64 == 0 ? random.nextFloat() - 0.5f : random.nextFloat() * 175.5f - 87;
            }
            float[] y = exp(x);
            for (int i = 0; i < x.length; i++) {
                double truth = Math.exp(x[i]);
                worst = Math.max(worst, Math.abs(y[i] - truth) / truth);
            }
        }
        assertThat(worst).as("seed %d", seed).isLessThan(2e-7);
    }

    @Test
    void theEndsAreZeroAndInfinityAndTheSmallestNumbersAreRight() {
        float[] x = new float[Lanes.L];
        assertThat(exp(x)).containsOnly(1);
        x[0] = Float.NEGATIVE_INFINITY;
        x[1] = Float.POSITIVE_INFINITY;
        x[2] = Float.NaN;
        x[3] = -100; // below the normal range
        float[] y = exp(x);
        assertThat(y[0]).isZero();
        assertThat(y[1]).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(y[2]).isNaN();
        assertThat((double) y[3])
                .isCloseTo(Math.exp(-100), org.assertj.core.data.Offset.offset((double) Float.MIN_VALUE));
        x[0] = -104;
        x[1] = 88.8f;
        x[2] = -1e30f;
        x[3] = 1e30f;
        y = exp(x);
        assertThat(y[0]).isZero();
        assertThat(y[1]).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(y[2]).isZero();
        assertThat(y[3]).isEqualTo(Float.POSITIVE_INFINITY);
    }

    @Test
    void powersOfTwoAreWithin2e7OfTheTruthAndZeroBelowTheNormalRange() {
        long seed = 21;
        var random = new Random(seed);
        double worst = 0;
        for (int n = 0; n < 400_000; n += Lanes.L) {
            float[] x = new float[Lanes.L];
            for (int i = 0; i < x.length; i++) {
                x[i] = n % 64 == 0 ? -random.nextInt(127) + random.nextFloat() * 1e-4f : -126 * random.nextFloat();
                x[i] = Math.min(x[i], 0);
            }
            float[] y = exp2(x);
            for (int i = 0; i < x.length; i++) {
                double truth = Math.pow(2, x[i]);
                worst = Math.max(worst, Math.abs(y[i] - truth) / truth);
            }
        }
        assertThat(worst).as("seed %d", seed).isLessThan(2e-7);
        float[] x = new float[Lanes.L];
        assertThat(exp2(x)).containsOnly(1);
        x[0] = Math.nextDown(-126f);
        x[1] = AttentionTiles.MASKED;
        x[2] = Float.NEGATIVE_INFINITY;
        x[3] = Float.NaN;
        float[] y = exp2(x);
        assertThat(y[0]).isZero();
        assertThat(y[1]).isZero();
        assertThat(y[2]).isZero();
        assertThat(y[3]).isNaN();
    }

    private static float[] exp2(float[] x) {
        float[] y = new float[Lanes.L];
        VectorExp.exp2(FloatVector.fromArray(Lanes.F, x, 0)).intoArray(y, 0);
        return y;
    }

    private static float[] exp(float[] x) {
        float[] y = new float[Lanes.L];
        VectorExp.exp(FloatVector.fromArray(Lanes.F, x, 0)).intoArray(y, 0);
        return y;
    }
}
