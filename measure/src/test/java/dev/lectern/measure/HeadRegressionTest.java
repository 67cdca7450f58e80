package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.Cancellation;
import dev.lectern.kernel.Workers;
import java.lang.foreign.Arena;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** The training of retaining heads, on numbers that are made up. */
class HeadRegressionTest {
    private static final int FEATURES = 11, HIDDEN = 7, OUTPUTS = 3, BATCH = 16, RUN = 8;
    private static final Workers ALONE = new Workers(1);

    @AfterAll
    static void close() {
        ALONE.close();
    }

    private static HeadRegression fresh(Arena arena, double share, double smoothing) {
        return new HeadRegression(arena, FEATURES, HIDDEN, OUTPUTS, BATCH, RUN, share, smoothing, ALONE, 3);
    }

    private static float[] gaussians(Random random, int count, double scale) {
        float[] x = new float[count];
        for (int i = 0; i < count; i++) {
            x[i] = (float) (scale * random.nextGaussian());
        }
        return x;
    }

    /** Both terms, errors on both sides of SmoothL1's bend. */
    @Test
    void gradientsAreThoseOfFiniteDifferences() {
        Random random = new Random(1);
        float[] x = gaussians(random, BATCH * FEATURES, 1), labels = gaussians(random, BATCH * OUTPUTS, 1.5);
        try (Arena arena = Arena.ofConfined()) {
            HeadRegression regression = fresh(arena, 0.5, 0.3);
            regression.gradient(x, labels, new Cancellation());
            float[] inner = regression.innerGradient().clone(),
                    outer = regression.outerGradient().clone();
            assertDifferences(regression, x, labels, regression.inner(), inner);
            assertDifferences(regression, x, labels, regression.outer(), outer);
        }
    }

    private static void assertDifferences(
            HeadRegression regression, float[] x, float[] labels, float[] weights, float[] gradient) {
        double most = 0;
        for (float g : gradient) {
            most = Math.max(most, Math.abs(g));
        }
        for (int i = 0; i < weights.length; i++) {
            float kept = weights[i];
            double step = 1.0 / 256;
            weights[i] = (float) (kept + step);
            double above = regression.gradient(x, labels, new Cancellation());
            weights[i] = (float) (kept - step);
            double below = regression.gradient(x, labels, new Cancellation());
            weights[i] = kept;
            // Losses of f32 predictions are right to about 1e-7, and the second derivative's part is of the order of
            // the step squared; where an error crosses SmoothL1's bend in between, its third is not there.
            assertThat((above - below) / (2 * step))
                    .as("weight %d", i)
                    .isCloseTo(gradient[i], within(2e-3 * most + 1e-7 / step));
        }
    }

    /** Labels are a linear function of the features; the loss falls to a tenth of what it is at first. */
    @Test
    void theLossFallsOnASyntheticRegression() {
        Random random = new Random(2);
        try (Arena arena = Arena.ofConfined()) {
            HeadRegression regression = fresh(arena, 1, 0);
            float[] weights = gaussians(random, OUTPUTS * FEATURES, 1);
            double first = 0, last = 0;
            int steps = 600;
            for (int step = 0; step < steps; step++) {
                float[] x = gaussians(random, BATCH * FEATURES, 1), labels = new float[BATCH * OUTPUTS];
                for (int row = 0; row < BATCH; row++) {
                    for (int o = 0; o < OUTPUTS; o++) {
                        double sum = 0;
                        for (int f = 0; f < FEATURES; f++) {
                            sum += weights[o * FEATURES + f] * x[row * FEATURES + f];
                        }
                        labels[row * OUTPUTS + o] = (float) sum;
                    }
                }
                double loss = regression.step(x, labels, 1e-2, new Cancellation());
                first += step < 20 ? loss / 20 : 0;
                last += step >= steps - 20 ? loss / 20 : 0;
            }
            assertThat(last).isLessThan(first / 10);
        }
    }

    /** With the second term alone, nothing is left but to predict the same for all tokens of a run. */
    @Test
    void neighboursAreDrawnTogetherWithinARun() {
        Random random = new Random(4);
        float[] x = gaussians(random, BATCH * FEATURES, 1), labels = new float[BATCH * OUTPUTS];
        try (Arena arena = Arena.ofConfined()) {
            HeadRegression regression = fresh(arena, 0, 1);
            double first = regression.step(x, labels, 1e-2, new Cancellation()), last = first;
            for (int step = 0; step < 300; step++) {
                last = regression.step(x, labels, 1e-2, new Cancellation());
            }
            assertThat(last).isLessThan(first / 100);
            // Between runs nothing is drawn: one run of all tokens has a pair more.
            HeadRegression other = new HeadRegression(arena, FEATURES, HIDDEN, OUTPUTS, BATCH, BATCH, 0, 1, ALONE, 3);
            HeadRegression same = fresh(arena, 0, 1);
            assertThat(other.gradient(x, labels, new Cancellation()))
                    .isNotEqualTo(same.gradient(x, labels, new Cancellation()));
        }
    }
}
