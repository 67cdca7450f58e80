package dev.lectern.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Traffic;
import dev.lectern.kernel.BitPlanes;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.FloatFormat;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.LayerCache;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What heavy tokens and samples of the tail are, and what comes of them. */
class PpsTest {
    private static final int GROUP = 3;
    private static final int KV_HEADS = 2;
    private static final int TOKENS = 1500;
    private static final int SINKS = 4;
    private static final int WINDOW = 64;
    private static final int MIDDLE = TOKENS - WINDOW - SINKS - (TOKENS - WINDOW) % 16; // whole tiles are coded
    private static final Cancellation NEVER = new Cancellation();

    private final Random random = new Random(17);
    private final Workers workers = new Workers(2);
    private final ExactAttention exact = new ExactAttention(workers);
    private final List<float[]> keys = new ArrayList<>();
    private final List<float[]> values = new ArrayList<>();

    @AfterEach
    void close() {
        workers.close();
    }

    private static Heads heads(int dim) {
        return new Heads(KV_HEADS * GROUP, KV_HEADS, dim, 0);
    }

    private float[] random(int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    private static float[] times(float[] x, float factor) {
        float[] y = x.clone();
        for (int i = 0; i < y.length; i++) {
            y[i] *= factor;
        }
        return y;
    }

    private static KvCache cache(int dim) {
        return new KvCache(List.of(new LayerCache(KV_HEADS, dim, 0, FloatFormat.F32, FloatFormat.F32)));
    }

    /** Stores tokens up to a number, and commits all but the last; keys that are not there yet are made. */
    private void fill(KvCache cache, int tokens, Supplier<float[]> key) {
        int width =
                cache.layers().getFirst().kvHeads() * cache.layers().getFirst().headDim();
        cache.reserve(tokens - cache.length());
        for (int token = cache.length(); token < tokens; token++) {
            if (keys.size() == token) {
                keys.add(key.get());
                values.add(random(width));
            }
            cache.put(0, token, keys.get(token), 0, values.get(token), 0);
        }
        cache.commit(tokens - 1 - cache.length());
    }

    private KvCache filled(int dim) {
        KvCache cache = cache(dim);
        fill(cache, TOKENS, () -> random(KV_HEADS * dim));
        return cache;
    }

    private float[] attended(String method, KvCache cache, float[] q) {
        float[] out = new float[q.length];
        Heads heads = heads(cache.layers().getFirst().headDim());
        DecodeAttentions.named(method).attend(exact, 0, heads, new KvCache[] {cache}, q, out, NEVER);
        return out;
    }

    /** Of each kv head the tokens that are looked at, with their log-weights. */
    private List<TreeMap<Integer, Float>> chosen(String method, KvCache cache, float[] q) {
        List<TreeMap<Integer, Float>> chosen = new ArrayList<>();
        exact.listen((heads, rows, sets, selections) -> {
            for (int set = 0; set < sets; set++) {
                TreeMap<Integer, Float> ids = new TreeMap<>();
                for (int i = 0; i < selections[set].count(); i++) {
                    ids.put(selections[set].id(i), selections[set].logWeight(i));
                }
                chosen.add(ids);
            }
        });
        attended(method, cache, q);
        exact.listen(null);
        return chosen;
    }

    /** e^score of a token, in double. */
    private double power(float[] q, int head, int token, int dim) {
        double score = 0;
        for (int d = 0; d < dim; d++) {
            score += (double) q[head * dim + d] * keys.get(token)[head / GROUP * dim + d];
        }
        return Math.exp(score / Math.sqrt(dim));
    }

    private static double error(float[] out, float[] dense, int head, int dim) {
        double difference = 0, norm = 0;
        for (int d = head * dim; d < (head + 1) * dim; d++) {
            difference += Math.pow(out[d] - dense[d], 2);
            norm += Math.pow(dense[d], 2);
        }
        return Math.sqrt(difference / norm);
    }

    private double meanError(String method, KvCache cache, float[] q, int seeds) {
        int dim = cache.layers().getFirst().headDim();
        float[] dense = attended("dense", cache, q);
        double sum = 0;
        for (int seed = 0; seed < seeds; seed++) {
            float[] out = attended(method + ":seed=" + seed, cache, q);
            for (int head = 0; head < KV_HEADS * GROUP; head++) {
                sum += error(out, dense, head, dim);
            }
        }
        return sum / (seeds * KV_HEADS * GROUP);
    }

    // The definition of approximate scores, in double.

    private static double[] hadamard(double[] x) {
        int block = Integer.lowestOneBit(x.length);
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            for (int j = 0; j < block; j++) {
                int sign = Integer.bitCount(i % block & j) % 2 == 0 ? 1 : -1;
                y[i] += sign * x[i / block * block + j] / Math.sqrt(block);
            }
        }
        return y;
    }

    private double[][] expectedScores(float[] q, int kvHead, int dim, int bits, int end) {
        double[] mean = new double[dim], balance = new double[dim];
        int count = end - SINKS;
        for (int d = 0; d < dim; d++) {
            double rho = 0, omega = 0;
            for (int token = SINKS; token < end; token++) {
                mean[d] += keys.get(token)[kvHead * dim + d] / (double) count;
            }
            for (int token = SINKS; token < end; token++) {
                rho += Math.pow(keys.get(token)[kvHead * dim + d] - mean[d], 2) / count;
            }
            for (int head = kvHead * GROUP; head < (kvHead + 1) * GROUP; head++) {
                omega += Math.pow(q[head * dim + d], 2) / GROUP;
            }
            balance[d] = Math.sqrt((Math.sqrt(rho) + 1e-6) / (Math.sqrt(omega) + 1e-6));
        }
        double[][] scores = new double[GROUP][end];
        for (int g = 0; g < GROUP; g++) {
            double[] turned = new double[dim];
            for (int d = 0; d < dim; d++) {
                turned[d] = q[(kvHead * GROUP + g) * dim + d] * balance[d];
            }
            turned = hadamard(turned);
            double unit = Arrays.stream(turned).map(Math::abs).max().orElseThrow() / 7;
            for (int token = 0; token < end; token++) {
                double[] y = new double[dim];
                for (int d = 0; d < dim; d++) {
                    y[d] = (keys.get(token)[kvHead * dim + d] - mean[d]) / balance[d];
                }
                y = hadamard(y);
                double step =
                        0.9957 * Math.sqrt(Arrays.stream(y).map(x -> x * x).sum() / dim);
                double sum = 0, product = 0, energy = 0;
                for (int d = 0; d < dim; d++) {
                    double level = Math.signum(y[d]) * (bits == 2 && Math.abs(y[d]) > step ? 3 : 1);
                    sum += Math.rint(turned[d] / unit) * unit * level;
                    product += y[d] * level;
                    energy += level * level;
                }
                scores[g][token] = sum * product / energy / Math.sqrt(dim) / Math.log(2);
            }
        }
        return scores;
    }

    private static float[] scores(SignIndex index, float[] q, int kvHead, int dim, int bits, int head, int tokens) {
        int words = BitPlanes.words(dim);
        int[] query = new int[GROUP * words * BitPlanes.QUERY_PLANES];
        float[] scales = new float[GROUP], scores = new float[tokens];
        index.turn(0, heads(dim), kvHead, q, kvHead * GROUP * dim, query, scales, new SignIndex.Scratch());
        for (int first = 0; first < tokens; first += SignIndex.IN_BLOCK) {
            Kernels.bitPlanes()
                    .scores(
                            index.block(0, first / SignIndex.IN_BLOCK),
                            index.planesAt(0, kvHead),
                            bits,
                            words,
                            SignIndex.IN_BLOCK,
                            index.block(0, first / SignIndex.IN_BLOCK),
                            index.scalesAt(0, kvHead),
                            Math.min(SignIndex.IN_BLOCK, tokens - first),
                            query,
                            head * words * BitPlanes.QUERY_PLANES,
                            scales[head],
                            scores,
                            first);
        }
        return scores;
    }

    private static SignIndex index(KvCache cache, int bits) {
        return cache.index("pps:bits=" + bits + ":sinks=4:window=64", SignIndex.class, () -> {
            throw new AssertionError("there is no index");
        });
    }

    @ParameterizedTest
    @CsvSource({"64, 1", "64, 2", "32, 1", "80, 2", "128, 1", "96, 1"})
    void approximateScoresAreThoseOfTheDefinition(int dim, int bits) {
        try (KvCache cache = filled(dim)) {
            float[] q = random(KV_HEADS * GROUP * dim);
            attended("pps:bits=" + bits, cache, q);
            SignIndex index = index(cache, bits);
            int end = SINKS + MIDDLE;
            assertThat(index.tokens(0)).isEqualTo(end);
            for (int kvHead = 0; kvHead < KV_HEADS; kvHead++) {
                double[][] expected = expectedScores(q, kvHead, dim, bits, end);
                for (int g = 0; g < GROUP; g++) {
                    float[] scores = scores(index, q, kvHead, dim, bits, g, end);
                    for (int token = 0; token < end; token++) {
                        // Scores of up to some 10; codes of numbers within rounding of an edge would differ by more.
                        assertThat((double) scores[token]).isCloseTo(expected[g][token], within(1e-4));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"1%", "5%", "20%", "70%", "1", "2", "17"})
    void readsAsManyTokensAsTheBudgetSaysOrOneLess(String budget) {
        int wanted = budget.endsWith("%")
                ? (int) Math.ceil(MIDDLE * Double.parseDouble(budget.substring(0, budget.length() - 1)) / 100)
                : Integer.parseInt(budget);
        try (KvCache cache = filled(64)) {
            for (float factor : new float[] {0, .3f, 1, 3, 10, 40}) {
                float[] q = times(random(KV_HEADS * GROUP * 64), factor);
                for (int seed = 0; seed < 5; seed++) {
                    for (var set : chosen("pps:budget=" + budget + ":seed=" + seed, cache, q)) {
                        assertThat(set.subMap(SINKS, SINKS + MIDDLE).size()).isBetween(wanted - 1, wanted);
                        assertThat(set).hasSizeBetween(wanted - 1 + TOKENS - MIDDLE, wanted + TOKENS - MIDDLE);
                        assertThat(set.values()).allMatch(logWeight -> logWeight >= 0);
                    }
                }
            }
        }
    }

    /** The mean over seeds of sums over the drawn tokens is the sum over all: of 1, of powers, and of powers times values. */
    @ParameterizedTest
    @CsvSource({"0.3, 1", "1.5, 1", "4, 2"})
    void sumsOverSamplesAreUnbiased(float factor, int bits) {
        int dim = 64, seeds = 1500;
        try (KvCache cache = filled(dim)) {
            float[] q = times(random(KV_HEADS * GROUP * dim), factor);
            double[][] terms = new double[TOKENS][3];
            double[] all = new double[3];
            for (int token = 0; token < TOKENS; token++) {
                double power = power(q, 1, token, dim);
                terms[token] = new double[] {1, power, power * values.get(token)[5]};
                for (int i = 0; i < 3; i++) {
                    all[i] += terms[token][i];
                }
            }
            double[] sums = new double[3], squares = new double[3];
            for (int seed = 0; seed < seeds; seed++) {
                double[] sample = new double[3];
                chosen("pps:budget=5%:bits=" + bits + ":seed=" + seed, cache, q)
                        .getFirst()
                        .forEach((token, logWeight) -> {
                            for (int i = 0; i < 3; i++) {
                                sample[i] += Math.exp(logWeight) * terms[token][i];
                            }
                        });
                for (int i = 0; i < 3; i++) {
                    sums[i] += sample[i];
                    squares[i] += sample[i] * sample[i];
                }
            }
            for (int i = 0; i < 3; i++) {
                double mean = sums[i] / seeds, variance = squares[i] / seeds - mean * mean;
                assertThat(variance).isPositive();
                assertThat(mean).isCloseTo(all[i], within(4 * Math.sqrt(variance / seeds)));
            }
        }
    }

    @Test
    void errorsFallAsTheBudgetGrowsAndWithASecondBit() {
        int dim = 64;
        try (KvCache cache = filled(dim)) {
            float[] q = times(random(KV_HEADS * GROUP * dim), 2);
            double before = Double.POSITIVE_INFINITY;
            for (String budget : List.of("1%", "4%", "16%", "60%")) {
                double one = meanError("pps:budget=" + budget, cache, q, 20);
                double two = meanError("pps:bits=2:budget=" + budget, cache, q, 20);
                assertThat(one).isLessThan(before);
                assertThat(two).isLessThan(one);
                before = one;
            }
            assertThat(meanError("pps:budget=100%", cache, q, 1)).isLessThan(1e-5);
        }
    }

    /** Values that have something in common, so that outputs are not all noise. */
    private KvCache filledWithValuesAlike(int dim) {
        KvCache cache = cache(dim);
        for (int token = 0; token < TOKENS; token++) {
            keys.add(random(KV_HEADS * dim));
            float[] value = random(KV_HEADS * dim);
            for (int i = 0; i < value.length; i++) {
                value[i] += 1;
            }
            values.add(value);
        }
        fill(cache, TOKENS, () -> new float[0]);
        return cache;
    }

    /** Of one step: the estimated error, and the largest true one of the query heads that share a kv head, both means over kv heads. */
    private double[] estimatedAndTrue(String method, KvCache cache, float[] q, float[] dense) {
        Traffic before = exact.traffic();
        float[] out = attended(method, cache, q);
        Traffic.Bounded bounded = exact.traffic().since(before).bounded();
        assertThat(bounded.choices()).isEqualTo(KV_HEADS);
        double sum = 0;
        for (int kvHead = 0; kvHead < KV_HEADS; kvHead++) {
            double largest = 0;
            for (int head = kvHead * GROUP; head < (kvHead + 1) * GROUP; head++) {
                largest = Math.max(
                        largest,
                        error(out, dense, head, cache.layers().getFirst().headDim()));
            }
            sum += largest;
        }
        return new double[] {bounded.meanError(), sum / KV_HEADS};
    }

    /** A bound of 1 is kept to at once here, so what is read is the budget. */
    @ParameterizedTest
    @CsvSource({"0.5, 1, 5%", "1, 1, 5%", "1, 2, 5%", "2, 1, 10%", "2, 2, 10%", "3, 2, 20%"})
    void estimatedErrorsAreThoseThatThereAre(float factor, int bits, String budget) {
        int dim = 64, seeds = 300;
        try (KvCache cache = filledWithValuesAlike(dim)) {
            float[] q = times(random(KV_HEADS * GROUP * dim), factor);
            float[] dense = attended("dense", cache, q);
            double estimated = 0, happened = 0;
            int covered = 0;
            for (int seed = 0; seed < seeds; seed++) {
                double[] errors = estimatedAndTrue(
                        "pps:budget=" + budget + ":error=1:bits=" + bits + ":seed=" + seed, cache, q, dense);
                estimated += errors[0] * errors[0] / seeds;
                happened += errors[1] * errors[1] / seeds;
                covered += errors[1] <= 1.5 * errors[0] ? 1 : 0;
            }
            assertThat(Math.sqrt(estimated / happened)).isBetween(1 / 1.5, 1.5);
            assertThat(covered).isGreaterThan(seeds * 95 / 100);
        }
    }

    @Test
    void aBoundOnTheErrorIsKeptToByReadingMore() {
        int dim = 64, seeds = 40;
        try (KvCache cache = filledWithValuesAlike(dim)) {
            float[] q = times(random(KV_HEADS * GROUP * dim), 1);
            float[] dense = attended("dense", cache, q);
            double before = 0;
            for (double bound : new double[] {0.8, 0.4, 0.2, 0.1}) {
                double squares = 0;
                Traffic first = exact.traffic();
                for (int seed = 0; seed < seeds; seed++) {
                    double[] errors =
                            estimatedAndTrue("pps:budget=5%:error=" + bound + ":seed=" + seed, cache, q, dense);
                    assertThat(errors[0]).isLessThanOrEqualTo(bound);
                    squares += errors[1] * errors[1] / seeds;
                }
                Traffic read = exact.traffic().since(first);
                assertThat(Math.sqrt(squares)).isLessThan(1.5 * bound);
                assertThat(read.density()).isGreaterThanOrEqualTo(before);
                before = read.density();
                assertThat(read.bounded().choices()).isEqualTo(seeds * KV_HEADS);
                assertThat(read.bounded().dense())
                        .isLessThanOrEqualTo(read.bounded().enlarged());
            }
            Traffic first = exact.traffic();
            assertThat(estimatedAndTrue("pps:budget=5%:error=0.001", cache, q, dense)[1])
                    .isLessThan(1e-5);
            assertThat(exact.traffic().since(first).bounded().dense()).isEqualTo(KV_HEADS);
        }
    }

    @Test
    void enoughThatIsReadAtFirstIsNotReadAgain() {
        int dim = 64;
        try (KvCache cache = filledWithValuesAlike(dim)) {
            float[] q = times(random(KV_HEADS * GROUP * dim), 1);
            float[] plain = attended("pps:budget=20%", cache, q);
            Traffic before = exact.traffic();
            assertThat(attended("pps:budget=20%:error=1", cache, q)).isEqualTo(plain);
            Traffic bounded = exact.traffic().since(before);
            assertThat(bounded.bounded().enlarged()).isZero();
            before = exact.traffic();
            attended("pps:budget=20%", cache, q);
            assertThat(exact.traffic().since(before).rows()).isEqualTo(bounded.rows());
            before = exact.traffic();
            attended("pps:budget=20%:error=1e-6", cache, q);
            Traffic all = exact.traffic().since(before);
            assertThat(all.bounded()).isEqualTo(new Traffic.Bounded(KV_HEADS, KV_HEADS, KV_HEADS, 0));
            // The fifth and what is always read, and then all: no sample comes near such a bound.
            assertThat(all.density()).isBetween(1.2, 1.3);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"10%", "12.5%", "40%", "80%", "60000", "300000", "1", "1%"})
    void readsAsManyBytesAsAreAllowedOrATokenLess(String bytes) {
        int dim = 64;
        long row = 2L * dim * Float.BYTES, dense = KV_HEADS * TOKENS * row;
        double allowed = bytes.endsWith("%")
                ? dense * Double.parseDouble(bytes.substring(0, bytes.length() - 1)) / 100
                : Double.parseDouble(bytes);
        // Sinks, window, the index of the middle, and one token at least.
        double least = KV_HEADS * ((TOKENS - MIDDLE + 1) * row + MIDDLE * SignIndex.tokenBytes(dim, 1));
        try (KvCache cache = filled(dim)) {
            float[] q = random(KV_HEADS * GROUP * dim);
            Traffic before = exact.traffic();
            attended("pps:bytes=" + bytes, cache, q);
            double read = exact.traffic().since(before).bytes();
            assertThat(read).isLessThanOrEqualTo(Math.max(allowed, least));
            // A token less than that, and one that systematic sampling may leave out.
            assertThat(read).isGreaterThan(Math.max(allowed, least) - 2 * KV_HEADS * row);
        }
    }

    @Test
    void bytesOfEverythingReadEverythingAndNoIndex() {
        try (KvCache cache = filled(64)) {
            float[] q = random(KV_HEADS * GROUP * 64);
            for (String bytes : List.of("100%", "2000000000")) {
                Traffic before = exact.traffic();
                attended("pps:bytes=" + bytes, cache, q);
                Traffic read = exact.traffic().since(before);
                assertThat(read.density()).isEqualTo(1);
                assertThat(read.bytes()).isEqualTo(KV_HEADS * TOKENS * 2L * 64 * Float.BYTES);
            }
        }
    }

    @Test
    void twoBudgetsAreRefused() {
        assertThatThrownBy(() -> DecodeAttentions.named("pps:budget=5%:bytes=10%"))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("leave one out");
        assertThatThrownBy(() -> DecodeAttentions.named("pps:bytes=0%"))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("bytes=12%");
    }

    /** Keys of some channels with a large offset and much variance, which queries hardly weigh. */
    private float[] keyWithOutliers(int dim) {
        float[] key = random(KV_HEADS * dim);
        for (int i = 3; i < key.length; i += 21) {
            key[i] = 300 + 25 * key[i];
        }
        return key;
    }

    private float[] queryWithOutliers(int dim) {
        float[] q = times(random(KV_HEADS * GROUP * dim), 2);
        for (int head = 0; head < KV_HEADS * GROUP; head++) {
            for (int i = 0; i < dim; i++) {
                q[head * dim + i] *= (head / GROUP * dim + i) % 21 == 3 ? .01f : 1;
            }
        }
        return q;
    }

    /** Queries that weigh each channel as keys vary make the balance 1. */
    @Test
    void balanceHelpsWhereKeysHaveOutlierChannels() {
        int dim = 64;
        try (KvCache balanced = cache(dim);
                KvCache plain = cache(dim)) {
            fill(balanced, TOKENS, () -> keyWithOutliers(dim));
            fill(plain, TOKENS, () -> keyWithOutliers(dim));
            balanced.expectQueries(KV_HEADS * GROUP * dim);
            plain.expectQueries(KV_HEADS * GROUP * dim);
            for (int token = 1000; token < 1032; token++) {
                balanced.remember(0, token, queryWithOutliers(dim), 0);
                float[] alike = new float[KV_HEADS * GROUP * dim];
                for (int i = 0; i < alike.length; i++) {
                    alike[i] = (i / dim / GROUP * dim + i % dim) % 21 == 3 ? 25 : 1;
                }
                plain.remember(0, token, alike, 0);
            }
            double with = 0, without = 0;
            for (int i = 0; i < 10; i++) {
                float[] q = queryWithOutliers(dim);
                with += meanError("pps:budget=5%", balanced, q, 3);
                without += meanError("pps:budget=5%", plain, q, 3);
            }
            assertThat(with).isLessThan(.7 * without);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void aNeedleIsReadWhateverTheSeed(int bits) {
        int dim = 64, needle = 777;
        try (KvCache cache = cache(dim)) {
            float[] q = random(KV_HEADS * GROUP * dim);
            fill(cache, TOKENS, () -> {
                float[] key = random(KV_HEADS * dim);
                for (int i = 0; i < key.length && keys.size() == needle; i++) {
                    key[i] += 2 * q[i / dim * GROUP * dim + i % dim]; // of the first query head of each kv head
                }
                return key;
            });
            for (int seed = 0; seed < 50; seed++) {
                assertThat(chosen("pps:budget=1%:bits=" + bits + ":seed=" + seed, cache, q))
                        .allSatisfy(set -> assertThat(set).containsEntry(needle, 0f));
            }
        }
    }

    /** Once made, an index gains the same whether step by step or at once. */
    @Test
    void anIndexThatGrowsInStepsIsTheSameAsOneThatGrowsAtOnce() {
        int dim = 64;
        String method = "pps:budget=10%";
        float[] q = random(KV_HEADS * GROUP * dim);
        try (KvCache steps = cache(dim);
                KvCache once = cache(dim)) {
            for (int tokens = 600; tokens <= TOKENS; tokens += 37) {
                fill(steps, tokens, () -> random(KV_HEADS * dim));
                chosen(method, steps, q);
            }
            fill(steps, TOKENS, () -> random(KV_HEADS * dim));
            fill(once, 600, () -> random(KV_HEADS * dim));
            chosen(method, once, q);
            fill(once, TOKENS, () -> random(KV_HEADS * dim));
            assertThat(chosen(method, steps, q)).isEqualTo(chosen(method, once, q));
        }
    }

    /** A fork that goes on with other keys, and a cache that is cut back and goes on, see their own keys. */
    @Test
    void forksAndCutsKeepTheirOwn() {
        int dim = 64;
        String method = "pps:budget=10%";
        float[] q = random(KV_HEADS * GROUP * dim);
        Supplier<float[]> key = () -> random(KV_HEADS * dim);
        try (KvCache cache = cache(dim)) {
            fill(cache, 1200, key);
            chosen(method, cache, q);
            try (KvCache fork = cache.fork()) {
                fill(cache, TOKENS, key);
                var before = chosen(method, cache, q);
                keys.subList(1199, TOKENS).clear();
                values.subList(1199, TOKENS).clear();
                fill(fork, TOKENS, key);
                var own = chosen(method, fork, q);
                assertThat(own).isNotEqualTo(before);
                assertThat(chosen(method, cache, q)).isEqualTo(before);
                cache.truncate(1199);
                fill(cache, TOKENS, key);
                assertThat(chosen(method, cache, q)).isEqualTo(own);

                // Into what the statistics are of: all is made anew, as for a cache that knew nothing else.
                cache.truncate(900);
                fill(cache, TOKENS, key);
                try (KvCache fresh = cache(dim)) {
                    fill(fresh, TOKENS, key);
                    assertThat(chosen(method, cache, q)).isEqualTo(chosen(method, fresh, q));
                }
            }
        }
    }
}
