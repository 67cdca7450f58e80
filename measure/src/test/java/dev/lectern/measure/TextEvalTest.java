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
import dev.lectern.json.Json;
import java.nio.charset.StandardCharsets;
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

    private static DivergenceResult divergence(DivergenceOptions options) {
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

    @Test
    void whatIsReadInChunksIsSaidToHaveGoneThroughNoMethod() {
        TextOptions options = TextOptions.DEFAULT.withTokens(40).withAttention("topk:budget=2");
        assertThat(method(perplexity(options))).isEqualTo("topk:budget=2");
        PerplexityResult read = perplexity(options.withMode(TextOptions.Mode.PREFILL));
        assertThat(method(read)).isEqualTo("dense");
        assertThat(read.table()).contains("dense attention").doesNotContain("topk");
    }

    private static String method(PerplexityResult result) {
        JsonFields json = JsonFields.of(Json.parse(result.toJson().getBytes(StandardCharsets.UTF_8)));
        return json.objects("results").getFirst().text("method");
    }

    /** A perplexity through a cache and a method is that of an answer which goes through them: token by token, in sessions of their own. */
    @ParameterizedTest
    @CsvSource({
        "f32, dense",
        "f16, dense",
        "bf16, dense",
        "'k=f32,v=bf16', dense",
        "int8:window=0, dense",
        "chl-4:window=16, dense",
        "'k=chl-8,v=chl-4:window=0', dense",
        "chl-6:window=0, dense",
        "chl-5:window=0, dense",
        "chl-3:window=0, dense",
        "chl-2:window=0, dense",
        "chl-8, dense",
        "kivi-4:group=16:residual=32, dense",
        "kivi-2:group=16:residual=32, dense",
        "hf-int8:group=16:residual=32, dense",
        "hf-int4:group=16, dense",
        "hf-int2:group=16:residual=1, dense",
        "int8:window=0, topk:budget=10",
        "chl-4:window=0, oracle-sampling:budget=20",
        "f16, topk:budget=10",
        "f16, topp:p=0.8",
        "f16, oracle-sampling:budget=20",
        "bf16, uniform:budget=20"
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
        DivergenceOptions options = DivergenceOptions.DEFAULT.withTokens(200);
        double window = divergence(options.withAttention("topk:budget=1:window=1:sinks=1"))
                .rows()
                .getFirst()
                .mean();
        assertThat(window)
                .isGreaterThan(100 * divergence(options).rows().getFirst().mean());
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
        DivergenceResult result =
                divergence(DivergenceOptions.DEFAULT.withKvs(List.of("f32")).withTokens(100));
        DivergenceResult.Row row = result.rows().getFirst();
        assertThat(row.divergences()).hasSize(100).allMatch(kl -> kl < 1e-12);
        assertThat(row.sameTop1()).isOne();
        assertThat(row.firstDifferent()).isEmpty();
        assertThat(row.logProbs()).isEqualTo(result.logProbs());
    }

    @Test
    void continuationsOfATextThatFillsTheContextAreNotSaidToBeTheSame() {
        DivergenceOptions options = DivergenceOptions.DEFAULT.withKvs(List.of("f32"));
        DivergenceResult full = DivergenceEval.run(
                MODEL,
                ModelOptions.DEFAULT.withThreads(1),
                options.withTokens(128),
                TEXT,
                Progress.NONE,
                new Cancellation());
        assertThat(full.continued()).isZero();
        assertThat(full.table()).contains("–").doesNotContain("the same");
        assertThat(full.toJson()).contains("\"continued\":0");
        DivergenceResult shorter = divergence(options.withTokens(100));
        assertThat(shorter.continued()).isEqualTo(64);
        assertThat(shorter.table()).contains("the same");
    }

    @Test
    void fewerBitsDivergeMore() {
        List<DivergenceResult.Row> rows = divergence(DivergenceOptions.DEFAULT
                        .withKvs(List.of(
                                "f16",
                                "bf16",
                                "hf-int8:group=16:residual=1",
                                "hf-int4:group=16:residual=1",
                                "hf-int2:group=16:residual=1"))
                        .withTokens(200))
                .rows();
        for (int i = 1; i < rows.size(); i++) {
            // Three bits less and more, and the divergence goes with their square.
            assertThat(rows.get(i).mean())
                    .as(rows.get(i).kv())
                    .isGreaterThan((i == 1 ? 4 : 1) * rows.get(i - 1).mean());
        }
        assertThat(rows.getFirst().mean()).isPositive();
    }

    @Test
    void formatsAreNotNoticedByTheirNeighbours() {
        DivergenceOptions options = DivergenceOptions.DEFAULT.withTokens(60);
        DivergenceResult.Row alone =
                divergence(options.withKvs(List.of("int8:window=0"))).rows().getFirst();
        assertThat(divergence(options.withKvs(List.of("bf16", "int8:window=0")))
                        .rows()
                        .get(1))
                .isEqualTo(alone);
        assertThatThrownBy(() -> options.withKvs(List.of("int8", "int8"))).hasMessageContaining("twice");
    }

    @Test
    void divergenceIsThatOfItsFormula() {
        float[] even = {1, 1}, uneven = {(float) Math.log(3), 0};
        // 0.5 ln(0.5 / 0.75) + 0.5 ln(0.5 / 0.25)
        assertThat(LogProbs.Expected.of(even).divergence(uneven, LogProbs.logSumExp(uneven)))
                .isCloseTo(0.143841036, within(1e-7));
        assertThat(LogProbs.Expected.of(uneven).divergence(uneven, LogProbs.logSumExp(uneven)))
                .isZero();
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
