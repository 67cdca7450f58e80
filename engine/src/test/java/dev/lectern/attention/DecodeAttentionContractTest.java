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
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The laws of {@link DecodeAttention}, for every method. */
class DecodeAttentionContractTest {
    private static final Heads SHAPE = new Heads(6, 2, 64, 0);
    private static final int WIDTH = 2 * 64;
    private static final Cancellation NEVER = new Cancellation();

    /** Every method, with less than everything to read. */
    static List<String> someOfEach() {
        return List.of(
                "dense",
                "window",
                "topk:budget=5%",
                "topk:budget=5%:dense=1+3",
                "topp:p=0.5",
                "oracle-sampling:budget=50",
                "uniform:budget=10%",
                "quest:budget=10%",
                "quest:budget=10%:page=8",
                "loki:budget=10%:dims=0.3",
                "magicpig:k=4:l=20:dense=none",
                "magicpig:k=6:l=30:hits=1:correct=no:projection=head:append=16:dense=none",
                "pps:budget=10%",
                "pps:budget=10%:bits=2",
                "pps:bytes=30%",
                "pps:bytes=20000:bits=2",
                "pps:budget=2%:error=0.2");
    }

    private final Random random = new Random(5);

    private float[] random(int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    /** A cache of committed tokens and one that is stored only, as in a step. */
    private KvCache cache(int tokens, int window, Layout layout) {
        KvCache cache = new KvCache(List.of(new LayerCache(2, 64, window, FloatFormat.F16, FloatFormat.F16, layout)));
        cache.reserve(tokens);
        for (int token = 0; token < tokens; token++) {
            cache.put(0, token, random(WIDTH), 0, random(WIDTH), 0);
        }
        cache.commit(tokens - 1);
        return cache;
    }

    private static float[] attended(String method, Heads heads, int threads, float[] q, KvCache... caches) {
        try (Workers workers = new Workers(threads)) {
            float[] out = new float[q.length];
            DecodeAttentions.named(method).attend(new ExactAttention(workers), 0, heads, caches, q, out, NEVER);
            return out;
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "dense",
                "topk:budget=100%",
                "topk:budget=100000:sinks=0:window=1",
                "topp:p=1",
                "oracle-sampling:budget=100%",
                "uniform:budget=100%",
                "uniform:window=1000",
                "window:window=1000",
                "window:window=1:dense=0",
                "quest:budget=100%",
                "loki:budget=100%",
                "quest:budget=100%:page=8:sinks=0:window=1",
                // One bit is the same in two of 100 tables for all keys that there are, and u is 1 to the last bit.
                "magicpig:k=1:l=100:eps=1e-9:dense=none",
                "magicpig:k=1:l=100:centre=no:correct=no:dense=none:sinks=0:window=1",
                "pps:budget=100%",
                "pps:budget=100000:bits=2:sinks=0:window=1",
                "pps:bytes=100%",
                "pps:budget=100%:error=0.5",
                // Nothing but everything keeps to such a bound.
                "pps:budget=1%:error=1e-9"
            })
    void aBudgetOfEverythingEqualsDense(String method) {
        for (Layout layout : Layout.values()) {
            for (int window : new int[] {0, 300}) {
                Heads heads = new Heads(6, 2, 64, window);
                for (int tokens : new int[] {1, 5, 64, 68, 69, 256, 257, 700}) {
                    try (KvCache cache = cache(tokens, window, layout)) {
                        float[] q = random(6 * 64);
                        float[] dense = attended("dense", heads, 1, q, cache);
                        float[] out = attended(method, heads, 1, q, cache);
                        for (int i = 0; i < out.length; i++) {
                            assertThat(out[i]).isCloseTo(dense[i], within(1e-5f));
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("someOfEach")
    void neitherThreadsNorOtherRowsChangeAResult(String method) {
        try (KvCache a = cache(700, 0, Layout.TILE);
                KvCache b = cache(300, 0, Layout.TILE);
                KvCache c = cache(30, 0, Layout.TILE)) {
            float[] q = random(3 * 6 * 64);
            float[] together = attended(method, SHAPE, 2, q, a, b, c);
            assertThat(attended(method, SHAPE, 1, q, a, b, c)).isEqualTo(together);
            KvCache[] caches = {a, b, c};
            for (int row = 0; row < 3; row++) {
                float[] own = Arrays.copyOfRange(q, row * 6 * 64, (row + 1) * 6 * 64);
                assertThat(attended(method, SHAPE, 1, own, caches[row]))
                        .isEqualTo(Arrays.copyOfRange(together, row * 6 * 64, (row + 1) * 6 * 64));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("someOfEach")
    void nameTellsAllOptions(String method) {
        String name = DecodeAttentions.named(method).name();
        assertThat(name).startsWith(method.split(":")[0]);
        assertThat(DecodeAttentions.named(name).name()).isEqualTo(name);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 300})
    void trafficCountsWhatWasRead(int window) {
        Heads heads = new Heads(6, 2, 64, window);
        int visible = window == 0 ? 700 : window, side = 64 * 2;
        try (Workers workers = new Workers(1);
                KvCache cache = cache(700, window, Layout.TILE)) {
            ExactAttention exact = new ExactAttention(workers);
            float[] q = random(6 * 64), out = new float[q.length];
            DecodeAttentions.named("dense").attend(exact, 0, heads, new KvCache[] {cache}, q, out, NEVER);
            Traffic dense = exact.traffic();
            assertThat(dense)
                    .isEqualTo(new Traffic(visible * 2L * 2 * side, visible * 6L, visible * 6L, Traffic.Bounded.NONE));
            assertThat(dense.density()).isEqualTo(1);
            DecodeAttentions.named("topk:budget=10:sinks=2:window=8")
                    .attend(exact, 0, heads, new KvCache[] {cache}, q, out, NEVER);
            Traffic topk = exact.traffic().since(dense);
            // All keys, and keys and values of 20 tokens for each of 6 heads.
            long bytes = visible * 2L * side + 6L * 20 * 2 * side;
            assertThat(topk).isEqualTo(new Traffic(bytes, 6 * 20, visible * 6L, Traffic.Bounded.NONE));
            assertThat(topk.density()).isCloseTo(20.0 / visible, within(1e-12));
        }
    }
}
