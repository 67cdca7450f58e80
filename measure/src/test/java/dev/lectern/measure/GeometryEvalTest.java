package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@link GeometryEval} on a tiny model. */
class GeometryEvalTest {
    private static final BenchModel MODEL =
            new BenchModel("llama3", Path.of("../engine/src/test/resources/tiny/llama3"), Optional.empty());
    private static final ModelOptions STRETCHED =
            ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=32");
    private static final GeometryOptions SMALL =
            GeometryOptions.DEFAULT.withTokens(60).withInputs(4);
    private static final String SEA = "The ferry left at noon, and nobody saw it come back. ".repeat(10);
    private static final String HILL = "A shepherd counts: 1, 2, 3; then he sleeps! ".repeat(10);

    @TempDir
    Path folder;

    private static GeometryResult run(GeometryOptions options, String... texts) {
        return GeometryEval.run(MODEL, STRETCHED, options, List.of(texts), Progress.NONE, new Cancellation());
    }

    /** What is told of a layer, computed anew from recordings of the same inputs: f64 sums in the same order, so equal but for the norms' roots. */
    @Test
    void cosinesAndLengthsAreThoseOfTheRecordedKeysAndValues() {
        GeometryResult result = run(SMALL, SEA, HILL);
        List<AttentionRecording> recordings = new ArrayList<>();
        try (Model model = MODEL.open(STRETCHED)) {
            List<int[]> inputs = GeometryInputs.of(model, List.of(SEA, HILL), SMALL);
            for (int[] input : inputs) {
                Path file = folder.resolve(recordings.size() + ".safetensors");
                AttentionRecording.record(
                        MODEL, model, STRETCHED, input, List.of(), new int[0], file, Progress.NONE, new Cancellation());
                recordings.add(AttentionRecording.open(file));
            }
            for (int layer = 0; layer < model.attentionShape().layers(); layer++) {
                List<Double> sinkKeys = new ArrayList<>(), sinkValues = new ArrayList<>(), means = new ArrayList<>();
                List<Double> meansBefore = new ArrayList<>(), opposite = new ArrayList<>(), ratios = new ArrayList<>();
                List<Double> sinkLengths = new ArrayList<>();
                for (int head = 0; head < model.attentionShape().kvHeads(); head++) {
                    for (int i = 0; i < recordings.size(); i++) {
                        AttentionRecording.Layer of = recordings.get(i).layer(layer);
                        for (int j = 0; j < i; j++) {
                            AttentionRecording.Layer other = recordings.get(j).layer(layer);
                            means.add(cosine(mean(of.keys(), head), mean(other.keys(), head)));
                            meansBefore.add(
                                    cosine(mean(of.keysBeforeRope(), head), mean(other.keysBeforeRope(), head)));
                            if (inputs.get(i)[0] != inputs.get(j)[0]) {
                                sinkKeys.add(cosine(vector(of.keys(), head, 0), vector(other.keys(), head, 0)));
                                sinkValues.add(cosine(vector(of.values(), head, 0), vector(other.values(), head, 0)));
                            }
                        }
                        opposite.add(cosine(mean(of.keys(), head), vector(of.keys(), head, 0)));
                        double[] keys = lengths(of.keys(), head), values = lengths(of.values(), head);
                        ratios.add(Arrays.stream(keys).sum()
                                / Arrays.stream(values).sum());
                        double first = values[0];
                        Arrays.sort(values);
                        sinkLengths.add(first / ((values[29] + values[30]) / 2));
                    }
                }
                GeometryResult.Layer found = result.layers().get(layer);
                same(found.sinkKey(), sinkKeys);
                same(found.sinkValue(), sinkValues);
                same(found.meanKey(), means);
                same(found.meanKeyBeforeRope(), meansBefore);
                same(found.opposite(), opposite);
                assertThat(found.keyToValue()).isCloseTo(Statistics.of(ratios).median(), within(1e-9));
                assertThat(found.sinkValueToMedian())
                        .isCloseTo(Statistics.of(sinkLengths).median(), within(1e-9));
            }
        } finally {
            recordings.forEach(AttentionRecording::close);
        }
    }

    private static void same(Cosines found, List<Double> expected) {
        assertThat(found.values()).hasSameSizeAs(expected).isNotEmpty();
        List<Double> sorted = expected.stream().sorted().toList();
        for (int i = 0; i < sorted.size(); i++) {
            assertThat(found.values().get(i)).isCloseTo(sorted.get(i), within(1e-9));
        }
    }

    private static double[] vector(Vectors vectors, int head, int token) {
        float[] floats = vectors.at(head, token);
        return IntStream.range(0, floats.length).mapToDouble(d -> floats[d]).toArray();
    }

    private static double[] mean(Vectors keys, int head) {
        double[] mean = new double[keys.width()];
        for (int token = 4; token < keys.columns(); token++) {
            double[] key = vector(keys, head, token);
            Arrays.setAll(mean, d -> mean[d] + key[d] / (keys.columns() - 4));
        }
        return mean;
    }

    private static double[] lengths(Vectors vectors, int head) {
        return IntStream.range(0, vectors.columns())
                .mapToDouble(token -> Math.sqrt(Arrays.stream(vector(vectors, head, token))
                        .map(x -> x * x)
                        .sum()))
                .toArray();
    }

    private static double cosine(double[] a, double[] b) {
        double product = 0;
        for (int d = 0; d < a.length; d++) {
            product += a[d] * b[d];
        }
        double ofA = Arrays.stream(a).map(x -> x * x).sum();
        double ofB = Arrays.stream(b).map(x -> x * x).sum();
        return product / Math.sqrt(ofA * ofB);
    }

    @Test
    void generatedInputsBeginWithDifferentTokensAndAreTheSameEachTime() {
        try (Model model = MODEL.open(STRETCHED)) {
            GeometryOptions options = GeometryOptions.DEFAULT.withTokens(50).withInputs(30);
            List<int[]> inputs = GeometryInputs.of(model, List.of(), options);
            assertThat(inputs).hasSize(30).allMatch(input -> input.length == 50);
            assertThat(inputs.stream().map(input -> input[0])).doesNotHaveDuplicates();
            List<int[]> again = GeometryInputs.of(model, List.of(), options);
            for (int i = 0; i < inputs.size(); i++) {
                assertThat(again.get(i)).isEqualTo(inputs.get(i));
            }
        }
        GeometryResult result = run(SMALL);
        assertThat(result.skippedPairs()).isZero();
        assertThat(result.generated()).isTrue();
    }

    @Test
    void textsAreCutIntoInputsInTurns() {
        try (Model model = MODEL.open(STRETCHED)) {
            int[] sea = model.tokenize(SEA), hill = model.tokenize(HILL);
            List<int[]> inputs = GeometryInputs.of(model, List.of(SEA, HILL), SMALL.withInputs(3));
            assertThat(inputs).hasSize(3);
            assertThat(inputs.get(0)).isEqualTo(Arrays.copyOf(sea, 60));
            assertThat(inputs.get(1)).isEqualTo(Arrays.copyOf(hill, 60));
            assertThat(inputs.get(2)).isEqualTo(Arrays.copyOfRange(sea, 60, 120));
        }
    }

    @Test
    void inputsThatBeginWithTheSameTokenSayNothingOfIt() {
        String same = "aaaaaaaaaa".repeat(60);
        GeometryResult result = run(SMALL.withInputs(3), same);
        assertThat(result.pairs()).isEqualTo(3);
        assertThat(result.skippedPairs()).isEqualTo(3);
        assertThat(result.whole().sinkKey().isEmpty()).isTrue();
        // All three are the same text, so their means are the same numbers; the root in the cosine rounds.
        assertThat(result.whole().meanKey().min()).isCloseTo(1, within(1e-12));
        Map<?, ?> json = (Map<?, ?>) Json.parse(GeometryReport.toJson(result).getBytes(StandardCharsets.UTF_8));
        Map<?, ?> all = (Map<?, ?>) json.get("all");
        assertThat(all.containsKey("sinkKey")).isTrue();
        assertThat(all.get("sinkKey")).isNull();
        assertThat(GeometryReport.table(result)).contains("all inputs begin with the same token", "in 0 of 3 pairs");
    }

    @Test
    void aReportHasATableAnObjectNumbersAndAFigure() throws IOException {
        GeometryResult result = run(SMALL, SEA, HILL);
        assertThat(GeometryReport.table(result))
                .contains("above 0.99", "-0.9 to -0.8", "before RoPE", "4 inputs of 60 tokens, cut from the texts");
        Map<?, ?> json = (Map<?, ?>) Json.parse(GeometryReport.toJson(result).getBytes(StandardCharsets.UTF_8));
        assertThat((List<?>) json.get("results")).hasSameSizeAs(result.layers());
        Map<?, ?> meanToSink = (Map<?, ?>) ((Map<?, ?>) json.get("all")).get("meanToSink");
        assertThat((Double) meanToSink.get("min")).isLessThan((Double) meanToSink.get("max"));
        assertThat(meanToSink.get("published")).isEqualTo(List.of(-0.9, -0.8));
        assertThat(json.get("inputs")).isEqualTo(4L);

        List<Path> files = GeometryReport.write(result, folder.resolve("new"));
        assertThat(files)
                .extracting(file -> file.getFileName().toString())
                .containsExactly("analyze-llama3.csv", "analyze-llama3.png", "analyze-llama3.svg");
        List<String> lines = Files.readAllLines(files.getFirst());
        assertThat(lines).hasSize(1 + result.layers().size());
        int columns = lines.getFirst().split(",").length;
        assertThat(lines).allMatch(line -> line.split(",").length == columns);
        assertThat(Double.parseDouble(lines.get(1).split(",")[columns - 2]))
                .isCloseTo(result.layers().getFirst().keyToValue(), within(1e-4));
    }

    @Test
    void cosinesAreCountedAndOrdered() {
        assertThat(Cosines.between(new double[] {3, 0}, new double[] {1, 1})).isCloseTo(Math.sqrt(0.5), within(1e-15));
        assertThat(Cosines.between(new double[] {1e-44, 0}, new double[] {-1e-44, 0}))
                .isEqualTo(-1);
        assertThat(Cosines.between(new double[] {0, 0}, new double[] {1, 1})).isZero();
        List<Double> hundredths = new ArrayList<>(
                IntStream.rangeClosed(-99, 100).mapToObj(i -> i / 100.0).toList());
        Collections.shuffle(hundredths, new Random(1));
        Cosines cosines = new Cosines(hundredths);
        assertThat(cosines.min()).isEqualTo(-0.99);
        assertThat(cosines.max()).isEqualTo(1);
        assertThat(cosines.p5()).isEqualTo(-0.90);
        assertThat(cosines.median()).isCloseTo(0.005, within(1e-12));
        assertThat(cosines.above(0.9)).isEqualTo(10 / 200.0);
        assertThat(cosines.within(-0.9, -0.8)).isEqualTo(11 / 200.0);
        assertThat(Cosines.all(List.of(cosines, cosines)).values()).hasSize(400);
    }

    @Test
    void progressCountsTheTokensOfAllInputsAndCancellationIsHeard() {
        List<Long> told = new ArrayList<>();
        GeometryEval.run(
                MODEL,
                STRETCHED,
                SMALL,
                List.of(),
                (done, total) -> {
                    assertThat(total).isEqualTo(240);
                    told.add(done);
                },
                new Cancellation());
        assertThat(told).isSorted().endsWith(240L);
        Cancellation cancellation = new Cancellation();
        assertThatThrownBy(() -> GeometryEval.run(
                        MODEL, STRETCHED, SMALL, List.of(), (done, total) -> cancellation.cancel(), cancellation))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED));
    }

    @Test
    void whatCannotBeComparedIsRefused() {
        assertThatThrownBy(() -> run(SMALL, "Too short."))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("2 are needed");
        assertThatThrownBy(() -> run(GeometryOptions.DEFAULT.withTokens(100_000)))
                .hasMessageContaining("--tokens is 100000")
                .hasMessageContaining("holds 4096");
        assertThatThrownBy(() -> GeometryOptions.DEFAULT.withTokens(7)).hasMessageContaining("--tokens is 7");
        assertThatThrownBy(() -> GeometryOptions.DEFAULT.withInputs(1)).hasMessageContaining("--inputs is 1");
    }
}
