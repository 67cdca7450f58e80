package dev.lectern.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** The laws of {@link Elementwise}. */
final class ElementwiseContractTest {
    static final List<Elementwise> PROVIDERS = List.of(new ScalarElementwise(), new VectorElementwise());

    private static final Elementwise SCALAR = new ScalarElementwise();
    private static final Elementwise VECTOR = new VectorElementwise();

    @Test
    void vectorEqualsScalarAtEveryLengthAroundTheVector() {
        for (int n = 1; n <= 4 * Lanes.L + 1; n++) {
            check(new Random(n), n, "seed " + n);
        }
        check(new Random(1), 896, "seed 1");
    }

    private static void check(Random random, int n, String where) {
        int rows = 3;
        float[] weight = RandomWeights.floats(random, n);
        float[] bias = RandomWeights.floats(random, n);
        float[] x = scaled(RandomWeights.floats(random, rows * n), 8);
        float[] up = RandomWeights.floats(random, rows * n);

        // Norms: the sum of n squares in f32 errs by less than n half units, its root by half of that; five more
        // roundings.
        double norm = (n / 2.0 + 6) * 0x1p-24;
        float[] expected = new float[rows * n];
        float[] actual = new float[rows * n];
        SCALAR.rmsNorm(expected, x, weight, 1e-5f, 0, rows);
        VECTOR.rmsNorm(actual, x, weight, 1e-5f, 0, rows);
        assertClose(actual, expected, norm, 0, where + " rmsNorm");

        // The mean errs by n half units of the mean magnitude, at most 8; after the division that is n half units of 8
        // / deviation.
        SCALAR.layerNorm(expected, x, weight, bias, 1e-2f, 0, rows);
        VECTOR.layerNorm(actual, x, weight, bias, 1e-2f, 0, rows);
        assertClose(actual, expected, norm, (n + 8) * 0x1p-24 * (8 / Math.sqrt(1e-2) + 2), where + " layerNorm");

        // exp errs by 2e-7, quotient and product by half a unit each.
        expected = x.clone();
        actual = x.clone();
        SCALAR.siluTimes(expected, up, 0, rows * n);
        VECTOR.siluTimes(actual, up, 0, rows * n);
        assertClose(actual, expected, 5e-7, 0, where + " siluTimes");

        // e^(−2u) amplifies the rounding of u, |u| < 25 where the result is not yet below 1e-20.
        expected = x.clone();
        actual = x.clone();
        SCALAR.gelu(expected, 0, rows * n);
        VECTOR.gelu(actual, 0, rows * n);
        assertClose(actual, expected, 2e-7 + 50 * 3 * 0x1p-24, 1e-15, where + " gelu");

        expected = x.clone();
        actual = x.clone();
        for (int r = 0; r < rows; r++) {
            SCALAR.softmax(expected, r * n, (r + 1) * n);
            VECTOR.softmax(actual, r * n, (r + 1) * n);
        }
        // exp of a difference that was rounded at a magnitude of up to 16; the sum of n terms
        assertClose(actual, expected, 4e-7 + (16 + n) * 0x1p-24, 0, where + " softmax");

        expected = x.clone();
        actual = x.clone();
        SCALAR.add(expected, up, 0, rows * n);
        VECTOR.add(actual, up, 0, rows * n);
        SCALAR.addBias(expected, bias, 0, rows);
        VECTOR.addBias(actual, bias, 0, rows);
        assertThat(actual).isEqualTo(expected);
    }

    @ParameterizedTest
    @FieldSource("PROVIDERS")
    void aRowDoesNotNoticeItsPlaceNorItsNeighbours(Elementwise kernels) {
        for (int n : new int[] {5, 16, 37, 64, 77}) {
            var random = new Random(n);
            float[] weight = RandomWeights.floats(random, n);
            float[] bias = RandomWeights.floats(random, n);
            float[] row = RandomWeights.floats(random, n);
            float[] many = RandomWeights.floats(random, 4 * n);
            System.arraycopy(row, 0, many, 2 * n, n);
            float[] out = new float[4 * n];
            float[] alone = new float[n];

            kernels.rmsNorm(out, many, weight, 1e-6f, 0, 4);
            kernels.rmsNorm(alone, row, weight, 1e-6f, 0, 1);
            assertThat(Arrays.copyOfRange(out, 2 * n, 3 * n)).isEqualTo(alone);
            kernels.layerNorm(out, many, weight, bias, 1e-6f, 1, 3);
            kernels.layerNorm(alone, row, weight, bias, 1e-6f, 0, 1);
            assertThat(Arrays.copyOfRange(out, 2 * n, 3 * n)).isEqualTo(alone);

            float[] softmax = many.clone();
            kernels.softmax(softmax, 2 * n, 3 * n);
            alone = row.clone();
            kernels.softmax(alone, 0, n);
            assertThat(Arrays.copyOfRange(softmax, 2 * n, 3 * n)).isEqualTo(alone);
            assertThat(Arrays.copyOf(softmax, 2 * n)).isEqualTo(Arrays.copyOf(many, 2 * n));

            float[] gelu = many.clone();
            kernels.gelu(gelu, 1, 4 * n);
            alone = row.clone();
            kernels.gelu(alone, 0, n);
            assertThat(Arrays.copyOfRange(gelu, 2 * n, 3 * n)).isEqualTo(alone);
            assertThat(gelu[0]).isEqualTo(many[0]);

            float[] silu = many.clone();
            kernels.siluTimes(silu, many, 1, 4 * n - 1);
            alone = row.clone();
            kernels.siluTimes(alone, row, 0, n);
            assertThat(Arrays.copyOfRange(silu, 2 * n, 3 * n)).isEqualTo(alone);
            assertThat(silu[4 * n - 1]).isEqualTo(many[4 * n - 1]);
        }
    }

    @ParameterizedTest
    @FieldSource("PROVIDERS")
    void normsWorkInPlace(Elementwise kernels) {
        float[] x = RandomWeights.floats(new Random(3), 74);
        float[] weight = RandomWeights.floats(new Random(4), 37);
        float[] out = new float[74];
        kernels.rmsNorm(out, x, weight, 1e-6f, 0, 2);
        kernels.rmsNorm(x, x, weight, 1e-6f, 0, 2);
        assertThat(x).isEqualTo(out);
    }

    @ParameterizedTest
    @FieldSource("PROVIDERS")
    void softmaxIsStableAndGivesMaskedElementsNothing(Elementwise kernels) {
        float[] x = new float[40];
        Arrays.fill(x, Float.NEGATIVE_INFINITY);
        x[3] = 3e38f;
        x[39] = 3e38f;
        kernels.softmax(x, 0, 40);
        float[] expected = new float[40];
        expected[3] = 0.5f;
        expected[39] = 0.5f;
        assertThat(x).isEqualTo(expected);
    }

    @ParameterizedTest
    @FieldSource("PROVIDERS")
    void activationsAreQuietFarFromZero(Elementwise kernels) {
        float[] far = {-3e38f, -1000, -100, 0, 100, 1000, 3e38f};
        float[] gate = far.clone();
        float[] ones = new float[far.length];
        Arrays.fill(ones, 1);
        kernels.siluTimes(gate, ones, 0, far.length);
        assertThat(gate[0]).isZero();
        assertThat(gate[2]).isBetween(-1e-40f, 0f);
        assertThat(Arrays.copyOfRange(gate, 3, 7)).isEqualTo(Arrays.copyOfRange(far, 3, 7));
        float[] gelu = far.clone();
        kernels.gelu(gelu, 1, far.length - 1);
        assertThat(Arrays.copyOfRange(gelu, 1, 6))
                .usingComparatorWithPrecision(0f)
                .containsExactly(0, 0, 0, 100, 1000);
    }

    private static float[] scaled(float[] x, float factor) {
        for (int i = 0; i < x.length; i++) {
            x[i] *= factor;
        }
        return x;
    }

    private static void assertClose(float[] actual, float[] expected, double relative, double absolute, String where) {
        for (int i = 0; i < actual.length; i++) {
            double difference = Math.abs((double) actual[i] - expected[i]);
            assertThat(difference)
                    .as("%s, element %d: %s instead of %s", where, i, actual[i], expected[i])
                    .isLessThanOrEqualTo(relative * Math.abs(expected[i]) + absolute + Float.MIN_VALUE);
        }
    }
}
