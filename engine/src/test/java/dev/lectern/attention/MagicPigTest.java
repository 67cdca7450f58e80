package dev.lectern.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.Cancellation;
import dev.lectern.Traffic;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.FloatFormat;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormat.Layout;
import dev.lectern.kv.LayerCache;
import dev.lectern.options.NamedOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What MagicPIG samples, and how it weighs it. */
class MagicPigTest {
    private static final Cancellation NEVER = new Cancellation();

    private final Random random = new Random(17);
    private final Workers workers = new Workers(2);
    private final ExactAttention exact = new ExactAttention(workers);
    private final List<KvCache> caches = new ArrayList<>();

    @AfterEach
    void close() {
        caches.forEach(KvCache::close);
        workers.close();
    }

    private float[] random(int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    private float[][] rows(int rows, int n) {
        float[][] x = new float[rows][];
        for (int i = 0; i < rows; i++) {
            x[i] = random(n);
        }
        return x;
    }

    private KvCache cache(Heads heads) {
        caches.add(new KvCache(List.of(
                new LayerCache(heads.kvHeads(), heads.headDim(), 0, FloatFormat.F32, FloatFormat.F32, Layout.ROW))));
        return caches.getLast();
    }

    /** Stores tokens up to a number; all but the last are committed, as they are in a step. */
    private static void fill(KvCache cache, float[][] keys, float[][] values, int tokens) {
        cache.reserve(tokens - cache.length());
        for (int token = cache.length(); token < tokens; token++) {
            cache.put(0, token, keys[token], 0, values[token], 0);
        }
        cache.commit(tokens - 1 - cache.length());
    }

    private float[] attended(DecodeAttention method, Heads heads, KvCache cache, float[] q) {
        float[] out = new float[q.length];
        method.attend(exact, 0, heads, new KvCache[] {cache}, q, out, NEVER);
        return out;
    }

    private float[] attended(String method, Heads heads, KvCache cache, float[] q) {
        return attended(DecodeAttentions.named(method), heads, cache, q);
    }

    /** The tokens that each query head looks at. */
    private List<TreeSet<Integer>> chosen(String method, Heads heads, KvCache cache, float[] q) {
        List<TreeSet<Integer>> chosen = new ArrayList<>();
        exact.listen((shape, rows, sets, selections) -> {
            for (int set = 0; set < sets; set++) {
                TreeSet<Integer> ids = new TreeSet<>();
                for (int i = 0; i < selections[set].count(); i++) {
                    ids.add(selections[set].id(i));
                }
                chosen.add(ids);
            }
        });
        attended(method, heads, cache, q);
        exact.listen(null);
        return chosen;
    }

    private static TreeSet<Integer> range(int from, int to) {
        TreeSet<Integer> ids = new TreeSet<>();
        for (int id = from; id < to; id++) {
            ids.add(id);
        }
        return ids;
    }

    // ---- an example that can be followed by hand: 4 dimensions, 3 tables of 2 bits, 6 keys, a window of 2

    private static final float[][] TOY_VECTORS = {
        {1, 0, 1, -1}, {0, 1, -1, 1}, {1, -1, 0, 1}, {1, 1, -1, 0}, {-1, 1, 2, 1}, {2, -1, 1, -2}
    };
    private static final float[][] TOY_KEYS = {
        {2, 0, 1, 0},
        {0, 2, 0, 1},
        {1, 1, -1, 0},
        {-1, 0, 2, 1},
        {0, -1, 1, -2},
        {4, 1, 0, 0},
        {3, 0, 0, 0},
        {0, 0, 0, 3}
    };
    private static final float[][] TOY_VALUES = {
        {1, 0, 0, 0}, {0, 1, 0, 0}, {1, 1, 0, 0}, {-1, 0, 0, 0}, {0, -1, 0, 0}, {2, 2, 0, 0}, {5, 0, 0, 0}, {0, 5, 0, 0}
    };
    private static final float[] TOY_QUERY = {1, -0.5f, 0.25f, -0.25f};
    private static final double[] TOY_MEAN = {1, 0.5, 0.5, 0};
    private static final Heads TOY = new Heads(1, 1, 4, 0);

    @Test
    void codesOfTheExample() {
        SimHash hash = new SimHash(2, 3, TOY_VECTORS);
        int[][] expected = {{1, 1, 2}, {2, 2, 1}, {2, 2, 0}, {0, 0, 1}, {1, 0, 2}, {3, 3, 2}, {1, 3, 2}};
        for (int i = 0; i < expected.length; i++) {
            float[] x = TOY_QUERY.clone(); // the last
            for (int d = 0; d < 4 && i < 6; d++) {
                x[d] = (float) (TOY_KEYS[i][d] - TOY_MEAN[d]);
            }
            long[] words = new long[1];
            hash.hash(x, 0, 1, 0, new float[SimHash.WORD], words, 0, 1);
            for (int table = 0; table < 3; table++) {
                assertThat(hash.code(words, 0, table)).isEqualTo(expected[i][table]);
            }
        }
    }

    @Test
    void probabilitiesOfTheExample() {
        double[] cosines = {.957427, -.854282, -.337100, -.506024, .116775, .726300};
        double[] expected = {.916455, .002694, .062701, .033425, .201849, .612711};
        for (int i = 0; i < 6; i++) {
            assertThat(InclusionTable.probability(cosines[i], 2, 3, 2)).isCloseTo(expected[i], within(2e-6));
        }
    }

    /**
     * What the sampled keys 0, 4 and 5 give, and their log-sum-exp, merged with the window's, all of them computed apart; for eps = 0 the result was computed over the union as well. The numbers
     * have six decimals.
     */
    @ParameterizedTest
    @CsvSource({"1e-12, 1.006196, .432937, 2.653939", "1e-4, 1.006336, .433134, 2.653645"})
    void outputOfTheExample(double eps, double sampled0, double sampled1, double sampledLogSum) {
        NamedOptions options =
                new NamedOptions("Attention method", "magicpig:k=2:l=3:sinks=0:window=2:dense=none:eps=" + eps);
        MagicPig method = new MagicPig(options, (headDim, layer, kvHead) -> new SimHash(2, 3, TOY_VECTORS));
        KvCache cache = cache(TOY);
        fill(cache, TOY_KEYS, TOY_VALUES, 8);
        float[] out = attended(method, TOY, cache, TOY_QUERY);
        double share = 1 / (1 + Math.exp(1.205175 - sampledLogSum));
        assertThat(out[0]).isCloseTo((float) (share * sampled0 + (1 - share) * 4.335179), within(4e-6f));
        assertThat(out[1]).isCloseTo((float) (share * sampled1 + (1 - share) * .664821), within(4e-6f));
        if (eps < 1e-6) {
            assertThat(out[0]).isCloseTo(1.639341f, within(4e-6f));
            assertThat(out[1]).isCloseTo(.477039f, within(4e-6f));
        }
    }

    // ---- which tokens are sampled

    private static final int DIM = 32;
    private static final Heads SHAPE = new Heads(4, 2, DIM, 0);
    private static final int TOKENS = 900;

    /** By the definition: of the tokens from {@code from} to {@code to}, those with the same code as the query in two tables, less the mean of the tokens up to {@code meanEnd}. */
    private static TreeSet<Integer> met(
            float[][] keys, float[] q, int head, boolean shared, int from, int to, int meanEnd) {
        int kvHead = head / SHAPE.group();
        SimHash hash = SimHash.gaussian(6, 30, DIM, 1, 0, shared ? 0 : kvHead);
        return met(hash, keys, kvHead * DIM, Arrays.copyOfRange(q, head * DIM, (head + 1) * DIM), from, to, meanEnd);
    }

    private static TreeSet<Integer> met(
            SimHash hash, float[][] keys, int keyAt, float[] q, int from, int to, int meanEnd) {
        long[] query = words(hash, q);
        TreeSet<Integer> ids = new TreeSet<>();
        double[] mean = new double[q.length];
        for (int d = 0; d < q.length; d++) {
            for (int token = 4; token < meanEnd; token++) {
                mean[d] += keys[token][keyAt + d];
            }
            mean[d] /= meanEnd - 4;
        }
        float[] x = new float[q.length];
        for (int token = from; token < to; token++) {
            for (int d = 0; d < q.length; d++) {
                x[d] = keys[token][keyAt + d] - (float) mean[d];
            }
            long[] key = words(hash, x);
            int met = 0;
            for (int table = 0; table < hash.tables(); table++) {
                met += hash.code(key, 0, table) == hash.code(query, 0, table) ? 1 : 0;
            }
            if (met >= 2) {
                ids.add(token);
            }
        }
        return ids;
    }

    private static long[] words(SimHash hash, float[] x) {
        long[] words = new long[hash.words()];
        for (int word = 0; word < words.length; word++) {
            hash.hash(x, 0, 1, word, new float[SimHash.WORD], words, word, hash.words());
        }
        return words;
    }

    private static TreeSet<Integer> all(TreeSet<Integer> sampled, int windowFrom, int tokens) {
        sampled.addAll(range(0, 4));
        sampled.addAll(range(windowFrom, tokens));
        return sampled;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void samplesWhatMeetsTheQueryInTwoTables(boolean shared) {
        float[][] keys = rows(TOKENS, 2 * DIM);
        KvCache cache = cache(SHAPE);
        fill(cache, keys, keys, TOKENS);
        float[] q = random(4 * DIM);
        String method = "magicpig:k=6:l=30:dense=none:projection=" + (shared ? "shared" : "head");
        Traffic before = exact.traffic();
        List<TreeSet<Integer>> chosen = chosen(method, SHAPE, cache, q);
        long rows = 0;
        for (int head = 0; head < 4; head++) {
            TreeSet<Integer> sampled = met(keys, q, head, shared, 4, TOKENS - 64, TOKENS - 64);
            assertThat(sampled).hasSizeBetween(20, 400);
            rows += sampled.size() + 68;
            assertThat(chosen.get(head)).isEqualTo(all(sampled, TOKENS - 64, TOKENS));
        }
        // Of the index at least the offsets and what makes cosines were read, and no more than all ids.
        long index = exact.traffic().since(before).bytes() - rows * 2 * 4 * DIM;
        assertThat(index).isBetween(4 * 30 * 4 + (rows - 4 * 68) * (4 + 2 * 2), 4L * 30 * (4 + 2 * TOKENS));
    }

    /** A long text is indexed in parts, because ids have 16 bits. */
    @Test
    void tokensBeyondTheFirstPartAreSampledToo() {
        int tokens = 70_000;
        Heads shape = new Heads(1, 1, 4, 0);
        float[][] keys = rows(tokens, 4);
        float[] q = random(4);
        KvCache cache = cache(shape);
        fill(cache, keys, keys, tokens);
        TreeSet<Integer> sampled = met(SimHash.gaussian(10, 6, 4, 1, 0, 0), keys, 0, q, 4, tokens - 64, tokens - 64);
        assertThat(sampled.tailSet(65_600)).hasSizeGreaterThan(20);
        assertThat(chosen("magicpig:k=10:l=6:dense=none", shape, cache, q).getFirst())
                .isEqualTo(all(sampled, tokens - 64, tokens));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void threadsDoNotChangeTheIndex(boolean shared) {
        String method = "magicpig:k=6:l=30:dense=none:projection=" + (shared ? "shared" : "head");
        float[][] keys = rows(TOKENS, 2 * DIM);
        float[] q = random(4 * DIM);
        KvCache one = cache(SHAPE), several = cache(SHAPE);
        fill(one, keys, keys, TOKENS);
        fill(several, keys, keys, TOKENS);
        float[] expected = attended(method, SHAPE, several, q), out = new float[q.length];
        try (Workers alone = new Workers(1)) {
            DecodeAttentions.named(method)
                    .attend(new ExactAttention(alone), 0, SHAPE, new KvCache[] {one}, q, out, NEVER);
        }
        assertThat(out).isEqualTo(expected);
    }

    /** As published: what comes after the index was made is read exactly, and the mean stays. */
    @Test
    void laterTokensAreReadUnlessTheyAreAppended() {
        float[][] keys = rows(TOKENS, 2 * DIM);
        float[] q = random(4 * DIM);
        String once = "magicpig:k=6:l=30:dense=none", appended = once + ":append=50";
        KvCache cache = cache(SHAPE);
        fill(cache, keys, keys, 600);
        chosen(once, SHAPE, cache, q);
        chosen(appended, SHAPE, cache, q);
        fill(cache, keys, keys, TOKENS);
        int indexed = 600 - 64, more = indexed + (TOKENS - 64 - indexed) / 50 * 50;
        for (int head = 0; head < 4; head++) {
            assertThat(chosen(once, SHAPE, cache, q).get(head))
                    .isEqualTo(all(met(keys, q, head, true, 4, indexed, indexed), indexed, TOKENS));
            assertThat(chosen(appended, SHAPE, cache, q).get(head))
                    .isEqualTo(all(met(keys, q, head, true, 4, more, indexed), more, TOKENS));
        }
    }

    /** A fork keeps the index, also when the cache that it comes from is cut; a cut cache makes it again. */
    @Test
    void forksAndCutsKeepTheirOwn() {
        float[][] keys = rows(TOKENS, 2 * DIM), others = keys.clone();
        System.arraycopy(rows(TOKENS, 2 * DIM), 450, others, 450, TOKENS - 450);
        float[] q = random(4 * DIM);
        String method = "magicpig:k=6:l=30:dense=none:append=50";
        KvCache cache = cache(SHAPE);
        fill(cache, keys, keys, 600);
        chosen(method, SHAPE, cache, q);
        long bytes = cache.indexBytes();
        KvCache fork = cache.fork();
        caches.add(fork);
        cache.truncate(599);
        assertThat(cache.indexBytes()).isEqualTo(bytes);
        cache.truncate(450);
        assertThat(cache.indexBytes()).isZero();
        fill(cache, others, others, 700);
        fill(fork, keys, keys, 700);
        for (int head = 0; head < 4; head++) {
            assertThat(chosen(method, SHAPE, cache, q).get(head))
                    .isEqualTo(all(met(others, q, head, true, 4, 636, 636), 636, 700));
            assertThat(chosen(method, SHAPE, fork, q).get(head))
                    .isEqualTo(all(met(keys, q, head, true, 4, 636, 536), 636, 700));
        }
        // What was appended can be cut by itself.
        fork.truncate(599);
        assertThat(fork.indexBytes()).isEqualTo(bytes);
        fork.reserve(1);
        fork.put(0, 599, keys[599], 0, keys[599], 0);
        assertThat(chosen(method, SHAPE, fork, q).getFirst())
                .isEqualTo(all(met(keys, q, 0, true, 4, 536, 536), 536, 600));
    }

    /** A cut within the window leaves the index, whose last tokens are then read with the window. */
    @Test
    void aWindowThatReachesIntoTheIndexIsReadOnce() {
        float[][] keys = rows(600, 2 * DIM);
        float[] q = random(4 * DIM);
        KvCache cache = cache(SHAPE);
        fill(cache, keys, keys, 600);
        String method = "magicpig:k=6:l=30:dense=none";
        chosen(method, SHAPE, cache, q);
        cache.truncate(549);
        cache.reserve(1);
        cache.put(0, 549, keys[549], 0, keys[549], 0);
        assertThat(chosen(method, SHAPE, cache, q).getFirst())
                .isEqualTo(all(met(keys, q, 0, true, 4, 550 - 64, 536), 550 - 64, 550));
    }

    @Test
    void fewerTokensThanTablesAreAllRead() {
        float[][] keys = rows(300, 2 * DIM);
        float[] q = random(4 * DIM);
        KvCache cache = cache(SHAPE);
        fill(cache, keys, keys, 4 + 149 + 64);
        assertThat(chosen("magicpig:dense=none", SHAPE, cache, q).getFirst()).isEqualTo(range(0, 217));
        assertThat(cache.indexBytes()).isZero();
        fill(cache, keys, keys, 4 + 150 + 64);
        assertThat(chosen("magicpig:dense=none", SHAPE, cache, q).getFirst()).hasSizeLessThan(150);
    }

    @ParameterizedTest
    @ValueSource(strings = {"magicpig:k=4:l=10", "magicpig:k=8:l=75", "magicpig"})
    void theIndexTakesWhatIsEstimated(String spec) {
        DecodeAttention method = DecodeAttentions.named(spec + ":dense=none");
        float[][] keys = rows(3000, 2 * DIM);
        KvCache cache = cache(SHAPE);
        fill(cache, keys, keys, 3000);
        attended(method, SHAPE, cache, random(4 * DIM));
        assertThat((double) cache.indexBytes() / method.indexBytes(SHAPE, 3000)).isCloseTo(1, within(0.01));
        assertThat(method.indexBytes(SHAPE, 200_000))
                .isBetween(3L * method.indexBytes(SHAPE, 65_535), 4L * method.indexBytes(SHAPE, 65_535));
    }

    // ---- what comes of it

    private static final Heads ONE = new Heads(1, 1, DIM, 0);

    /** Of keys opposite to the query none is sampled; what is left is the window, to the bit. */
    @Test
    void anEmptySampleLeavesTheWindow() {
        float[] q = random(DIM);
        float[][] keys = rows(500, DIM), values = rows(500, DIM);
        for (int token = 4; token < 436; token++) {
            for (int d = 0; d < DIM; d++) {
                keys[token][d] = -q[d] * (1 + token % 7);
            }
        }
        KvCache cache = cache(ONE);
        fill(cache, keys, values, 500);
        assertThat(attended("magicpig:centre=no:dense=none", ONE, cache, q))
                .isEqualTo(attended("window", ONE, cache, q));
    }

    /**
     * Whatever is added to all keys, the same tokens are sampled, with the same weights. All numbers here are multiples of a power of two, so that the mean is exact; without centring hardly any token is
     * sampled once keys turn away from the query.
     */
    @Test
    void centringMakesUpForAnOffset() {
        int tokens = 4 + 1024 + 64;
        float[] q = new float[DIM];
        float[][] keys = new float[tokens][DIM], moved = new float[tokens][DIM];
        for (int d = 0; d < DIM; d++) {
            q[d] = random.nextBoolean() ? 1 : -1;
        }
        for (int token = 0; token < tokens; token++) {
            for (int d = 0; d < DIM; d++) {
                keys[token][d] = Math.round(16 * random.nextGaussian()) / 16f;
                moved[token][d] = keys[token][d] - 0.5f * q[d];
            }
        }
        KvCache plain = cache(ONE), offset = cache(ONE);
        fill(plain, keys, keys, tokens);
        fill(offset, moved, keys, tokens);
        String method = "magicpig:k=8:l=75:dense=none";
        TreeSet<Integer> sampled = chosen(method, ONE, plain, q).getFirst();
        assertThat(sampled.size()).isBetween(68 + 20, 68 + 300);
        assertThat(chosen(method, ONE, offset, q).getFirst()).isEqualTo(sampled);
        float[] expected = attended(method, ONE, plain, q), out = attended(method, ONE, offset, q);
        for (int d = 0; d < DIM; d++) {
            assertThat(out[d]).isCloseTo(expected[d], within(2e-5f));
        }
        assertThat(chosen(method + ":centre=no", ONE, offset, q).getFirst()).hasSizeLessThan(68 + sampled.size() / 10);
    }

    /**
     * The sum of the sampled tokens' weights is that of all, on average over projections: within 4 standard errors; and it is not where the correction is left out. The window is one token of a known
     * weight and value 0, the others have value 1, so the output tells the sum.
     */
    @Test
    void theDenominatorIsUnbiasedAndWithoutCorrectionIsNot() {
        int tokens = 513, seeds = 500;
        float[] q = random(DIM);
        float[][] keys = rows(tokens, DIM), values = new float[tokens][DIM];
        double norm = 0;
        for (float x : q) {
            norm += (double) x * x;
        }
        double window = Math.log(tokens) * Math.sqrt(DIM);
        for (int d = 0; d < DIM; d++) {
            keys[tokens - 1][d] = (float) (q[d] * window / norm);
        }
        double all = 0, ofWindow = 0;
        for (int token = 0; token < tokens; token++) {
            double score = 0;
            for (int d = 0; d < DIM; d++) {
                score += (double) q[d] * keys[token][d];
                values[token][d] = token < tokens - 1 ? 1 : 0;
            }
            double weight = Math.exp(score / Math.sqrt(DIM));
            all += token < tokens - 1 ? weight : 0;
            ofWindow += token < tokens - 1 ? 0 : weight;
        }
        KvCache cache = cache(ONE);
        fill(cache, keys, values, tokens);
        for (String correct : List.of("yes", "no")) {
            double sum = 0, squares = 0;
            for (int seed = 0; seed < seeds; seed++) {
                float[] out = attended(
                        "magicpig:k=6:l=40:eps=1e-9:sinks=0:window=1:dense=none:correct=" + correct + ":seed=" + seed,
                        ONE,
                        cache,
                        q);
                double ratio = out[0] / (1.0 - out[0]) * ofWindow / all;
                sum += ratio;
                squares += ratio * ratio;
            }
            double mean = sum / seeds, error = Math.sqrt((squares / seeds - mean * mean) / seeds);
            if (correct.equals("yes")) {
                assertThat(mean).isCloseTo(1, within(4 * error));
                assertThat(error).isLessThan(0.05);
            } else {
                assertThat(mean).isLessThan(1 - 20 * error);
            }
        }
    }

    /** With more tables more is sampled, and the output comes nearer to that of all tokens, until it is the same. */
    @Test
    void theOutputTendsToTheExactOneAsTablesAreAdded() {
        int heads = 8, tokens = 4096 + 68;
        Heads shape = new Heads(heads, 1, 64, 0);
        float[] q = random(heads * 64);
        for (int i = 0; i < q.length; i++) {
            q[i] *= 1.5f; // the standard deviation of scores
        }
        float[][] keys = rows(tokens, 64), values = new float[tokens][64];
        for (int token = 0; token < tokens; token++) {
            for (int d = 0; d < 64; d++) {
                values[token][d] = keys[token][d] + 0.5f;
            }
        }
        KvCache cache = cache(shape);
        fill(cache, keys, values, tokens);
        float[] dense = attended("dense", shape, cache, q);
        double errorBefore = Double.POSITIVE_INFINITY, shareBefore = 0;
        for (int tables : new int[] {10, 40, 160, 640, 1280}) {
            Traffic before = exact.traffic();
            float[] out = attended("magicpig:k=6:l=" + tables + ":dense=none", shape, cache, q);
            double share = exact.traffic().since(before).density(), error = 0;
            for (int head = 0; head < heads; head++) {
                double difference = 0, norm = 0;
                for (int i = head * 64; i < (head + 1) * 64; i++) {
                    difference += Math.pow(out[i] - dense[i], 2);
                    norm += Math.pow(dense[i], 2);
                }
                error += Math.sqrt(difference / norm) / heads;
            }
            assertThat(error).isLessThan(errorBefore);
            assertThat(share).isGreaterThan(shareBefore);
            errorBefore = error;
            shareBefore = share;
        }
        assertThat(errorBefore).isLessThan(1e-3);
        assertThat(shareBefore).isGreaterThan(0.99);
    }

    /** Tokens beyond a model's own window are not looked at, whether they are indexed or not. */
    @Test
    void aModelsWindowIsKept() {
        Heads shape = new Heads(4, 2, DIM, 400);
        float[][] keys = rows(TOKENS, 2 * DIM);
        KvCache cache = cache(shape);
        float[] q = random(4 * DIM);
        fill(cache, keys, keys, 600);
        String method = "magicpig:k=6:l=30:dense=none";
        assertThat(chosen(method, shape, cache, q).getFirst().first()).isEqualTo(200);
        fill(cache, keys, keys, TOKENS);
        TreeSet<Integer> chosen = chosen(method, shape, cache, q).getFirst();
        assertThat(chosen.first()).isEqualTo(500);
        assertThat(chosen).containsAll(range(536, TOKENS)).hasSizeLessThan(399);
    }
}
