package dev.lectern.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Public for {@code EveryWidthTest}, which runs these at other widths. */
public class RotationParityTest {
    @ParameterizedTest
    @CsvSource({"1, 64, 32", "3, 64, 32", "2, 128, 64", "5, 80, 10", "4, 20, 9", "2, 6, 3", "1, 8, 0"})
    public void bothPairingsRotateLikeTheScalarOnes(int heads, int headDim, int pairs) {
        Random random = new Random(headDim);
        float[] table = new float[2 + 2 * pairs], x = new float[3 + heads * headDim];
        for (int i = 0; i < pairs; i++) {
            double angle = 1000 * random.nextGaussian();
            table[2 + i] = (float) Math.cos(angle);
            table[2 + pairs + i] = (float) Math.sin(angle);
        }
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        Rotation scalar = new ScalarRotation(), vector = new VectorRotation();
        float[] expected = x.clone(), actual = x.clone();
        scalar.halves(expected, 3, heads, headDim, pairs, table, 2);
        vector.halves(actual, 3, heads, headDim, pairs, table, 2);
        assertThat(actual).isEqualTo(expected);
        scalar.neighbours(expected, 3, heads, headDim, pairs, table, 2);
        vector.neighbours(actual, 3, heads, headDim, pairs, table, 2);
        assertThat(actual).isEqualTo(expected);
    }
}
