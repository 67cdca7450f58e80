package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.generate.Sampler;
import dev.lectern.kv.FloatFormat;
import dev.lectern.kv.KvFormat;
import dev.lectern.prefill.Sequence;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What the formats of the cache cost on real models: the divergence KL(p‖q) of the next token's distribution, p with an f32 cache and q with
 * the format's, over a text of a thousand tokens that is read through the cache.
 */
class KvFormatsIT {
    private static final int TOKENS = 1000;
    private static final int CHUNK = 50;

    /** Divergences of one format from f32. */
    private static final class Divergence {
        final List<Double> kl = new ArrayList<>();
        int sameTop1;

        double mean() {
            return kl.stream().mapToDouble(x -> x).average().orElseThrow();
        }

        @Override
        public String toString() {
            double[] sorted = kl.stream().mapToDouble(x -> x).sorted().toArray();
            return String.format(
                    Locale.ROOT,
                    "mean KL %.3g, 99 %% below %.3g, worst %.3g, same top-1 %.2f %%",
                    mean(),
                    sorted[sorted.length * 99 / 100],
                    sorted[sorted.length - 1],
                    100.0 * sameTop1 / sorted.length);
        }
    }

    /** f16 is the default of sessions because of this. */
    @ParameterizedTest
    @EnumSource
    void f16IsNearerToF32ThanBf16Is(RealModelsOracleIT.Published published) throws IOException {
        Path path = published.path();
        String text = Files.readString(Path.of("src/test/resources/golden/long.txt"));
        Divergence f16 = new Divergence(), bf16 = new Divergence();
        try (BareModel model = new BareModel(path, 2);
                Sequence exact = model.sequence(FloatFormat.F32);
                Sequence half = model.sequence(FloatFormat.F16);
                Sequence brain = model.sequence(FloatFormat.BF16)) {
            int[] ids = model.tokenize(text);
            for (int from = 0; from < TOKENS; from += CHUNK) {
                int[] part = Arrays.copyOfRange(ids, from, from + CHUNK);
                float[] expected = rows(model, exact, part);
                compare(model, half, part, expected, f16);
                compare(model, brain, part, expected, bf16);
            }
        }
        for (KvFormat format : List.of(FloatFormat.F16, FloatFormat.BF16)) {
            System.out.printf("%s, %s: %s%n", published, format.name(), format == FloatFormat.F16 ? f16 : bf16);
        }
        assertThat(f16.mean()).isLessThan(bf16.mean());
        // A tenth of what fast decoding may cost.
        assertThat(f16.mean()).isLessThan(1e-4);
    }

    private static float[] rows(BareModel model, Sequence sequence, int[] tokens) {
        float[] all = new float[tokens.length * model.config().vocabulary()];
        model.read(
                sequence, tokens, CHUNK, (first, rows, logits, at) -> System.arraycopy(logits, at, all, 0, all.length));
        return all;
    }

    private static void compare(BareModel model, Sequence sequence, int[] tokens, float[] expected, Divergence into) {
        int vocabulary = model.config().vocabulary();
        float[] actual = rows(model, sequence, tokens);
        for (int row = 0; row < tokens.length; row++) {
            int at = row * vocabulary;
            double p = logSumExp(expected, at, vocabulary), q = logSumExp(actual, at, vocabulary), kl = 0;
            for (int i = at; i < at + vocabulary; i++) {
                double logP = expected[i] - p;
                kl += Math.exp(logP) * (logP - (actual[i] - q));
            }
            into.kl.add(kl);
            boolean same = Sampler.likeliest(expected, at, vocabulary) == Sampler.likeliest(actual, at, vocabulary);
            into.sameTop1 += same ? 1 : 0;
        }
    }

    static double logSumExp(float[] logits, int at, int count) {
        double max = logits[at + Sampler.likeliest(logits, at, count)], sum = 0;
        for (int i = 0; i < count; i++) {
            sum += Math.exp(logits[at + i] - max);
        }
        return max + Math.log(sum);
    }
}
