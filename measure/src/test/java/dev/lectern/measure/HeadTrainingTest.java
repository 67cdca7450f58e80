package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.AttentionShape;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.measure.tasks.Ruler;
import dev.lectern.measure.tasks.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Retaining heads from the texts to the reading that asks them. */
class HeadTrainingTest {
    private static final Path TINY = Path.of("../engine/src/test/resources/tiny");
    private static final String TEXT = BenchText.sentences(150);
    private static final HeadOptions OPTIONS = new HeadOptions(12, 512, 16, 30, 5e-3, 4_000_000, 1);

    @TempDir
    Path folder;

    private Model open(String name, int threads) {
        return Model.open(
                TINY.resolve(name),
                ModelOptions.DEFAULT
                        .withThreads(threads)
                        .withRopeScaling("linear:factor=16")
                        .withCalibrations(folder));
    }

    private static HeadTrainingResult trained(Model model, HeadOptions options, Progress progress) {
        return HeadTraining.run(model, "tiny", List.of(TEXT), options, progress, new Cancellation());
    }

    @Test
    void nothingIsLearnedFromWhatAnEvaluationAsks() {
        try (Model model = open("qwen2", 1)) {
            for (Task task : Ruler.tasks(2048)) {
                TaskPrompt asked = TaskPrompt.of(model, TaskOptions.DEFAULT, task, 2048, 0);
                TaskPrompt learned = TaskPrompt.of(model, TaskOptions.learning(1), task, 2048, 0);
                assertThat(learned.sample().references())
                        .as(task.name())
                        .isNotEqualTo(asked.sample().references());
            }
        }
    }

    private static void refused(LecternException.Kind kind, String words, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(kind))
                .hasMessageContaining(words);
    }

    private static float[] logits(Model model, String prefill) {
        int[] tokens = Arrays.copyOf(model.tokenize(TEXT), 1500);
        try (Session session =
                model.newSession(SessionOptions.DEFAULT.withKv("f32").withPrefill(prefill))) {
            session.read(tokens, Progress.NONE, new Cancellation());
            return session.logits();
        }
    }

    @Test
    void headsLearnFindMoreThanChanceAndAreAsked() {
        String prefill = "apb:hosts=3:question=apart:passing=16:compressor=heads";
        try (Model model = open("qwen2", 1)) {
            refused(LecternException.Kind.NOT_FOUND, "lectern train-retaining-heads", () -> logits(model, prefill));
            List<Long> left = new ArrayList<>();
            HeadTrainingResult result = trained(model, OPTIONS, (done, all) -> left.add(all - done));
            assertThat(left.getLast()).isZero();
            assertThat(result.file())
                    .isEqualTo(model.calibration("retaining-heads"))
                    .exists();
            assertThat(result.lastLoss()).isLessThan(result.firstLoss());
            HeadRecall.Row mean = HeadRecall.Row.mean(result.recall());
            // One eighth is what chance finds.
            assertThat(mean.random()).isCloseTo(0.125, within(0.06));
            assertThat(mean.heads()).isGreaterThan(2 * mean.random());
            assertThat(result.table()).contains("mean", "not learned");
            float[] own = logits(model, prefill);
            assertThat(logits(model, prefill + ":heads=" + result.file())).isEqualTo(own);
            assertThat(logits(model, prefill.replace("heads", "recent"))).isNotEqualTo(own);
        }
    }

    @Test
    void theSameTextsTeachTheSameWhateverTheThreads() throws IOException {
        byte[] one, two;
        try (Model model = open("llama3", 1)) {
            one = Files.readAllBytes(trained(model, OPTIONS, Progress.NONE).file());
        }
        try (Model model = open("llama3", 3)) {
            two = Files.readAllBytes(trained(model, OPTIONS, Progress.NONE).file());
        }
        // All but the date in the header.
        int from = one.length - 4 * 1000;
        assertThat(Arrays.copyOfRange(two, from, two.length)).isEqualTo(Arrays.copyOfRange(one, from, one.length));
    }

    /** Of one layer and a group of two query heads, whose logits can be told. */
    @Test
    void aLabelIsTheHighestLogitOverTheAnswerAndTheGroup() {
        AttentionShape shape = new AttentionShape(2, 1, 4, List.of(0));
        AnswerLabels labels = new AnswerLabels(shape, new int[] {0, 2}, 3, 4);
        float[] keys = {1, 0, 0, 0, 9, 9, 9, 9, 0, 2, 0, 0, 5, 5, 5, 5};
        float[] queries = new float[4 * 8];
        queries[3 * 8] = 7; // the question's, by which it is not labelled
        queries[3 * 8 + 4 + 1] = 3;
        labels.attended(0, 0, 4, queries, 0, keys, 0, queries, 0);
        float[] answer = {1, -1, 0, 0, 4, -6, 0, 0, 2, -2, 0, 0, -8, 0.5f, 0, 0};
        labels.attended(0, 4, 2, answer, 0, new float[8], 0, answer, 0);
        // By half of: 1, 4, 2, -8, and twice of: -1, -6, -2, 0.5.
        assertThat(labels.of(0)).containsExactly(2, 0.5f);
        // The sum of the question's queries is 7, 3, 0, 0.
        assertThat(labels.byQuestion(0, 0)).containsExactly(7, 6);
    }

    @Test
    void whatCannotBeTrainedIsASentenceAndLeavesNoFile() throws IOException {
        try (Model model = open("qwen2", 1)) {
            HeadOptions little = new HeadOptions(12, 512, 16, 1, 1e-3, 1000, 1);
            refused(LecternException.Kind.NO_MEMORY, "--memory is 1000", () -> trained(model, little, Progress.NONE));
            refused(
                    LecternException.Kind.BAD_DOCUMENT,
                    "give longer ones",
                    () -> HeadTraining.run(model, "tiny", List.of("Few."), OPTIONS, Progress.NONE, new Cancellation()));
            HeadOptions longer = new HeadOptions(12, 1 << 20, 16, 1, 1e-3, 1000, 1);
            refused(LecternException.Kind.TOO_LONG, "--tokens is", () -> trained(model, longer, Progress.NONE));
            Cancellation stop = new Cancellation();
            refused(
                    LecternException.Kind.CANCELLED,
                    "",
                    () -> HeadTraining.run(model, "tiny", List.of(TEXT), OPTIONS, (done, all) -> stop.cancel(), stop));
        }
        try (Model model = open("qwen2-window", 1)) {
            refused(LecternException.Kind.BAD_OPTION, "through windows", () -> trained(model, OPTIONS, Progress.NONE));
        }
        refused(LecternException.Kind.BAD_OPTION, "--rate is 0.0", () -> new HeadOptions(2, 512, 16, 1, 0, 1000, 1));
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).isEmpty();
        }
    }
}
