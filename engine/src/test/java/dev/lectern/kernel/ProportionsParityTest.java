package dev.lectern.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Public for {@code EveryWidthTest}, which runs these at other widths. */
public class ProportionsParityTest {
    private static final Proportions SCALAR = new ScalarProportions();
    private static final Proportions VECTOR = new VectorProportions();

    private static float[] weights(Random random, int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = random.nextInt(9) == 0 ? 0 : (float) Math.exp(3 * random.nextGaussian() - 8);
        }
        return x;
    }

    @ParameterizedTest
    @ValueSource(ints = {256, 1024, 5120})
    public void everyPassEqualsTheScalarOne(int n) {
        Random random = new Random(n);
        int rows = 3, stride = n + 32;
        float[] p = weights(random, 2 + rows * stride), factors = {9, .2f, .7f, .05f}, x = weights(random, n + 5);
        float limit = x[5 + n / 2] + 1e-3f, least = 1e-5f;
        TileScratch scratch = new TileScratch();

        float[] scalar = new float[n + 3], vector = new float[n + 3];
        SCALAR.mix(p, 2, stride, rows, n, factors, 1, scalar, 3);
        VECTOR.mix(p, 2, stride, rows, n, factors, 1, vector, 3);
        assertThat(vector).isEqualTo(scalar);
        assertThat((double) scalar[3 + 7])
                .isCloseTo(.2 * p[2 + 7] + .7 * p[2 + stride + 7] + .05 * p[2 + 2 * stride + 7], within(1e-6));

        float[] scalarX = x.clone(), vectorX = x.clone();
        SCALAR.mixBelow(p, 2, stride, rows, n, factors, 1, limit, least, scalarX, 5);
        VECTOR.mixBelow(p, 2, stride, rows, n, factors, 1, limit, least, vectorX, 5);
        assertThat(vectorX).isEqualTo(scalarX);
        for (int t = 0; t < n; t++) {
            float expected = x[5 + t] < limit ? scalar[3 + t] + least : Proportions.CERTAIN;
            assertThat(scalarX[5 + t]).isCloseTo(expected, within(1e-6f));
        }

        float[] scalarTops = new float[n / 16 + 1], vectorTops = new float[n / 16 + 1];
        SCALAR.largest(x, 5, n, scalarTops, 1);
        VECTOR.largest(x, 5, n, vectorTops, 1);
        assertThat(vectorTops).isEqualTo(scalarTops);

        int[] scalarPlaces = new int[n], vectorPlaces = new int[n];
        int found = SCALAR.from(x, 5, n, limit, scalarPlaces);
        assertThat(VECTOR.from(x, 5, n, limit, vectorPlaces)).isEqualTo(found);
        assertThat(vectorPlaces).isEqualTo(scalarPlaces);
        assertThat(SCALAR.countFrom(x, 5, n, limit)).isEqualTo(found);
        assertThat(VECTOR.countFrom(x, 5, n, limit)).isEqualTo(found);

        float sum = SCALAR.sumBelow(p, 2, x, 5, n, limit, scratch);
        assertThat(VECTOR.sumBelow(p, 2, x, 5, n, limit, scratch)).isEqualTo(sum);
        double expected = 0;
        for (int t = 0; t < n; t++) {
            expected += x[5 + t] < limit ? p[2 + t] : 0;
        }
        assertThat((double) sum).isCloseTo(expected, within(1e-5 * expected));

        int[] scalarFixed = new int[n + 1], vectorFixed = new int[n + 1];
        SCALAR.fixed(x, 5, n, 300, scalarFixed, 1);
        VECTOR.fixed(x, 5, n, 300, vectorFixed, 1);
        assertThat(vectorFixed).isEqualTo(scalarFixed);
        assertThat(Arrays.stream(scalarFixed).max().orElseThrow()).isEqualTo(Proportions.ONE);
    }
}
