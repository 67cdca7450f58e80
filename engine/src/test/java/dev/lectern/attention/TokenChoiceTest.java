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
import dev.lectern.kv.Page;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the methods choose of one query head's tokens, and what comes of it. */
class TokenChoiceTest {
    private static final int TOKENS = 600;
    private static final int DIM = 64;
    private static final Heads SHAPE = new Heads(1, 1, DIM, 0);
    private static final Cancellation NEVER = new Cancellation();

    private final Random random = new Random(3);
    private final Workers workers = new Workers(1);
    private final ExactAttention exact = new ExactAttention(workers);
    private final KvCache cache = new KvCache(List.of(new LayerCache(1, DIM, 0, FloatFormat.F32, FloatFormat.F32)));
    private final float[] q = random(DIM);

    TokenChoiceTest() {
        cache.reserve(TOKENS);
        for (int token = 0; token < TOKENS; token++) {
            cache.put(0, token, random(DIM), 0, random(DIM), 0);
        }
        cache.commit(TOKENS - 1);
    }

    @AfterEach
    void close() {
        cache.close();
        workers.close();
    }

    private float[] random(int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    private float[] attended(String method) {
        float[] out = new float[DIM];
        DecodeAttentions.named(method).attend(exact, 0, SHAPE, new KvCache[] {cache}, q, out, NEVER);
        return out;
    }

    /** The tokens that a method looks at, each with its log-weight. */
    private TreeMap<Integer, Float> chosen(String method) {
        TreeMap<Integer, Float> chosen = new TreeMap<>();
        exact.listen((heads, rows, sets, selections) -> {
            for (int i = 0; i < selections[0].count(); i++) {
                chosen.put(selections[0].id(i), selections[0].logWeight(i));
            }
        });
        attended(method);
        exact.listen(null);
        return chosen;
    }

    /** The softmax over all tokens, in double. */
    private double[] weights() {
        double[] weights = new double[TOKENS];
        float[] rows = new float[16 * DIM];
        double sum = 0;
        for (int token = 0; token < TOKENS; token++) {
            Page page = cache.page(0, token / Page.TOKENS);
            page.keys().rows(0, token % Page.TOKENS / 16, rows, 0, DIM);
            double score = 0;
            for (int d = 0; d < DIM; d++) {
                score += (double) q[d] * rows[token % 16 * DIM + d];
            }
            weights[token] = Math.exp(score / Math.sqrt(DIM));
            sum += weights[token];
        }
        for (int token = 0; token < TOKENS; token++) {
            weights[token] /= sum;
        }
        return weights;
    }

    @Test
    void topKTakesTheHeaviestOfTheMiddle() {
        double[] weights = weights();
        TreeMap<Integer, Float> chosen = chosen("topk:budget=30:sinks=3:window=20");
        assertThat(chosen)
                .hasSize(53)
                .allSatisfy((token, logWeight) -> assertThat(logWeight).isZero());
        assertThat(chosen).containsKeys(0, 1, 2, TOKENS - 20, TOKENS - 1);
        double lightest = chosen.keySet().stream()
                .filter(token -> token >= 3 && token < TOKENS - 20)
                .mapToDouble(token -> weights[token])
                .min()
                .orElseThrow();
        for (int token = 3; token < TOKENS - 20; token++) {
            if (!chosen.containsKey(token)) {
                assertThat(weights[token]).isLessThanOrEqualTo(lightest);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.3, 0.9, 0.99})
    void topPTakesAsFewAsHaveTheShare(double p) {
        double[] weights = weights();
        TreeMap<Integer, Float> chosen = chosen("topp:p=" + p + ":sinks=3:window=20");
        double mass =
                chosen.keySet().stream().mapToDouble(token -> weights[token]).sum();
        double lightest = chosen.keySet().stream()
                .filter(token -> token >= 3 && token < TOKENS - 20)
                .mapToDouble(token -> weights[token])
                .min()
                .orElseThrow();
        assertThat(mass).isGreaterThanOrEqualTo(p - 1e-6);
        assertThat(mass - lightest).isLessThan(p);
    }

    /** A host that shares a text and has nothing of what follows it draws anew for each token all the same. */
    @ParameterizedTest
    @ValueSource(strings = {"uniform:budget=30", "oracle-sampling:budget=30", "pps:budget=30"})
    void aPartOfATextIsDrawnFromAnewForEveryToken(String method) {
        TreeMap<Integer, Float> alone = chosen(method);
        cache.commit(1);
        cache.goOnAt(5 * TOKENS, true);
        TreeMap<Integer, Float> first = chosen(method);
        cache.commit(1);
        TreeMap<Integer, Float> second = chosen(method);
        assertThat(first).isNotEqualTo(second).isNotEqualTo(alone);
        cache.truncateTo(5 * TOKENS);
        assertThat(chosen(method)).isEqualTo(first);
    }

    /** The mean over many seeds is the exact output: within 4 standard errors in each of the 64 coordinates. */
    @ParameterizedTest
    @ValueSource(strings = {"oracle-sampling:budget=40", "oracle-sampling:budget=3:sinks=0:window=1"})
    void oracleSamplingIsUnbiased(String method) {
        int seeds = 2000;
        float[] dense = attended("dense");
        double[] sum = new double[DIM], squares = new double[DIM];
        for (int seed = 0; seed < seeds; seed++) {
            float[] out = attended(method + ":seed=" + seed);
            for (int d = 0; d < DIM; d++) {
                sum[d] += out[d];
                squares[d] += out[d] * (double) out[d];
            }
        }
        for (int d = 0; d < DIM; d++) {
            double mean = sum[d] / seeds, variance = squares[d] / seeds - mean * mean;
            assertThat(mean).isCloseTo(dense[d], within(4 * Math.sqrt(variance / seeds)));
        }
    }

    /** A uniform sample stands for all: the mean of its total weights over seeds is that of all tokens. */
    @Test
    void uniformWeightsAddUpToAllTokens() {
        double expected = TOKENS;
        for (int seed = 0; seed < 20; seed++) {
            double sum = chosen("uniform:budget=7%:seed=" + seed).values().stream()
                    .mapToDouble(Math::exp)
                    .sum();
            assertThat(sum).isCloseTo(expected, within(1e-3));
        }
        assertThat(chosen("uniform:budget=50:seed=1")).isNotEqualTo(chosen("uniform:budget=50:seed=2"));
    }

    /** Every token is drawn as often as another: counts of 400 draws of 10 % within 5 standard deviations. */
    @Test
    void uniformDrawsEveryTokenAlike() {
        int[] counts = new int[TOKENS];
        int seeds = 400;
        for (int seed = 0; seed < seeds; seed++) {
            chosen("uniform:budget=10%:sinks=0:window=1:seed=" + seed).keySet().forEach(token -> counts[token]++);
        }
        for (int token = 0; token < TOKENS - 1; token++) {
            assertThat(counts[token]).isBetween(40 - 30, 40 + 30);
        }
    }

    @ParameterizedTest
    @CsvSource({"topk", "oracle-sampling", "uniform"})
    void errorsFallAsTheBudgetGrows(String method) {
        float[] dense = attended("dense");
        double before = Double.POSITIVE_INFINITY;
        for (String budget : List.of("2%", "10%", "50%", "100%")) {
            double error = 0;
            for (int seed = 0; seed < 20; seed++) {
                String spec = method + ":budget=" + budget + (method.equals("topk") ? "" : ":seed=" + seed);
                float[] out = attended(spec);
                for (int d = 0; d < DIM; d++) {
                    error += Math.pow(out[d] - dense[d], 2);
                }
            }
            assertThat(error).isLessThan(before);
            before = error;
        }
        assertThat(before).isLessThan(1e-8);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "topq | there are dense, window, topk, topp, oracle-sampling, uniform, quest, loki, magicpig, pps",
                "topk:budget=0 | budget is 0",
                "topk:budget=1.5 | budget is 1.5",
                "topk:budget=101% | budget is 101%",
                "topk:budget=x% | budget is x%",
                "topk:k=5 | no option \"k\"; it takes budget, sinks, window, dense",
                "topk:budget=1%:budget=2% | \"budget=2%\"",
                "topk:budget | \"budget\"",
                "topp:p=0 | p is 0",
                "topp:p=1.1 | p is 1.1",
                "dense:x=1 | it takes no options",
                "uniform:sinks=-1 | sinks is -1",
                "uniform:window=0 | window is 0",
                "uniform:dense=0+x | dense is 0+x, but it takes layers",
                "quest:page=12 | page is 12, but it takes a power of two",
                "magicpig:k=17 | k is 17",
                "magicpig:l=2:hits=3 | hits is 3, but there are 2 tables",
                "magicpig:eps=0 | eps is 0",
                "magicpig:centre=maybe | centre is maybe, but it takes yes or no",
                "magicpig:projection=layer | projection is layer, but it takes shared or head",
                "pps:bits=3 | bits is 3",
                "pps:heavy=0 | heavy is 0",
                "pps:floor=2 | floor is 2"
            })
    void whatAMethodDoesNotTakeIsSaid(String spec, String sentence) {
        assertThatThrownBy(() -> DecodeAttentions.named(spec))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining(sentence);
    }
}
