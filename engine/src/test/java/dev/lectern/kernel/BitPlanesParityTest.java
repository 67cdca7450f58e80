package dev.lectern.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Public for {@code EveryWidthTest}, which runs these at other widths. */
public class BitPlanesParityTest {
    private static final BitPlanes SCALAR = new ScalarBitPlanes();
    private static final BitPlanes VECTOR = new VectorBitPlanes();

    /** Keys of codes, as planes in memory behind a gap, with scales after them; and queries of whole numbers. */
    @ParameterizedTest
    @CsvSource({"64, 1, 16", "64, 1, 1024", "64, 2, 48", "32, 1, 32", "80, 2, 16", "128, 1, 64", "256, 2, 32"})
    public void scoresAreTheSumsOfLevelsTimesNumbers(int channels, int bits, int tokens) {
        Random random = new Random(31L * channels + bits);
        int words = BitPlanes.words(channels), stride = tokens + 16, gap = 12;
        int[][] codes = new int[tokens][channels];
        int[] numbers = new int[channels], query = new int[3 + words * BitPlanes.QUERY_PLANES];
        for (int d = 0; d < channels; d++) {
            numbers[d] = random.nextInt(-BitPlanes.MOST, BitPlanes.MOST + 1);
            for (int i = 0; i < BitPlanes.QUERY_PLANES; i++) {
                query[3 + d / 32 * BitPlanes.QUERY_PLANES + i] |= (numbers[d] >> i & 1) << d;
            }
        }
        try (Arena arena = Arena.ofConfined()) {
            long scalesAt = gap + 4L * bits * words * stride;
            MemorySegment memory = arena.allocate(scalesAt + 4L * stride);
            memory.fill((byte) 0x5a); // what channels and tokens that there are not have is of no matter
            for (int t = 0; t < tokens; t++) {
                memory.set(ValueLayout.JAVA_FLOAT, scalesAt + 4L * t, random.nextFloat());
                for (int d = 0; d < channels; d++) {
                    codes[t][d] = random.nextInt(1 << bits);
                    for (int bit = 0; bit < bits; bit++) {
                        long at = gap + 4 * (((long) bit * words + d / 32) * stride + t);
                        int word = memory.get(ValueLayout.JAVA_INT, at) & ~(1 << d);
                        memory.set(ValueLayout.JAVA_INT, at, word | (codes[t][d] >> bit & 1) << d);
                    }
                }
            }
            float[] scalar = new float[tokens + 2], vector = new float[tokens + 2];
            SCALAR.scores(memory, gap, bits, words, stride, memory, scalesAt, tokens, query, 3, .3f, scalar, 1);
            VECTOR.scores(memory, gap, bits, words, stride, memory, scalesAt, tokens, query, 3, .3f, vector, 1);
            for (int t = 0; t < tokens; t++) {
                int sum = 0;
                for (int d = 0; d < channels; d++) {
                    sum += numbers[d] * (2 * codes[t][d] - ((1 << bits) - 1));
                }
                float scale = memory.get(ValueLayout.JAVA_FLOAT, scalesAt + 4L * t);
                assertThat(scalar[1 + t]).isEqualTo(sum * scale * .3f);
            }
            assertThat(vector).isEqualTo(scalar);
        }
    }
}
