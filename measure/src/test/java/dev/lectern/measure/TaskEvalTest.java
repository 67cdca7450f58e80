package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TaskEvalTest {
    private static final BenchModel MODEL =
            new BenchModel("qwen2", Path.of("../engine/src/test/resources/tiny/qwen2"), Optional.empty());
    private static final ModelOptions STRETCHED =
            ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=32");
    private static final TaskOptions OPTIONS = TaskOptions.DEFAULT
            .withLengths(List.of(1500))
            .withTasks(List.of("niah_single_1", "vt"))
            .withSamples(2);

    @TempDir
    Path folder;

    private TaskResults run(TaskOptions options, Cancellation cancellation) {
        return TaskEval.run(MODEL, STRETCHED, options, folder, Progress.NONE, cancellation);
    }

    private List<String> lines() throws IOException {
        return Files.readAllLines(folder.resolve("ruler-qwen2.jsonl"));
    }

    @Test
    void finishedSamplesAreNotComputedAgain() throws IOException {
        TaskResults first = run(OPTIONS, new Cancellation());
        assertThat(first.rows()).extracting(TaskResults.Row::task).containsExactly("niah_single_1", "vt");
        assertThat(first.rows()).allMatch(row -> row.scores().size() == 2);
        List<String> lines = lines();
        assertThat(lines).hasSize(4);
        assertThat(run(OPTIONS, new Cancellation()).rows()).isEqualTo(first.rows());
        assertThat(lines()).isEqualTo(lines);
        Files.write(
                folder.resolve("ruler-qwen2.jsonl"),
                lines.stream()
                        .map(line -> line.replaceAll("\"commit\":\"[^\"]*\"", "\"commit\":\"earlier\""))
                        .toList());
        TaskResults more = run(OPTIONS.withSamples(3), new Cancellation());
        assertThat(lines()).hasSize(6);
        assertThat(more.origins()).extracting(TaskResults.Origin::samples).containsExactly(4, 2);
        assertThat(more.origins().getFirst().commit()).isEqualTo("earlier");
        assertThat(more.toJson()).contains("\"origins\":[{\"commit\":\"earlier\"");
    }

    @Test
    void aQuestionReadTokenByTokenGetsTheSameAnswerWhereAttentionIsExact() throws IOException {
        TaskOptions exact = OPTIONS.withKv(List.of("f32"));
        run(exact, new Cancellation());
        run(exact.withProtocols(List.of(Protocol.B)), new Cancellation());
        List<String> answers = lines().stream().map(TaskEvalTest::answer).toList();
        assertThat(answers.subList(4, 8)).isEqualTo(answers.subList(0, 4));
    }

    @Test
    void bothProtocolsGoOnFromOneReadingAndAnswerAsEachAlone() throws IOException {
        for (String kv : List.of("f16", "hf-int4:group=16")) {
            TaskOptions options =
                    OPTIONS.withSamples(1).withKv(List.of(kv)).withAttention(List.of("dense", "uniform:budget=10"));
            Files.deleteIfExists(folder.resolve("ruler-qwen2.jsonl"));
            run(options, new Cancellation());
            run(options.withProtocols(List.of(Protocol.B)), new Cancellation());
            List<String> alone = lines();
            Files.delete(folder.resolve("ruler-qwen2.jsonl"));
            TaskResults results = run(options.withProtocols(List.of(Protocol.A, Protocol.B)), new Cancellation());
            assertThat(lines().stream().map(TaskEvalTest::sample).sorted().toList())
                    .as(kv)
                    .isEqualTo(alone.stream().map(TaskEvalTest::sample).sorted().toList());
            Method last = results.options().methods().getLast();
            assertThat(last.protocol()).isEqualTo(Protocol.B);
            assertThat(results.first(last).protocol()).isEqualTo(Protocol.B);
            assertThat(results.paired(1500, last)).isPresent();
        }
    }

    /** What was asked, how, and the answer, without when. */
    private static String sample(String line) {
        return line.replaceAll("\"(commit|date|command)\":\"[^\"]*\",?", "");
    }

    private static String answer(String line) {
        return line.replaceAll(".*\"answer\":(.*),\"bytesRead\".*", "$1");
    }

    /** What a method has learned is in no name, but in the samples' key: those of other axes are others. */
    @Test
    void samplesOfWhatWasLearnedOtherwiseAreOthers() throws IOException {
        ModelOptions learning = STRETCHED.withCalibrations(folder);
        TaskOptions options = OPTIONS.withTasks(List.of("vt"))
                .withSamples(1)
                .withAttention(List.of("dense", "loki:budget=5%:dims=0.25:calibrated=yes"));
        for (int sentences : new int[] {60, 70, 70}) {
            try (Model model = MODEL.open(learning)) {
                int[] text = model.tokenize(BenchText.sentences(sentences));
                ModelCalibration.run(model, "tiny", "loki", List.of(text), Progress.NONE, new Cancellation());
            }
            TaskEval.run(MODEL, learning, options, folder, Progress.NONE, new Cancellation());
        }
        assertThat(lines()).hasSize(3);
        assertThat(lines().stream().filter(line -> line.contains(";loki="))).hasSize(2);
    }

    @Test
    void samplesThatAreAnsweredTogetherGetTheAnswersThatTheyGetAlone() throws IOException {
        run(OPTIONS.withSamples(1), new Cancellation());
        run(OPTIONS.withSamples(3), new Cancellation()); // the other two together
        List<String> one = lines();
        Files.delete(folder.resolve("ruler-qwen2.jsonl"));
        run(OPTIONS.withSamples(3), new Cancellation());
        assertThat(lines().stream().map(TaskEvalTest::answer).sorted().toList())
                .isEqualTo(one.stream().map(TaskEvalTest::answer).sorted().toList());
    }

    @Test
    void methodsGoOnFromOneReadingAndAreCompared() throws IOException {
        TaskOptions several = OPTIONS.withAttention(List.of("dense", "topk:budget=100%", "uniform:budget=10"))
                .withProtocols(List.of(Protocol.B));
        TaskResults results = run(several, new Cancellation());
        assertThat(lines()).hasSize(12);
        List<Method> methods = several.methods();
        assertThat(results.paired(1500, methods.get(0))).isEmpty();
        Paired same = results.paired(1500, methods.get(1)).orElseThrow();
        assertThat(same.better() + same.worse()).isZero();
        assertThat(same.p()).isEqualTo(1);
        TaskResults.Row dense = results.rows(1500, methods.get(0)).getFirst();
        TaskResults.Row uniform = results.rows(1500, methods.get(2)).getFirst();
        assertThat(dense.density()).isEqualTo(1);
        // 4 sinks, 10 tokens and a window of 64 of somewhat less than 1500.
        assertThat(uniform.density()).isBetween(78 / 1500.0, 78 / 1200.0);
        assertThat(uniform.bytesRead()).isLessThan(dense.bytesRead());
        assertThat(results.toJson()).contains("\"paired\"").contains("uniform:budget=10:seed=1");
    }

    @Test
    void waysToDropTokensAreMethodsBesideThoseOfAttention() throws IOException {
        TaskOptions both = OPTIONS.withSamples(1).withProtocols(List.of(Protocol.A, Protocol.B));
        run(both, new Cancellation());
        List<String> dense = lines();
        TaskOptions several = both.withKeep(List.of("snapkv:budget=100", "h2o:budget=100%", "h2o:budget=100"));
        TaskResults results = run(several, new Cancellation());
        // Samples of dense attention are those that were finished, and none else.
        assertThat(lines()).hasSize(4 * dense.size()).startsWith(dense.toArray(String[]::new));
        assertThat(several.methods())
                .hasSize(8)
                .extracting(Method::name)
                .contains("dense keep=h2o:budget=100:recent=0.5");
        assertThat(dense).noneMatch(line -> line.contains("keep="));
        for (Method method : several.methods()) {
            if (method.keep().startsWith("h2o:budget=100%")) {
                Paired same = results.paired(1500, method).orElseThrow();
                assertThat(same.better() + same.worse()).isZero();
            }
            TaskResults.Row row = results.rows(1500, method).getFirst();
            boolean drops = method.keep().contains("budget=100:");
            if (drops) {
                // 100 tokens of somewhat less than 1500, and those that came after.
                assertThat(row.density()).as(method.described()).isBetween(100 / 1500.0, 250 / 1200.0);
                assertThat(row.bytesRead())
                        .isLessThan(results.rows(1500, results.first(method))
                                        .getFirst()
                                        .bytesRead()
                                / 4);
            } else {
                assertThat(row.density()).isEqualTo(1);
            }
        }
        // Each answers as it does alone.
        List<String> together = lines();
        Files.delete(folder.resolve("ruler-qwen2.jsonl"));
        run(both, new Cancellation());
        for (String keep : several.keep().reversed()) {
            run(both.withKeep(List.of(keep)), new Cancellation());
        }
        assertThat(lines().stream().map(TaskEvalTest::sample).sorted().toList())
                .isEqualTo(together.stream().map(TaskEvalTest::sample).sorted().toList());
    }

    @Test
    void waysToReadAreMethodsBesideThoseOfAttention() throws IOException {
        TaskOptions both = OPTIONS.withSamples(1).withKv(List.of("f32")).withProtocols(List.of(Protocol.A, Protocol.B));
        run(both, new Cancellation());
        List<String> full = lines();
        String whole = "apb:anchor=0:passing=100000:question=apart:compressor=recent";
        TaskOptions several = both.withPrefill(List.of("star:hosts=3", "apb:hosts=2", whole));
        TaskResults results = run(several, new Cancellation());
        // Samples that were read exactly are those that were finished, and none else.
        assertThat(lines()).hasSize(4 * full.size()).startsWith(full.toArray(String[]::new));
        assertThat(full).noneMatch(line -> line.contains("prefill="));
        assertThat(several.methods()).hasSize(8).extracting(Method::name).contains("dense prefill=star:hosts=3");
        for (Method method : several.methods()) {
            if (method.prefill().contains("passing=100000")) {
                Paired same = results.paired(1500, method).orElseThrow();
                assertThat(same.better() + same.worse()).isZero();
            }
            assertThat(results.rows(1500, method)).hasSize(2).allMatch(row -> row.density() == 1);
        }
        // What passes everything answers like the full reading, word by word; what passes little does not.
        assertThat(answersOf("passing=100000"))
                .isEqualTo(full.stream().map(TaskEvalTest::answer).sorted().toList());
        assertThat(answersOf("prefill=star")).isNotEqualTo(answersOf("passing=100000"));
    }

    private List<String> answersOf(String method) throws IOException {
        return lines().stream()
                .filter(line -> line.contains(method))
                .map(TaskEvalTest::answer)
                .sorted()
                .toList();
    }

    @Test
    void whatWasFinishedBeforeACancellationIsKept() {
        Cancellation cancelled = new Cancellation();
        cancelled.cancel();
        assertThatThrownBy(() -> run(OPTIONS, cancelled)).isInstanceOf(LecternException.class);
        assertThat(run(OPTIONS, new Cancellation()).rows()).hasSize(2);
    }

    @Test
    void whatCannotBeIsSaid() {
        assertThatThrownBy(() -> TaskOptions.DEFAULT.withTasks(List.of("niah")))
                .hasMessageContaining("\"niah\"")
                .hasMessageContaining("niah_single_1");
        assertThatThrownBy(() -> OPTIONS.withKeep(List.of("all"))).hasMessageContaining("--attention dense");
        assertThatThrownBy(() -> OPTIONS.withKeep(List.of("lru"))).hasMessageContaining("snapkv, h2o");
        assertThatThrownBy(() -> OPTIONS.withPrefill(List.of("ring"))).hasMessageContaining("--attention dense");
        assertThatThrownBy(() -> run(OPTIONS.withLengths(List.of(100_000)), new Cancellation()))
                .hasMessageContaining("--length 100000");
        assertThatThrownBy(() -> run(OPTIONS.withKv(List.of("f17")), new Cancellation()))
                .hasMessageContaining("f17");
    }
}
