package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.generate.Sampler;
import dev.lectern.kv.FloatFormat;
import dev.lectern.prefill.Sequence;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Real models against {@code transformers} on the same file, dequantised to f32: see {@link GoldenNumbers}. */
class RealModelsOracleIT {
    /**
     * What {@code transformers} differs from itself by when it reads the text in pieces is a hundredth of this; the rest allows for its
     * angles of rotation and sums of thousands of f32 in another order.
     */
    private static final double TOLERANCE = 1e-2;

    private static final int CHUNK = 64;
    private static final SessionOptions F32 = SessionOptions.DEFAULT.withKv("f32");

    @TempDir
    static Path folder;

    enum Published {
        SMOLLM2,
        QWEN;

        Path path() {
            return this == SMOLLM2 ? TestModels.smollm2() : TestModels.qwen();
        }

        GoldenNumbers golden() throws IOException {
            return GoldenNumbers.of(this == SMOLLM2 ? "smollm2" : "qwen");
        }
    }

    @ParameterizedTest
    @EnumSource
    void logitsAfterEveryTokenOfATextEqualTransformers(Published published) throws IOException {
        Path path = published.path();
        GoldenNumbers golden = published.golden();
        GoldenNumbers text = golden.part("text");
        int[] ids = text.ints("ids"), top1 = text.ints("top1"), sampleIds = text.ints("sampleIds");
        double[] top1Logit = text.numbers("top1Logit"), logSumExp = text.numbers("logSumExp");
        double[][] samples = text.rows("samples");
        List<Integer> rowPositions = golden.part("rows").root().get("positions") instanceof List<?> list
                ? list.stream().map(position -> ((Number) position).intValue()).toList()
                : List.of();
        FloatBuffer wholeRows = golden.part("rows").floats("file");
        int vocabulary = (int) golden.number("vocabulary");
        double[] worst = new double[1];
        try (BareModel model = new BareModel(path, 2);
                Sequence sequence = model.sequence(FloatFormat.F32)) {
            assertThat(model.config().vocabulary()).isEqualTo(vocabulary);
            model.read(sequence, ids, CHUNK, (first, rows, logits, at) -> {
                for (int row = 0; row < rows; row++) {
                    int position = first + row, from = at + row * vocabulary;
                    assertThat(Sampler.likeliest(logits, from, vocabulary))
                            .as("top-1 after token %d", position)
                            .isEqualTo(top1[position]);
                    note(worst, position, logits[from + top1[position]], top1Logit[position]);
                    note(worst, position, KvFormatsIT.logSumExp(logits, from, vocabulary), logSumExp[position]);
                    for (int i = 0; i < sampleIds.length; i++) {
                        note(worst, position, logits[from + sampleIds[i]], samples[position][i]);
                    }
                    int whole = rowPositions.indexOf(position);
                    for (int i = 0; whole >= 0 && i < vocabulary; i++) {
                        note(worst, position, logits[from + i], wholeRows.get(whole * vocabulary + i));
                    }
                }
            });
            assertThat(sequence.cache().length()).isEqualTo(ids.length);
        }
        System.out.printf("%s: logits differ by at most %.2g%n", published, worst[0]);
    }

    private static void note(double[] worst, int position, double actual, double expected) {
        assertThat(actual).as("a logit after token %d", position).isCloseTo(expected, within(TOLERANCE));
        worst[0] = Math.max(worst[0], Math.abs(actual - expected));
    }

    static Stream<Arguments> repackedAndNot() {
        ModelOptions inPlace = ModelOptions.DEFAULT.withThreads(2);
        return Arrays.stream(Published.values())
                .flatMap(published -> Stream.of(
                        Arguments.argumentSet(published + " in place", published, inPlace),
                        Arguments.argumentSet(published + " repacked", published, inPlace.withRepack(folder))));
    }

    @ParameterizedTest
    @MethodSource("repackedAndNot")
    void greedyContinuationsOfFivePromptsEqualTransformers(Published published, ModelOptions options)
            throws IOException {
        try (Model model = Model.open(published.path(), options)) {
            List<GoldenNumbers> prompts = published.golden().parts("greedy");
            assertThat(prompts).hasSize(5);
            for (GoldenNumbers prompt : prompts) {
                int[] expected = prompt.ints("tokens");
                assertThat(expected).hasSize(64);
                int[] ids = model.tokenize(prompt.string("prompt"));
                assertThat(ids).as(prompt.string("prompt")).isEqualTo(prompt.ints("ids"));
                try (Session session = model.newSession(F32.withContext(ids.length + expected.length))) {
                    session.read(ids, Progress.NONE, new Cancellation());
                    GenerateOptions generate = GenerateOptions.DEFAULT
                            .withMaxTokens(expected.length)
                            .withIgnoreEnd(true);
                    Answer answer = session.generate(generate, TokenListener.NONE, new Cancellation());
                    assertThat(answer.tokens())
                            .as(prompt.string("prompt"))
                            .containsExactly(Arrays.stream(expected).boxed().toArray(Integer[]::new));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("repackedAndNot")
    void perplexityOfALongTextEqualsTransformers(Published published, ModelOptions options) throws IOException {
        try (Model model = Model.open(published.path(), options)) {
            GoldenNumbers golden = published.golden();
            GoldenNumbers mixed = golden.part("text"), perplexity = golden.part("perplexity");
            assertThat(model.tokenize(mixed.text("file"))).isEqualTo(mixed.ints("ids"));
            int[] ids = model.tokenize(perplexity.text("file"));
            assertThat(ids).isEqualTo(perplexity.ints("ids"));
            Score score;
            try (Session session = model.newSession(F32.withContext(ids.length))) {
                score = session.score(ids, Progress.NONE, new Cancellation());
            }
            FloatBuffer expected = perplexity.floats("logProbs");
            double worst = 0;
            for (int i = 1; i < ids.length; i++) {
                worst = Math.max(worst, Math.abs(score.logProbs()[i] - expected.get(i - 1)));
            }
            System.out.printf(
                    "%s: perplexity %.6f, %.6f expected; log-probabilities differ by at most %.2g%n",
                    published, score.perplexity(), perplexity.number("perplexity"), worst);
            // A log-probability is the difference of two logits (one of them ln Σ exp), each within the tolerance.
            assertThat(worst).isLessThanOrEqualTo(2 * TOLERANCE);
            // Three digits.
            assertThat(score.perplexity() / perplexity.number("perplexity")).isCloseTo(1, within(5e-4));
        }
    }
}
