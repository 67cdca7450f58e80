package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.lectern.BadModelFileException;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.weights.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What methods of attention and of reading learn of a model, and where it is kept. */
class ModelCalibrationTest {
    private static final Path TINY = Path.of("../engine/src/test/resources/tiny");
    private static final String TEXT = BenchText.sentences(60);

    @TempDir
    Path folder;

    private ModelOptions options() {
        return ModelOptions.DEFAULT
                .withThreads(1)
                .withRopeScaling("linear:factor=16")
                .withCalibrations(folder);
    }

    private Model open(String name) {
        return Model.open(TINY.resolve(name), options());
    }

    private static ModelCalibration calibrated(Model model, List<String> texts, int most) {
        return ModelCalibration.run(
                model, "tiny", "loki", ModelCalibration.tokens(model, texts, most), Progress.NONE, new Cancellation());
    }

    private static void refused(LecternException.Kind kind, String words, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(kind))
                .hasMessageContaining(words);
    }

    private static float[] logits(Model model, String attention) {
        int[] tokens = model.tokenize(TEXT);
        try (Session session =
                model.newSession(SessionOptions.DEFAULT.withKv("f32").withAttention(attention))) {
            session.read(Arrays.copyOf(tokens, 600), Progress.NONE, new Cancellation());
            model.step(List.of(session), new int[] {tokens[600]}, new Cancellation());
            return session.logits();
        }
    }

    @Test
    void whatIsLearnedIsKeptWholeAndUsed() {
        try (Model model = open("qwen2")) {
            List<Long> told = new ArrayList<>();
            ModelCalibration done = ModelCalibration.run(
                    model,
                    "tiny",
                    "loki",
                    ModelCalibration.tokens(model, List.of(TEXT, TEXT), 700),
                    (read, all) -> told.add(all - read),
                    new Cancellation());
            assertThat(done.tokens()).isEqualTo(1400);
            assertThat(told.getLast()).isZero();
            assertThat(done.file()).isEqualTo(model.calibration("loki")).hasParent(folder);
            int layers = model.attentionShape().layers(),
                    kvHeads = model.attentionShape().kvHeads(),
                    headDim = model.attentionShape().headDim();
            assertThat(done.bytes()).isEqualTo(4L * layers * kvHeads * headDim * (headDim + 1));
            try (SafetensorsFile file = SafetensorsFile.open(done.file(), "again")) {
                assertThat(file.metadata())
                        .containsEntry("method", "loki")
                        .containsEntry("tokens", "1400")
                        .containsEntry("weights", model.digest());
                assertThat(file.tensors()).hasSize(2 * layers);
            }
            // With all dimensions and another text's axes scores are exact, as with the text's own.
            float[] own = logits(model, "loki:budget=5%:dims=1");
            float[] learned = logits(model, "loki:budget=5%:dims=1:calibrated=yes");
            float[] named = logits(model, "loki:budget=5%:dims=1:calibrated=" + done.file());
            assertThat(named).isEqualTo(learned);
            assertThat(own).hasSameSizeAs(learned);
            for (int i = 0; i < own.length; i++) {
                assertThat(learned[i]).isCloseTo(own[i], within(1e-3f));
            }
            // With few they differ, for the axes do.
            assertThat(logits(model, "loki:budget=5%:dims=0.1:calibrated=yes"))
                    .isNotEqualTo(logits(model, "loki:budget=5%:dims=0.1"));
        }
    }

    /** What a text teaches of itself is what its own keys tell, layer by layer. */
    @Test
    void evaluationsUseWhatWasLearnedOfEachLayer() {
        Path recorded = folder.resolve("recorded.safetensors");
        try (Model model = open("qwen2")) {
            int[] tokens = Arrays.copyOf(model.tokenize(TEXT), 700);
            BenchModel subject = new BenchModel("qwen2", TINY.resolve("qwen2"), Optional.empty());
            AttentionRecording.record(
                    subject,
                    model,
                    options(),
                    tokens,
                    List.of(),
                    new int[0],
                    recorded,
                    Progress.NONE,
                    new Cancellation());
            Path learned = calibrated(model, List.of(TEXT), 700).file();
            AttentionOptions options = AttentionOptions.DEFAULT.withAttention(
                    List.of("loki:budget=5%:dims=0.2", "loki:budget=5%:dims=0.2:calibrated=" + learned));
            try (AttentionRecording recording = AttentionRecording.open(recorded)) {
                List<AttentionResults.Row> rows = AttentionEval.run(
                                recording, options, 1, "--recording FILE", Progress.NONE, new Cancellation())
                        .rows();
                List<Double> own = rows.get(1).layers(), other = rows.get(2).layers();
                assertThat(own).hasSizeGreaterThan(1);
                for (int layer = 0; layer < own.size(); layer++) {
                    // The last tokens are in one of them alone.
                    assertThat(other.get(layer)).isCloseTo(own.get(layer), withinPercentage(5));
                }
            }
        }
    }

    @Test
    void patternsOfHeadsAreLearnedKeptAndReadBy() {
        String method = "minference";
        try (Model model = Model.open(
                TINY.resolve("qwen2"),
                ModelOptions.DEFAULT
                        .withThreads(1)
                        .withRopeScaling("linear:factor=32")
                        .withCalibrations(folder))) {
            String text = BenchText.sentences(500);
            ModelCalibration done = ModelCalibration.run(
                    model,
                    "tiny",
                    method,
                    ModelCalibration.tokens(model, List.of(text), 4200),
                    Progress.NONE,
                    new Cancellation());
            assertThat(done.tokens()).isEqualTo(4200);
            assertThat(done.file()).isEqualTo(model.calibration(method));
            SessionOptions options = SessionOptions.DEFAULT.withPrefill(method + ":calibrated=yes");
            try (Session session = model.newSession(options)) {
                session.read(Arrays.copyOf(model.tokenize(text), 600), Progress.NONE, new Cancellation());
                assertThat(session.methods()).containsEntry("prefill", "minference:calibrated=yes");
            }
            int[] prompt = ModelCalibration.prompt(model, "kv_retrieval", 4300);
            assertThat(prompt.length).isBetween(4100, 4300);
            ModelCalibration.run(model, "tiny", method, List.of(prompt), Progress.NONE, new Cancellation());
            refused(
                    LecternException.Kind.BAD_OPTION,
                    "There is no task \"kv\"; there are niah_single_1",
                    () -> ModelCalibration.prompt(model, "kv", 4300));
            refused(
                    LecternException.Kind.BAD_DOCUMENT,
                    "No text has as many as 4096 tokens",
                    () -> ModelCalibration.run(
                            model,
                            "tiny",
                            method,
                            ModelCalibration.tokens(model, List.of(text, text), 2100),
                            Progress.NONE,
                            new Cancellation()));
        }
    }

    @Test
    void theSameTextsTeachTheSameWhateverTheThreads() throws IOException {
        byte[] one, two;
        try (Model model = open("llama3")) {
            one = Files.readAllBytes(calibrated(model, List.of(TEXT), 600).file());
        }
        ModelOptions options = ModelOptions.DEFAULT
                .withThreads(3)
                .withRopeScaling("linear:factor=16")
                .withCalibrations(folder);
        try (Model model = Model.open(TINY.resolve("llama3"), options)) {
            two = Files.readAllBytes(calibrated(model, List.of(TEXT), 600).file());
        }
        // All but the date in the header.
        int from = one.length - 4 * 1000;
        assertThat(Arrays.copyOfRange(two, from, two.length)).isEqualTo(Arrays.copyOfRange(one, from, one.length));
    }

    @Test
    void whatIsMissingDamagedOrOfAnotherModelIsRefused() throws IOException {
        Path learned;
        try (Model model = open("qwen2")) {
            refused(
                    LecternException.Kind.NOT_FOUND,
                    "run \"lectern calibrate loki\"",
                    () -> logits(model, "loki:calibrated=yes"));
            learned = calibrated(model, List.of(TEXT), 0).file();
        }
        try (Model other = open("llama3")) {
            refused(
                    LecternException.Kind.BAD_OPTION,
                    "was made of another model",
                    () -> logits(other, "loki:calibrated=" + learned));
        }
        byte[] bytes = Files.readAllBytes(learned);
        Files.write(learned, Arrays.copyOf(bytes, bytes.length - 1));
        try (Model model = open("qwen2")) {
            assertThatThrownBy(() -> logits(model, "loki:calibrated=yes"))
                    .isInstanceOf(BadModelFileException.class)
                    .hasMessageContaining("run \"lectern calibrate loki\" again");
        }
        try (Model model =
                Model.open(TINY.resolve("qwen2"), ModelOptions.DEFAULT.withRopeScaling("linear:factor=16"))) {
            refused(LecternException.Kind.BAD_OPTION, "name the file", () -> logits(model, "loki:calibrated=yes"));
        }
    }

    @Test
    void whatIsStoppedOrCannotBeLearnedLeavesNoFile() throws IOException {
        try (Model model = open("qwen2")) {
            Cancellation stop = new Cancellation();
            refused(
                    LecternException.Kind.CANCELLED,
                    "",
                    () -> ModelCalibration.run(
                            model,
                            "tiny",
                            "loki",
                            ModelCalibration.tokens(model, List.of(TEXT), 0),
                            (done, all) -> stop.cancel(),
                            stop));
            refused(LecternException.Kind.BAD_DOCUMENT, "learns from 512", () -> calibrated(model, List.of("Few."), 0));
            refused(
                    LecternException.Kind.BAD_OPTION,
                    "there are loki, minference",
                    () -> ModelCalibration.run(
                            model,
                            "tiny",
                            "quest",
                            ModelCalibration.tokens(model, List.of(TEXT), 0),
                            Progress.NONE,
                            new Cancellation()));
        }
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).isEmpty();
        }
    }
}
