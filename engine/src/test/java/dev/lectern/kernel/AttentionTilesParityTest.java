package dev.lectern.kernel;

import static dev.lectern.kernel.AttentionTiles.LANES;
import static dev.lectern.kernel.AttentionTiles.MASKED;
import static dev.lectern.kernel.AttentionTiles.TILE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Public for {@code EveryWidthTest}, which runs these at other widths. */
public class AttentionTilesParityTest {
    private final AttentionTiles scalar = new ScalarAttentionTiles();
    private final AttentionTiles vector = new VectorAttentionTiles();

    private static float[] random(Random random, int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    /** Both sum in the same order with the same fused steps, so a product sum is the same to the bit; exp differs by 2e-7. */
    private static void assertSame(float[] actual, float[] expected) {
        assertThat(actual).isEqualTo(expected);
    }

    private static void assertClose(float[] actual, float[] expected, float tolerance) {
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).as("element %d", i).isCloseTo(expected[i], within(tolerance));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 7, 8, 9})
    public void scoresAndWeightedSumsOfEveryGroupSizeEqualTheScalarOnes(int heads) {
        Random random = new Random(heads);
        for (int headDim : new int[] {2, 8, 20, 64, 80, 128}) {
            int width = Math.ceilDiv(headDim, TILE) * TILE;
            float[] q = random(random, 3 + heads * headDim), k = random(random, 5 + 3 * headDim * TILE);
            float[] expected = new float[heads * 60], actual = new float[heads * 60];
            for (int tiles : new int[] {3, 2, 1}) {
                scalar.scores(q, 3, heads, headDim, k, 5, tiles, expected, 8, 52);
                vector.scores(q, 3, heads, headDim, k, 5, tiles, actual, 8, 52);
                assertSame(actual, expected);
            }

            float[] v = random(random, TILE * width);
            float[] start = random(random, heads * width);
            float[] expectedOut = start.clone(), actualOut = start.clone();
            scalar.weigh(expected, 8, 52, heads, v, 0, width, TILE, width, expectedOut, 0);
            vector.weigh(actual, 8, 52, heads, v, 0, width, TILE, width, actualOut, 0);
            assertSame(actualOut, expectedOut);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 11, 16})
    public void storedTilesGiveTheSameAsUnpackedOnes(int heads) {
        Random random = new Random(heads);
        int tiles = 5, tokens = tiles * TILE, stride = tokens + 3;
        for (ElementType type : new ElementType[] {ElementType.F16, ElementType.BF16}) {
            for (int headDim : new int[] {64, 128}) {
                try (Arena arena = Arena.ofConfined()) {
                    MemorySegment stored = arena.allocate(type.bytes((long) tokens * headDim) + 6);
                    for (long i = 0; i < (long) tokens * headDim; i++) {
                        // Mostly numbers of about 1, some as small and as large as f16 holds.
                        float x = (float) random.nextGaussian() * (i % 50 == 0 ? 1e-6f : i % 51 == 0 ? 1e4f : 1);
                        stored.set(ValueLayout.JAVA_SHORT_UNALIGNED, 6 + 2 * i, bits(type, x));
                    }
                    float[] q = random(random, 3 + heads * headDim), p = new float[heads * stride];
                    float[] expected = new float[2 + heads * stride], actual = expected.clone();
                    TileScratch scratch = new TileScratch();
                    scalar.storedScores(type, stored, 6, tiles, q, 3, heads, headDim, expected, 2, stride, scratch);
                    vector.storedScores(type, stored, 6, tiles, q, 3, heads, headDim, actual, 2, stride, scratch);
                    assertSame(actual, expected);

                    for (int i = 0; i < p.length; i++) {
                        p[i] = random.nextInt(9) == 0 ? 0 : (float) Math.pow(2, -130 * random.nextFloat());
                    }
                    float[] start = random(random, 5 + heads * headDim);
                    float[] expectedOut = start.clone(), actualOut = start.clone();
                    scalar.storedWeigh(type, stored, 6, tokens, p, 0, stride, heads, headDim, expectedOut, 5, scratch);
                    vector.storedWeigh(type, stored, 6, tokens, p, 0, stride, heads, headDim, actualOut, 5, scratch);
                    assertSame(actualOut, expectedOut);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 7, 8})
    public void scoresOfRowsEqualTheScalarOnes(int heads) {
        Random random = new Random(heads);
        for (int headDim : new int[] {3, 8, 20, 64, 80, 128}) {
            int tokens = 1 + random.nextInt(20), stride = tokens + 2, kStride = headDim + 5;
            float[] q = random(random, 3 + heads * headDim), k = random(random, 1 + tokens * kStride);
            float[] expected = new float[4 + heads * stride], actual = expected.clone();
            TileScratch scratch = new TileScratch();
            scalar.rowScores(q, 3, heads, headDim, k, 1, kStride, tokens, expected, 4, stride, scratch);
            vector.rowScores(q, 3, heads, headDim, k, 1, kStride, tokens, actual, 4, stride, scratch);
            // Sums in two orders of at most 128 products of about 1.
            assertClose(actual, expected, 1e-4f);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 4, 7})
    public void chosenStoredRowsEqualTheScalarOnes(int heads) {
        Random random = new Random(heads);
        int rows = 60, from = 3, count = 21, stride = 40;
        int[] ids = random.ints(0, rows).distinct().limit(from + count).sorted().toArray();
        for (ElementType type : new ElementType[] {ElementType.F16, ElementType.BF16}) {
            for (int headDim : new int[] {64, 128}) {
                try (Arena arena = Arena.ofConfined()) {
                    MemorySegment stored = arena.allocate(type.bytes((long) rows * headDim) + 6);
                    for (long i = 0; i < (long) rows * headDim; i++) {
                        float x = (float) random.nextGaussian() * (i % 50 == 0 ? 1e-6f : 1);
                        stored.set(ValueLayout.JAVA_SHORT_UNALIGNED, 6 + 2 * i, bits(type, x));
                    }
                    float[] q = random(random, 3 + heads * headDim), p = new float[1 + heads * stride];
                    float[] expected = new float[2 + heads * stride], actual = expected.clone();
                    TileScratch scratch = new TileScratch();
                    scalar.chosenScores(
                            type, stored, 6, ids, from, count, q, 3, heads, headDim, expected, 2, stride, scratch);
                    vector.chosenScores(
                            type, stored, 6, ids, from, count, q, 3, heads, headDim, actual, 2, stride, scratch);
                    // Sums in two orders of at most 128 products of about 1.
                    assertClose(actual, expected, 1e-4f);

                    for (int i = 0; i < p.length; i++) {
                        p[i] = random.nextFloat();
                    }
                    float[] start = random(random, 5 + heads * headDim);
                    float[] expectedOut = start.clone(), actualOut = start.clone();
                    scalar.chosenWeigh(type, stored, 6, ids, from, count, p, 1, stride, heads, headDim, expectedOut, 5);
                    vector.chosenWeigh(type, stored, 6, ids, from, count, p, 1, stride, heads, headDim, actualOut, 5);
                    assertSame(actualOut, expectedOut);
                }
            }
        }
    }

    private static short bits(ElementType type, float x) {
        return type == ElementType.F16 ? Float.floatToFloat16(x) : (short) (Float.floatToRawIntBits(x) >>> 16);
    }

    @ParameterizedTest
    @ValueSource(ints = {16, 32, 112, 256})
    public void softmaxEqualsTheScalarOneAndMaskedTokensAreZero(int n) {
        Random random = new Random(n);
        for (int from = 0; from < n; from += 5) {
            int to = from + 1 + random.nextInt(n - from);
            float[] expected = random(random, n), actual = expected.clone();
            float[] expectedStats = new float[2], actualStats = new float[2];
            scalar.softmax(expected, 0, n, from, to, expectedStats, 0, new TileScratch());
            vector.softmax(actual, 0, n, from, to, actualStats, 0, new TileScratch());
            // Every exponential is within 2e-7 of a number of at most 1, sums of them within n times that.
            assertClose(actual, expected, 3e-7f);
            assertClose(actualStats, expectedStats, n * 3e-7f);
            for (int t = 0; t < n; t++) {
                if (t < from || t >= to) {
                    assertThat(actual[t]).isZero();
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 16, 20, 64, 128})
    public void chunkStepsEqualTheScalarOnes(int headDim) {
        Random random = new Random(headDim);
        int width = Math.ceilDiv(headDim, TILE) * TILE, tokens = 3 * TILE;
        float[] q = random(random, headDim * LANES), k = random(random, headDim * tokens);
        float[] expected = new float[tokens * LANES], actual = new float[tokens * LANES];
        scalar.chunkScores(q, 0, headDim, k, 0, 3, expected, 0);
        vector.chunkScores(q, 0, headDim, k, 0, 3, actual, 0);
        assertSame(actual, expected);
        for (int i = 0; i < 300; i++) {
            int masked = random.nextInt(tokens * LANES);
            expected[masked] = MASKED;
            actual[masked] = MASKED;
        }
        float[] max = random(random, LANES), sum = random(random, LANES);
        float[] max2 = max.clone(), sum2 = sum.clone(), scale = new float[LANES], scale2 = new float[LANES];
        boolean rescaled = scalar.chunkSoftmax(expected, 0, tokens, max, sum, 0, scale);
        assertThat(vector.chunkSoftmax(actual, 0, tokens, max2, sum2, 0, scale2))
                .isEqualTo(rescaled);
        assertSame(max2, max);
        assertClose(actual, expected, 3e-7f);
        assertClose(scale2, scale, 3e-7f);
        assertClose(sum2, sum, tokens * 3e-7f);

        float[] columns = new float[tokens + 2], columns2 = columns.clone();
        float[] diagonals = random(random, tokens + 2 * LANES), diagonals2 = diagonals.clone();
        scalar.chunkShares(expected, 0, tokens, scale, 0, columns, 2, diagonals, tokens);
        vector.chunkShares(expected, 0, tokens, scale, 0, columns2, 2, diagonals2, tokens);
        assertSame(diagonals2, diagonals);
        assertClose(columns2, columns, LANES * 3e-7f);

        float[] rows = random(random, 3 + tokens * width), v = new float[tokens * width], v2 = v.clone();
        scalar.columns(rows, 3, tokens, width, v, 0);
        vector.columns(rows, 3, tokens, width, v2, 0);
        assertSame(v2, v);
        float[] o = random(random, width * LANES), o2 = o.clone();
        scalar.chunkRescale(o, 0, width, scale);
        vector.chunkRescale(o2, 0, width, scale);
        assertSame(o2, o);
        scalar.chunkWeigh(expected, 0, tokens, v, 0, width, o, 0);
        vector.chunkWeigh(expected, 0, tokens, v, 0, width, o2, 0);
        assertSame(o2, o);
    }

    @ParameterizedTest
    @ValueSource(strings = {"F32", "F16", "BF16"})
    public void everyFiniteStoredFloatIsReadExactly(String name) {
        ElementType type = ElementType.valueOf(name);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(type.bytes(1 << 16) + 1);
            for (int bits = 0; bits < 1 << 16; bits++) {
                short half = (short) bits;
                boolean finite = type == ElementType.F16 ? (bits & 0x7c00) != 0x7c00 : (bits & 0x7f80) != 0x7f80;
                short stored = finite ? half : 0;
                if (type == ElementType.F32) {
                    segment.set(ValueLayout.JAVA_INT_UNALIGNED, 1 + 4L * bits, stored << 16 | bits);
                } else {
                    segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, 1 + 2L * bits, stored);
                }
            }
            int n = (1 << 16) - 3;
            float[] expected = new float[n + 2], actual = new float[n + 2];
            scalar.decode(type, segment, 1, n, expected, 2);
            vector.decode(type, segment, 1, n, actual, 2);
            assertSame(actual, expected);
        }
    }

    /** Every number that is near to 0 in some way, at every place. */
    @ParameterizedTest
    @ValueSource(ints = {0, 3})
    public void signsEqualTheScalarOnes(int at) {
        float[] numbers = {0f, -0f, Float.MIN_VALUE, -Float.MIN_VALUE, 1, -1, Float.NaN, Float.POSITIVE_INFINITY};
        Random random = new Random(at);
        for (int i = 0; i < 100; i++) {
            float[] x = new float[at + Long.SIZE];
            for (int j = 0; j < x.length; j++) {
                x[j] = numbers[random.nextInt(numbers.length)];
            }
            assertThat(vector.positive(x, at)).isEqualTo(scalar.positive(x, at));
        }
    }
}
