package dev.lectern.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.Cancellation;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.FloatFormat;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormat;
import dev.lectern.kv.KvFormat.Layout;
import dev.lectern.kv.LayerCache;
import dev.lectern.kv.Page;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@link ExactAttention#gather}, over every format and both layouts of keys. Public for {@code EveryWidthTest}. */
public class GatherAttentionTest {
    private static final int TOKENS = 700;

    private final Random random = new Random(11);
    private final Cancellation never = new Cancellation();

    private float[] random(int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    private KvCache cache(Heads heads, KvFormat format, Layout keyLayout) {
        KvCache cache =
                new KvCache(List.of(new LayerCache(heads.kvHeads(), heads.headDim(), 0, format, format, keyLayout)));
        cache.reserve(TOKENS);
        int width = heads.kvHeads() * heads.headDim();
        for (int token = 0; token < TOKENS; token++) {
            cache.put(0, token, random(width), 0, random(width), 0);
        }
        return cache;
    }

    /** The formula in double over what the cache gives back: the output of one query head, and its log-sum-exp at the end. */
    private static double[] expected(Heads heads, KvCache cache, float[] q, int head, Selection chosen) {
        int headDim = heads.headDim(), kvHead = head / heads.group(), width = heads.width();
        double[] out = new double[headDim + 1];
        double sum = 0;
        float[] k = new float[16 * width], v = new float[16 * width];
        for (int i = 0; i < chosen.count(); i++) {
            int token = chosen.id(i), row = token % 16 * width;
            Page page = cache.page(0, token / Page.TOKENS);
            page.keys().rows(kvHead, token % Page.TOKENS / 16, k, 0, width);
            page.values().rows(kvHead, token % Page.TOKENS / 16, v, 0, width);
            double score = 0;
            for (int d = 0; d < headDim; d++) {
                score += (double) q[head * headDim + d] * k[row + d];
            }
            double weight = Math.exp(score / Math.sqrt(headDim) + chosen.logWeight(i));
            sum += weight;
            for (int d = 0; d < headDim; d++) {
                out[d] += weight * v[row + d];
            }
        }
        for (int d = 0; d < headDim; d++) {
            out[d] /= sum;
        }
        out[headDim] = Math.log(sum);
        return out;
    }

    private Selection some() {
        Selection chosen = new Selection();
        for (int id = 0; id < TOKENS; id++) {
            if (id % 16 == 0 && id + 16 <= TOKENS && random.nextInt(4) == 0) {
                chosen.addRun(id, 16, random.nextBoolean() ? 0 : (float) random.nextGaussian());
                id += 15;
            } else if (random.nextInt(3) == 0) {
                chosen.add(id, (float) random.nextGaussian());
            }
        }
        return chosen;
    }

    @ParameterizedTest
    @CsvSource({"9, 3, 64", "14, 2, 64", "4, 2, 20", "5, 1, 128", "2, 2, 8"})
    public void chosenTokensEqualTheFormulaInEveryFormatAndLayout(int heads, int kvHeads, int headDim) {
        Heads shape = new Heads(heads, kvHeads, headDim, 0);
        try (Workers workers = new Workers(2)) {
            ExactAttention exact = new ExactAttention(workers);
            for (FloatFormat format : new FloatFormat[] {FloatFormat.F32, FloatFormat.F16, FloatFormat.BF16}) {
                for (Layout layout : Layout.values()) {
                    try (KvCache cache = cache(shape, format, layout)) {
                        float[] q = random(heads * headDim), out = new float[q.length], lse = new float[heads];
                        Selection[] chosen = new Selection[kvHeads];
                        Arrays.setAll(chosen, i -> some());
                        Segments[] segments = {Segments.of(cache, 0, TOKENS)};
                        exact.gather(shape, 1, kvHeads, q, segments, chosen, out, lse, never);
                        for (int head = 0; head < heads; head++) {
                            double[] expected = expected(shape, cache, q, head, chosen[head / shape.group()]);
                            for (int d = 0; d < headDim; d++) {
                                // f32 sums of some 350 weighted values of about 1, normalised.
                                assertThat((double) out[head * headDim + d]).isCloseTo(expected[d], within(2e-6));
                            }
                            assertThat((double) lse[head]).isCloseTo(expected[headDim], within(1e-5));
                        }
                    }
                }
            }
        }
    }

    @Test
    void allTokensAtWeightOneEqualDenseAttention() {
        Heads shape = new Heads(6, 2, 64, 0);
        try (Workers workers = new Workers(2)) {
            ExactAttention exact = new ExactAttention(workers);
            for (Layout layout : Layout.values()) {
                try (KvCache cache = cache(shape, FloatFormat.F16, layout)) {
                    float[] q = random(6 * 64), dense = new float[q.length], out = new float[q.length];
                    float[] denseLse = new float[6], lse = new float[6];
                    Segments[] segments = {Segments.of(cache, 0, TOKENS)};
                    exact.single(shape, 1, q, new int[] {TOKENS - 1}, segments, dense, denseLse, never);
                    Selection all = new Selection();
                    all.addRun(0, TOKENS, 0);
                    exact.gather(shape, 1, 2, q, segments, new Selection[] {all, all}, out, lse, never);
                    for (int i = 0; i < out.length; i++) {
                        assertThat(out[i]).isCloseTo(dense[i], within(1e-5f));
                    }
                    for (int i = 0; i < 6; i++) {
                        assertThat(lse[i]).isCloseTo(denseLse[i], within(1e-5f));
                    }
                }
            }
        }
    }

    @Test
    void aTokenOfLogWeightLn2CountsTwice() {
        Heads shape = new Heads(2, 1, 64, 0);
        int width = 64;
        float[] k = random(2 * width), v = random(2 * width), q = random(2 * width);
        try (Workers workers = new Workers(1);
                KvCache twice = new KvCache(List.of(new LayerCache(1, width, 0, FloatFormat.F32, FloatFormat.F32)))) {
            twice.reserve(3);
            twice.put(0, 0, k, 0, v, 0);
            twice.put(0, 1, k, width, v, width);
            twice.put(0, 2, k, width, v, width);
            ExactAttention exact = new ExactAttention(workers);
            float[] expected = new float[q.length], out = new float[q.length];
            float[] expectedLse = new float[2], lse = new float[2];
            Segments[] segments = {Segments.of(twice, 0, 3)};
            exact.single(shape, 1, q, new int[] {2}, segments, expected, expectedLse, never);
            Selection chosen = new Selection();
            chosen.add(0, 0);
            chosen.add(2, (float) Math.log(2));
            exact.gather(shape, 1, 1, q, segments, new Selection[] {chosen}, out, lse, never);
            for (int i = 0; i < out.length; i++) {
                assertThat(out[i]).isCloseTo(expected[i], within(1e-6f));
            }
            for (int i = 0; i < 2; i++) {
                assertThat(lse[i]).isCloseTo(expectedLse[i], within(1e-6f));
            }
        }
    }

    @Test
    void theSameBitsWithAnyThreadsAndNeighboursAndNothingForNothing() {
        Heads shape = new Heads(6, 2, 64, 0);
        try (KvCache cache = cache(shape, FloatFormat.F16, Layout.TILE)) {
            Segments segments = Segments.of(cache, 0, TOKENS);
            Selection a = some(), b = some(), empty = new Selection();
            int width = 6 * 64;
            float[] q = random(3 * width), alone = new float[width], together = new float[3 * width];
            float[] lse = new float[18];
            try (Workers workers = new Workers(1)) {
                new ExactAttention(workers)
                        .gather(shape, 1, 2, q, new Segments[] {segments}, new Selection[] {a, b}, alone, null, never);
            }
            try (Workers workers = new Workers(3)) {
                Segments[] three = {segments, segments, segments};
                Selection[] chosen = {a, b, empty, empty, b, empty};
                new ExactAttention(workers).gather(shape, 3, 2, q, three, chosen, together, lse, never);
            }
            assertThat(Arrays.copyOf(together, width)).isEqualTo(alone);
            assertThat(Arrays.copyOfRange(together, width, 2 * width)).containsOnly(0);
            assertThat(lse[6]).isEqualTo(Float.NEGATIVE_INFINITY);
            assertThat(lse[17]).isEqualTo(Float.NEGATIVE_INFINITY);
        }
    }

    @Test
    void aSelectionIsAscending() {
        Selection chosen = new Selection();
        TreeSet<Integer> ids = new TreeSet<>();
        while (ids.size() < 1000) {
            ids.add(random.nextInt(100_000));
        }
        ids.forEach(id -> chosen.add(id, 0));
        assertThat(chosen.count()).isEqualTo(1000);
        assertThat(chosen.id(999)).isEqualTo(ids.last());
        assertThatThrownBy(() -> chosen.add(ids.last(), 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> chosen.addRun(-1, 5, 0)).isInstanceOf(IllegalArgumentException.class);
        chosen.clear();
        chosen.addRun(3, 5, 0);
        assertThat(chosen.id(4)).isEqualTo(7);
    }
}
