package dev.lectern.attention;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.Cancellation;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.FloatFormat;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.LayerCache;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which pages Quest reads. */
class QuestTest {
    private static final int DIM = 32;
    private static final int GROUP = 2;
    private static final Heads SHAPE = new Heads(2 * GROUP, 2, DIM, 0);
    private static final int TOKENS = 900;
    private static final int SINKS = 4;
    private static final int WINDOW = 64;
    private static final Cancellation NEVER = new Cancellation();

    private final Random random = new Random(11);
    private final Workers workers = new Workers(2);
    private final ExactAttention exact = new ExactAttention(workers);
    private final List<float[]> keys = new ArrayList<>();
    private final float[] q = random(2 * GROUP * DIM);

    @AfterEach
    void close() {
        workers.close();
    }

    private float[] random(int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = Float.float16ToFloat(Float.floatToFloat16((float) random.nextGaussian()));
        }
        return x;
    }

    /** Stores tokens up to a number, and commits all but the last. */
    private void fill(KvCache cache, int tokens) {
        cache.reserve(tokens - cache.length());
        for (int token = cache.length(); token < tokens; token++) {
            if (keys.size() == token) {
                keys.add(random(2 * DIM));
            }
            cache.put(0, token, keys.get(token), 0, new float[2 * DIM], 0);
        }
        cache.commit(tokens - 1 - cache.length());
    }

    private static KvCache cache() {
        return new KvCache(List.of(new LayerCache(2, DIM, 0, FloatFormat.F32, FloatFormat.F32)));
    }

    private List<TreeSet<Integer>> chosen(String method, KvCache cache) {
        List<TreeSet<Integer>> chosen = new ArrayList<>();
        exact.listen((heads, rows, sets, selections) -> {
            for (int set = 0; set < sets; set++) {
                TreeSet<Integer> ids = new TreeSet<>();
                for (int i = 0; i < selections[set].count(); i++) {
                    ids.add(selections[set].id(i));
                    assertThat(selections[set].logWeight(i)).isZero();
                }
                chosen.add(ids);
            }
        });
        DecodeAttentions.named(method).attend(exact, 0, SHAPE, new KvCache[] {cache}, q, new float[q.length], NEVER);
        exact.listen(null);
        return chosen;
    }

    /** The pages of the highest mean softmax over bounds, computed as the definition says. */
    private TreeSet<Integer> expected(int kvHead, int tokens, int page, int wanted) {
        int pages = (tokens - WINDOW) / page;
        double[] mean = new double[pages];
        for (int head = kvHead * GROUP; head < (kvHead + 1) * GROUP; head++) {
            double[] power = new double[pages];
            double sum = 0;
            for (int i = 0; i < pages; i++) {
                double bound = 0;
                for (int d = 0; d < DIM; d++) {
                    double most = Double.NEGATIVE_INFINITY;
                    for (int t = i * page; t < (i + 1) * page; t++) {
                        most = Math.max(most, (double) q[head * DIM + d] * keys.get(t)[kvHead * DIM + d]);
                    }
                    bound += most;
                }
                power[i] = Math.exp(bound / Math.sqrt(DIM));
                sum += power[i];
            }
            for (int i = 0; i < pages; i++) {
                mean[i] += power[i] / sum;
            }
        }
        TreeSet<Integer> ids = new TreeSet<>();
        IntStream.range(0, pages)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -mean[i]))
                .limit(wanted)
                .forEach(i -> IntStream.range(i * page, (i + 1) * page).forEach(ids::add));
        IntStream.range(0, SINKS).forEach(ids::add);
        IntStream.range(pages * page, tokens).forEach(ids::add);
        return ids;
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 16, 32})
    void readsThePagesOfTheHighestBounds(int page) {
        try (KvCache cache = cache()) {
            fill(cache, TOKENS);
            List<TreeSet<Integer>> chosen = chosen("quest:budget=100:page=" + page, cache);
            int wanted = Math.ceilDiv(100, page);
            assertThat(chosen.get(0)).isEqualTo(expected(0, TOKENS, page, wanted));
            assertThat(chosen.get(1)).isEqualTo(expected(1, TOKENS, page, wanted));
        }
    }

    @Test
    void boundsAreRoundedOutward() {
        Random numbers = new Random(5);
        for (int i = 0; i < 10_000; i++) {
            float x = (float) (numbers.nextGaussian() * Math.pow(10, numbers.nextInt(-9, 5)));
            float low = Float.float16ToFloat(Quest.atMost(x)), high = Float.float16ToFloat(Quest.atLeast(x));
            assertThat(low).isLessThanOrEqualTo(x);
            assertThat(high).isGreaterThanOrEqualTo(x);
            assertThat(Float.float16ToFloat(Float.floatToFloat16(x))).isIn(low, high);
            assertThat(Quest.atMost(low)).isEqualTo(Float.floatToFloat16(low));
            assertThat(Quest.atLeast(high)).isEqualTo(Float.floatToFloat16(high));
        }
    }

    @Test
    void anIndexThatGrowsIsTheSameAsOneMadeAtOnce() {
        String method = "quest:budget=10%";
        try (KvCache grown = cache();
                KvCache fresh = cache()) {
            for (int tokens = 70; tokens <= TOKENS; tokens += 83) {
                fill(grown, tokens);
                chosen(method, grown);
            }
            fill(grown, TOKENS);
            fill(fresh, TOKENS);
            assertThat(chosen(method, grown)).isEqualTo(chosen(method, fresh));
        }
    }

    /** A fork that goes on with other keys, and a cache that is cut back and goes on, see their own keys. */
    @Test
    void forksAndCutsKeepTheirOwn() {
        String method = "quest:budget=10%";
        try (KvCache cache = cache()) {
            fill(cache, 600);
            chosen(method, cache);
            try (KvCache fork = cache.fork()) {
                fill(cache, TOKENS);
                List<TreeSet<Integer>> before = chosen(method, cache);
                List<float[]> all = List.copyOf(keys);
                keys.subList(599, TOKENS).clear();
                fill(fork, TOKENS);
                TreeSet<Integer> expected = expected(0, TOKENS, 16, Math.ceilDiv(84, 16));
                assertThat(chosen(method, fork).getFirst()).isEqualTo(expected);
                assertThat(chosen(method, cache)).isEqualTo(before);
                cache.truncate(599);
                fill(cache, TOKENS);
                assertThat(chosen(method, cache).getFirst()).isEqualTo(expected);
                assertThat(keys).isNotEqualTo(all);
            }
        }
    }
}
