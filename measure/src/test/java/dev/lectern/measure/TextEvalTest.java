package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@link PerplexityEval} and {@link DivergenceEval} on a tiny model. */
class TextEvalTest {
    private static final BenchModel MODEL =
            new BenchModel("qwen2", Path.of("../engine/src/test/resources/tiny/qwen2"), Optional.empty());
    private static final ModelOptions STRETCHED =
            ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=32");
    private static final String TEXT = "The ferry left at noon, and nobody saw it come back. ".repeat(40);

    private static PerplexityResult perplexity(TextOptions options) {
        return PerplexityEval.run(MODEL, STRETCHED, options, TEXT, Progress.NONE, new Cancellation());
    }

    private static DivergenceResult divergence(TextOptions options) {
        return DivergenceEval.run(MODEL, STRETCHED, options, TEXT, Progress.NONE, new Cancellation());
    }

    /** Both compute the same with f32; the orders of summation differ. */
    @Test
    void throughAnExactCacheItIsThatOfPrefill() {
        TextOptions options = TextOptions.DEFAULT.withKv("f32").withTokens(300);
        PerplexityResult decoded = perplexity(options);
        PerplexityResult read = perplexity(options.withMode(TextOptions.Mode.PREFILL));
        assertThat(decoded.perplexity()).isCloseTo(read.perplexity(), withinPercentage(1e-3));
        assertThat(decoded.logProbs()).hasSize(299).hasSameSizeAs(read.logProbs());
        for (int i = 0; i < decoded.logProbs().size(); i++) {
            assertThat(decoded.logProbs().get(i))
                    .as("token %d", i + 1)
                    .isCloseTo(read.logProbs().get(i), within(1e-4));
        }
    }

    /** A perplexity through a cache and a method is that of an answer which goes through them: token by token, in sessions of their own. */
    @ParameterizedTest
    @CsvSource({
        "f32, dense", "f16, dense", "bf16, dense", "'k=f32,v=bf16', dense",
        "f16, topk:budget=10", "f16, topp:p=0.8", "f16, oracle-sampling:budget=20", "bf16, uniform:budget=20"
    })
    void throughACacheItIsThatOfTokenByTokenDecoding(String kv, String attention) {
        TextOptions options =
                TextOptions.DEFAULT.withKv(kv).withAttention(attention).withTokens(300);
        List<Double> logProbs = perplexity(options).logProbs();
        try (Model model = MODEL.open(STRETCHED);
                Session session = model.newSession(
                        SessionOptions.DEFAULT.withContext(300).withKv(kv).withAttention(attention))) {
            int[] tokens = Arrays.copyOf(model.tokenize(TEXT), 300);
            for (int i = 0; i + 1 < tokens.length; i++) {
                session.read(new int[] {tokens[i]}, Progress.NONE, new Cancellation());
                assertThat(logProbs.get(i))
                        .as("token %d", i + 1)
                        .isCloseTo(LogProbs.of(session.logits(), tokens[i + 1]), within(1e-4));
            }
        }
    }

    @Test
    void aMethodThatReadsLessDiverges() {
        TextOptions options = TextOptions.DEFAULT.withTokens(200);
        double window = divergence(options.withAttention("topk:budget=1:window=1:sinks=1"))
                .mean();
        assertThat(window).isGreaterThan(100 * divergence(options).mean());
    }

    @Test
    void perplexityIsTheExponentialOfTheMean() {
        Evaluated nothing = new Evaluated("m", "0", 1, Provenance.here("lectern eval"));
        List<Double> logProbs = List.of(Math.log(0.5), Math.log(0.125));
        assertThat(new PerplexityResult(nothing, TextOptions.DEFAULT, logProbs).perplexity())
                .isCloseTo(4, within(1e-12));
    }

    @Test
    void aModelDoesNotDivergeFromItself() {
        DivergenceResult result = divergence(TextOptions.DEFAULT.withKv("f32").withTokens(100));
        assertThat(result.divergences()).hasSize(100).allMatch(kl -> kl < 1e-12);
        assertThat(result.sameTop1()).isOne();
        assertThat(result.firstDifferent()).isEmpty();
    }

    @Test
    void fewerBitsDivergeMore() {
        double f16 =
                divergence(TextOptions.DEFAULT.withKv("f16").withTokens(200)).mean();
        double bf16 =
                divergence(TextOptions.DEFAULT.withKv("bf16").withTokens(200)).mean();
        assertThat(f16).isPositive();
        assertThat(bf16).isGreaterThan(4 * f16); // three bits less, and the divergence goes with their square
    }

    @Test
    void divergenceIsThatOfItsFormula() {
        float[] even = {1, 1}, uneven = {(float) Math.log(3), 0};
        // 0.5 ln(0.5 / 0.75) + 0.5 ln(0.5 / 0.25)
        assertThat(LogProbs.divergence(even, uneven)).isCloseTo(0.143841036, within(1e-7));
        assertThat(LogProbs.divergence(uneven, uneven)).isZero();
    }

    @Test
    void aTextThatIsTooShortOrTooLongIsSaid() {
        assertThatThrownBy(() -> perplexity(TextOptions.DEFAULT.withTokens(100_000)))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("--tokens");
        assertThatThrownBy(() -> PerplexityEval.run(
                        MODEL, ModelOptions.DEFAULT, TextOptions.DEFAULT, TEXT, Progress.NONE, new Cancellation()))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("holds 128")
                .hasMessageContaining("--tokens 128");
        assertThatThrownBy(() -> TextOptions.DEFAULT.withTokens(1)).isInstanceOf(LecternException.class);
    }
}
