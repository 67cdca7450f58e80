package dev.lectern.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.FloatFormat;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.LayerCache;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which tokens stay, and what a cache of them is like. */
class RetentionTest {
    private static final int DIM = 32;
    private static final int GROUP = 2;
    private static final int KV_HEADS = 2;
    private static final Heads SHAPE = new Heads(KV_HEADS * GROUP, KV_HEADS, DIM, 0);
    private static final int TOKENS = 400;
    private static final Cancellation NEVER = new Cancellation();

    private final Random random = new Random(23);
    private final Workers workers = new Workers(2);
    private final ExactAttention exact = new ExactAttention(workers);
    private final float[][] keys = rows(KV_HEADS * DIM);
    private final float[][] values = rows(KV_HEADS * DIM);
    private final float[][] queries = rows(KV_HEADS * GROUP * DIM);
    private final KvCache cache =
            new KvCache(List.of(new LayerCache(KV_HEADS, DIM, 0, FloatFormat.F32, FloatFormat.F32)));

    @AfterEach
    void close() {
        cache.close();
        workers.close();
    }

    private float[][] rows(int width) {
        float[][] rows = new float[TOKENS][width];
        for (float[] row : rows) {
            for (int i = 0; i < width; i++) {
                row[i] = (float) random.nextGaussian();
            }
        }
        return rows;
    }

    /** Reads tokens in chunks of some length, as a model does. */
    private void read(int chunk) {
        for (int from = 0; from < TOKENS; from += chunk) {
            int n = Math.min(chunk, TOKENS - from);
            step(from, n);
            cache.commit(n);
        }
    }

    /** What a step does before it is committed. */
    private void step(int from, int n) {
        int width = queries[0].length;
        cache.reserve(n);
        cache.expectQueries(width);
        float[] q = new float[n * width];
        for (int i = 0; i < n; i++) {
            cache.put(0, from + i, keys[from + i], 0, values[from + i], 0);
            cache.remember(0, from + i, queries[from + i], 0);
            System.arraycopy(queries[from + i], 0, q, i * width, width);
        }
        float[] out = new float[q.length], logSumExp = new float[n * SHAPE.heads()];
        exact.chunk(SHAPE, q, 0, n, from, Segments.of(cache, 0, from + n), out, logSumExp, NEVER);
        AttentionSums.of(cache).add(exact, SHAPE, 0, cache, q, 0, n, from, logSumExp, NEVER);
    }

    /** The softmax of a token's query head. */
    private double[] weights(int token, int head) {
        double[] weights = new double[token + 1];
        double sum = 0;
        for (int t = 0; t <= token; t++) {
            double score = 0;
            for (int d = 0; d < DIM; d++) {
                score += (double) queries[token][head * DIM + d] * keys[t][head / GROUP * DIM + d];
            }
            weights[t] = Math.exp(score / Math.sqrt(DIM));
            sum += weights[t];
        }
        for (int t = 0; t <= token; t++) {
            weights[t] /= sum;
        }
        return weights;
    }

    /** What tokens weigh for the queries from one on, in a kv head. */
    private double[] sums(int kvHead, int firstQuery) {
        double[] sums = new double[TOKENS];
        for (int token = firstQuery; token < TOKENS; token++) {
            for (int head = kvHead * GROUP; head < (kvHead + 1) * GROUP; head++) {
                double[] weights = weights(token, head);
                for (int t = 0; t <= token; t++) {
                    sums[t] += weights[t];
                }
            }
        }
        return sums;
    }

    private int[][] kept(String method) {
        return Retentions.named(method).orElseThrow().kept(workers, 0, SHAPE, cache, NEVER);
    }

    private static int[] highest(double[] numbers, int tokens, int wanted, int from) {
        return IntStream.concat(
                        IntStream.range(0, tokens)
                                .boxed()
                                .sorted(Comparator.comparingDouble((Integer t) -> -numbers[t]))
                                .limit(wanted)
                                .mapToInt(Integer::intValue)
                                .sorted(),
                        IntStream.range(from, TOKENS))
                .toArray();
    }

    @ParameterizedTest
    @ValueSource(ints = {TOKENS, 150, 7})
    void sumsAreThoseOfAllQueriesHoweverTheTextWasCut(int chunk) {
        read(chunk);
        for (int kvHead = 0; kvHead < KV_HEADS; kvHead++) {
            double[] expected = sums(kvHead, 0);
            float[] sums = AttentionSums.of(cache).of(0, kvHead, TOKENS);
            for (int t = 0; t < TOKENS; t++) {
                assertThat((double) sums[t]).isCloseTo(expected[t], within(1e-3));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 30, 64, 300})
    void weightsOutsideAWindowAreNotCounted(int window) {
        read(TOKENS);
        Heads shape = new Heads(KV_HEADS * GROUP, KV_HEADS, DIM, window);
        int width = KV_HEADS * GROUP * DIM, first = 130, rows = TOKENS - first;
        float[] q = new float[rows * width], out = new float[rows * width], logSumExp = new float[rows * shape.heads()];
        for (int i = 0; i < rows; i++) {
            System.arraycopy(queries[first + i], 0, q, i * width, width);
        }
        Segments all = Segments.of(cache, 0, TOKENS);
        float[][] sums = new float[KV_HEADS][TOKENS];
        exact.chunk(shape, q, 0, rows, first, all, out, logSumExp, NEVER);
        exact.weights(shape, q, 0, rows, first, all, logSumExp, sums, NEVER);
        for (int kvHead = 0; kvHead < KV_HEADS; kvHead++) {
            double[] expected = new double[TOKENS];
            for (int token = first; token < TOKENS; token++) {
                for (int head = kvHead * GROUP; head < (kvHead + 1) * GROUP; head++) {
                    double[] weights = weights(token, head);
                    int from = Math.max(0, token + 1 - window);
                    double sum = Arrays.stream(weights, from, token + 1).sum();
                    for (int t = from; t <= token; t++) {
                        expected[t] += weights[t] / sum;
                    }
                }
            }
            for (int t = 0; t < TOKENS; t++) {
                assertThat((double) sums[kvHead][t]).isCloseTo(expected[t], within(1e-3));
            }
        }
    }

    @Test
    void h2oKeepsTheHeavyHittersAndTheLatest() {
        read(150);
        int[][] kept = kept("h2o:budget=80:recent=0.25");
        for (int kvHead = 0; kvHead < KV_HEADS; kvHead++) {
            assertThat(kept[kvHead]).isEqualTo(highest(sums(kvHead, 0), TOKENS - 20, 60, TOKENS - 20));
        }
    }

    @Test
    void aStepThatIsGivenUpIsNotCounted() {
        for (int from = 0; from < TOKENS; from += 100) {
            step(from, 100);
            step(from, 40);
            cache.truncate(from);
            step(from, 100);
            cache.commit(100);
        }
        int[][] kept = kept("h2o:budget=80:recent=0.25");
        for (int kvHead = 0; kvHead < KV_HEADS; kvHead++) {
            assertThat(kept[kvHead]).isEqualTo(highest(sums(kvHead, 0), TOKENS - 20, 60, TOKENS - 20));
        }
    }

    @Test
    void whatStaysAfterAStepThatIsGivenUpIsAsBeforeIt() {
        read(100);
        cache.truncate(TOKENS - 20);
        int[][] before = kept("h2o:budget=80");
        step(TOKENS - 20, 20);
        assertThat(kept("h2o:budget=80")).isDeepEqualTo(before);
    }

    @Test
    void snapKvKeepsWhatTheLastQueriesLookAt() {
        read(150);
        int window = 32, prefix = TOKENS - window;
        int[][] kept = kept("snapkv:budget=100:window=32:pool=5");
        for (int kvHead = 0; kvHead < KV_HEADS; kvHead++) {
            double[] sums = sums(kvHead, prefix), pooled = new double[prefix];
            for (int t = 0; t < prefix; t++) {
                for (int i = Math.max(0, t - 2); i <= Math.min(prefix - 1, t + 2); i++) {
                    pooled[t] += sums[i];
                }
            }
            assertThat(kept[kvHead]).isEqualTo(highest(pooled, prefix, 100 - window, prefix));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"h2o:budget=100%", "snapkv:budget=100%", "snapkv:budget=5000"})
    void aBudgetOfEverythingKeepsEverything(String method) {
        read(100);
        assertThat(List.of(kept(method)))
                .allSatisfy(ids ->
                        assertThat(ids).isEqualTo(IntStream.range(0, TOKENS).toArray()));
        assertThat(Retentions.named(Retentions.named(method).orElseThrow().name())
                        .orElseThrow()
                        .name())
                .isEqualTo(Retentions.named(method).orElseThrow().name());
    }

    /** Attention over the smaller cache is attention over the kept tokens of the whole one. */
    @Test
    void aCacheOfWhatStaysHoldsTheirKeysAndValues() {
        read(150);
        int[][] kept = kept("snapkv:budget=100");
        float[] q = queries[TOKENS - 1], expected = new float[q.length], out = new float[q.length];
        try (KvCache fewer = cache.keeping(new int[][][] {kept})) {
            assertThat(fewer.length()).isEqualTo(100);
            assertThat(fewer.position()).isEqualTo(TOKENS);
            Segments all = Segments.of(cache, 0, TOKENS);
            Selection[] selections = new Selection[KV_HEADS];
            for (int kvHead = 0; kvHead < KV_HEADS; kvHead++) {
                selections[kvHead] = new Selection();
                for (int id : kept[kvHead]) {
                    selections[kvHead].add(id, 0);
                }
            }
            exact.gather(SHAPE, 1, KV_HEADS, q, new Segments[] {all}, selections, expected, null, NEVER);
            exact.single(SHAPE, 1, q, new int[] {99}, new Segments[] {Segments.of(fewer, 0, 100)}, out, null, NEVER);
            for (int i = 0; i < out.length; i++) {
                assertThat(out[i]).isCloseTo(expected[i], within(1e-5f));
            }
            assertThat(fewer.truncate(100)).isEqualTo(100);
            assertThatThrownBy(() -> fewer.truncate(99)).isInstanceOf(IllegalArgumentException.class);
            assertThat(fewer.bytes()).isLessThan(cache.bytes());
        }
        assertThat(cache.length()).isEqualTo(TOKENS);
    }

    @Test
    void whatIsMissingIsSaid() {
        cache.reserve(TOKENS);
        for (int token = 0; token < TOKENS; token++) {
            cache.put(0, token, keys[token], 0, values[token], 0);
        }
        cache.commit(TOKENS);
        assertThat(kept("snapkv:budget=100%")[0]).as("nothing is to be chosen").hasSize(TOKENS);
        assertThatThrownBy(() -> kept("h2o"))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("--no-cache");
        assertThatThrownBy(() -> kept("snapkv:budget=100"))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("read something after it");
        assertThatThrownBy(() -> Retentions.named("lru"))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("there are all, snapkv, h2o");
        assertThatThrownBy(() -> Retentions.named("snapkv:pool=4"))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("odd");
        assertThat(Retentions.named("all")).isEmpty();
    }
}
