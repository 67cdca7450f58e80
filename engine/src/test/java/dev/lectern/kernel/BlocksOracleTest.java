package dev.lectern.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Blocks decoded as the Python package {@code gguf} decodes them; {@code blocks.py} beside {@code blocks.bin} made the numbers. */
final class BlocksOracleTest {
    record Golden(ElementType type, Matrix matrix, float[] numbers) {
        @Override
        public String toString() {
            return type.name();
        }
    }

    static List<Golden> goldens() {
        ByteBuffer file = read().order(ByteOrder.LITTLE_ENDIAN);
        List<Golden> goldens = new ArrayList<>();
        while (file.hasRemaining()) {
            int id = file.getInt();
            int blocks = file.getInt();
            ElementType type = Arrays.stream(ElementType.values())
                    .filter(t -> t.ggmlId() == id)
                    .findFirst()
                    .orElseThrow();
            byte[] bytes = new byte[blocks * type.blockBytes()];
            file.get(bytes);
            float[] numbers = new float[blocks * type.blockElements()];
            for (int i = 0; i < numbers.length; i++) {
                numbers[i] = file.getFloat();
            }
            goldens.add(new Golden(type, RandomWeights.matrix(bytes, type, 1, numbers.length), numbers));
        }
        return goldens;
    }

    private static ByteBuffer read() {
        try (InputStream in = BlocksOracleTest.class.getResourceAsStream("blocks.bin")) {
            return ByteBuffer.wrap(Objects.requireNonNull(in, "blocks.bin").readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void everyTypeHasGoldenNumbers() {
        assertThat(goldens()).extracting(Golden::type).containsExactlyInAnyOrder(ElementType.values());
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void blocksAreDecodedBitForBitAsThePythonPackageDoes(Golden golden) {
        float[] decoded = new float[golden.numbers().length];
        Blocks.decode(golden.matrix(), 0, 0, decoded.length, decoded, 0);
        assertThat(bits(decoded)).isEqualTo(bits(golden.numbers()));
    }

    @ParameterizedTest
    @MethodSource("goldens")
    void theVectorDecoderGivesTheSameBitsAlsoForDamagedScales(Golden golden) {
        int count = golden.numbers().length;
        float[] decoded = new float[count];
        VectorRows.decode(golden.type(), golden.matrix().segment(), 0, 0, 1, count, decoded, 0, 0, new Scratch());
        assertThat(bits(decoded)).isEqualTo(bits(golden.numbers()));
    }

    /** The bits, all NaNs made one: which of several NaNs comes out of a sum is the processor's affair. */
    private static int[] bits(float[] numbers) {
        int[] bits = new int[numbers.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToIntBits(numbers[i]);
        }
        return bits;
    }
}
