package dev.lectern.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class BlocksTest {
    @ParameterizedTest
    @EnumSource(ElementType.class)
    void aPartOfARowIsThatPartOfTheDecodedRow(ElementType type) {
        int block = type.blockElements();
        Matrix m = RandomWeights.matrix(new Random(1), type, 3, 4 * block);
        float[] whole = new float[4 * block];
        Blocks.decode(m, 2, 0, 4 * block, whole, 0);
        float[] part = new float[2 * block + 5];
        Blocks.decode(m, 2, block, 2 * block, part, 5);
        assertThat(Arrays.copyOfRange(part, 5, part.length)).isEqualTo(Arrays.copyOfRange(whole, block, 3 * block));
    }

    @ParameterizedTest
    @EnumSource(ElementType.class)
    void whatLiesOutsideTheMatrixIsRefused(ElementType type) {
        int block = type.blockElements();
        Matrix m = RandomWeights.matrix(new Random(1), type, 2, 2 * block);
        float[] out = new float[4 * block];
        assertThatIllegalArgumentException().isThrownBy(() -> Blocks.decode(m, 2, 0, block, out, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> Blocks.decode(m, -1, 0, block, out, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> Blocks.decode(m, 0, block, 2 * block, out, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> Blocks.decode(m, 0, -block, block, out, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> Blocks.decode(m, 0, block, Integer.MAX_VALUE, out, 0));
    }

    @ParameterizedTest
    @EnumSource(ElementType.class)
    void interleavedWeightsAreTheSameNumbers(ElementType type) {
        assumeThat(Interleaved.suits(type)).isTrue();
        Matrix m = RandomWeights.matrix(new Random(2), type, 37, 768);
        Matrix interleaved = Form.interleaved(m);
        for (int row = 0; row < m.rows(); row++) {
            float[] expected = new float[512];
            Blocks.decode(m, row, 256, 512, expected, 0);
            float[] actual = new float[512];
            Blocks.decode(interleaved, row, 256, 512, actual, 0);
            for (int i = 0; i < 512; i++) {
                assertThat(actual[i] == expected[i])
                        .as("row %d, column %d", row, i)
                        .isTrue();
            }
        }
    }
}
