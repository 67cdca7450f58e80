package dev.lectern.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.Cancellation;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.FloatFormat;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.LayerCache;
import dev.lectern.kv.Page;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against softmax(q Kᵀ / √headDim) V in double, written out. */
class ExactAttentionTest {
    private static final Cancellation NEVER = new Cancellation();

    /** f32 sums of up to 700 weighted values of about 1, normalised. */
    private static final double TOLERANCE = 2e-6;

    private final Random random = new Random(7);

    private float[] random(int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    /** The nearest numbers that a format holds, so that storing them changes nothing. */
    private static float[] rounded(float[] x, FloatFormat format) {
        for (int i = 0; i < x.length; i++) {
            x[i] = switch (format.name()) {
                case "f16" -> Float.float16ToFloat(Float.floatToFloat16(x[i]));
                case "bf16" -> Float.intBitsToFloat(Float.floatToRawIntBits(x[i]) & 0xffff0000);
                default -> x[i];
            };
        }
        return x;
    }

    /** Keys and values of a sequence, beside the cache that holds them. */
    private final class Cached {
        final Heads heads;
        final float[] k;
        final float[] v;
        final KvCache cache;

        Cached(Heads heads, int tokens) {
            this(heads, tokens, FloatFormat.F32);
        }

        Cached(Heads heads, int tokens, FloatFormat format) {
            this.heads = heads;
            int width = heads.kvHeads() * heads.headDim();
            k = rounded(random(tokens * width), format);
            v = rounded(random(tokens * width), format);
            cache = new KvCache(
                    List.of(new LayerCache(heads.kvHeads(), heads.headDim(), heads.window(), format, format)));
            cache.reserve(tokens);
            for (int t = 0; t < tokens; t++) {
                cache.put(0, t, k, t * width, v, t * width);
            }
        }

        /** The expected output of one head, and its log-sum-exp at the end. */
        double[] expected(float[] q, int qAt, int head, int index, int visible) {
            int headDim = heads.headDim(), kvHead = head / heads.group();
            int from = heads.window() == 0 ? 0 : Math.max(0, index - heads.window() + 1);
            double[] out = new double[headDim + 1];
            double sum = 0;
            for (int t = from; t < Math.min(visible, index + 1); t++) {
                double score = 0;
                int at = (t * heads.kvHeads() + kvHead) * headDim;
                for (int d = 0; d < headDim; d++) {
                    score += (double) q[qAt + d] * k[at + d];
                }
                double weight = Math.exp(score / Math.sqrt(headDim));
                sum += weight;
                for (int d = 0; d < headDim; d++) {
                    out[d] += weight * v[at + d];
                }
            }
            for (int d = 0; d < headDim; d++) {
                out[d] /= sum;
            }
            out[headDim] = Math.log(sum);
            return out;
        }
    }

    private static void assertClose(float[] out, int at, double[] expected, float lse) {
        for (int d = 0; d < expected.length - 1; d++) {
            assertThat((double) out[at + d]).isCloseTo(expected[d], within(TOLERANCE));
        }
        assertThat((double) lse).isCloseTo(expected[expected.length - 1], within(1e-5));
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 8, 0",
        "3, 1, 16, 0",
        "9, 3, 64, 0",
        "14, 2, 64, 0",
        "8, 8, 20, 0",
        "4, 2, 128, 0",
        "6, 2, 64, 100",
        "4, 4, 32, 16",
        "5, 1, 4, 300"
    })
    void singlesAndChunksEqualTheFormula(int heads, int kvHeads, int headDim, int window) {
        Heads shape = new Heads(heads, kvHeads, headDim, window);
        int width = heads * headDim;
        FloatFormat[] formats = {FloatFormat.F32, FloatFormat.F16, FloatFormat.BF16};
        for (int tokens : new int[] {1, 2, 15, 16, 17, 63, 65, 255, 256, 257, 599, 601}) {
            Cached cached = new Cached(shape, tokens, formats[tokens % 3]);
            int rows = Math.min(tokens, 70);
            float[] q = random(rows * width), out = new float[rows * width], lse = new float[rows * heads];
            try (Workers workers = new Workers(2)) {
                ExactAttention exact = new ExactAttention(workers);
                Segments segments = Segments.of(cached.cache, 0, tokens);
                exact.chunk(shape, q, 0, rows, tokens - rows, segments, out, lse, NEVER);
                for (int row = 0; row < rows; row++) {
                    for (int h = 0; h < heads; h++) {
                        int at = row * width + h * headDim;
                        assertClose(
                                out, at, cached.expected(q, at, h, tokens - rows + row, tokens), lse[row * heads + h]);
                    }
                }
                int[] index = {tokens - 1};
                exact.single(shape, 1, q, index, new Segments[] {segments}, out, lse, NEVER);
                for (int h = 0; h < heads; h++) {
                    assertClose(out, h * headDim, cached.expected(q, h * headDim, h, tokens - 1, tokens), lse[h]);
                }
            }
            cached.cache.close();
        }
    }

    @Test
    void theSameBitsWithAnyThreadsNeighboursAndChunks() {
        Heads shape = new Heads(6, 2, 64, 0);
        int width = 6 * 64, tokens = 700, rows = 200;
        Cached cached = new Cached(shape, tokens);
        Cached other = new Cached(shape, 300);
        Segments segments = Segments.of(cached.cache, 0, tokens);
        float[] q = random(rows * width);
        float[] chunkOnce = new float[rows * width], singleOnce = new float[3 * width];
        try (Workers workers = new Workers(1)) {
            ExactAttention exact = new ExactAttention(workers);
            exact.chunk(shape, q, 0, rows, tokens - rows, segments, chunkOnce, null, NEVER);
            exact.single(shape, 1, q, new int[] {tokens - 1}, new Segments[] {segments}, singleOnce, null, NEVER);
        }
        try (Workers workers = new Workers(3)) {
            ExactAttention exact = new ExactAttention(workers);
            float[] inParts = new float[rows * width];
            int cut = 77;
            exact.chunk(shape, q, 0, cut, tokens - rows, segments, inParts, null, NEVER);
            exact.chunk(shape, q, cut, rows - cut, tokens - rows + cut, segments, inParts, null, NEVER);
            assertThat(inParts).isEqualTo(chunkOnce);
            float[] three = new float[3 * width];
            Segments[] all = {segments, Segments.of(other.cache, 0, 300), Segments.of(other.cache, 0, 17)};
            exact.single(shape, 3, q, new int[] {tokens - 1, 299, 16}, all, three, null, NEVER);
            for (int i = 0; i < width; i++) {
                assertThat(three[i]).isEqualTo(singleOnce[i]);
            }
        }
    }

    @Test
    void segmentsWithoutAMaskAreSeenWhole() {
        Heads shape = new Heads(2, 1, 32, 0);
        Cached cached = new Cached(shape, 300);
        Segments visible = new Segments() {
            private final Segments all = Segments.of(cached.cache, 0, 300);

            @Override
            public int count() {
                return all.count();
            }

            @Override
            public Page page(int i) {
                return all.page(i);
            }

            @Override
            public int tokens(int i) {
                return all.tokens(i);
            }

            @Override
            public int index(int i) {
                return VISIBLE;
            }
        };
        float[] q = random(3 * 64), out = new float[3 * 64], lse = new float[6];
        try (Workers workers = new Workers(1)) {
            ExactAttention exact = new ExactAttention(workers);
            exact.chunk(shape, q, 0, 3, 0, visible, out, lse, NEVER);
            for (int i = 0; i < 6; i++) {
                assertClose(out, i * 32, cached.expected(q, i * 32, i % 2, 299, 300), lse[i]);
            }
            exact.single(shape, 1, q, new int[] {0}, new Segments[] {visible}, out, lse, NEVER);
            assertClose(out, 0, cached.expected(q, 0, 0, 299, 300), lse[0]);
        }
    }
}
