package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RulerEvalTest {
    private static final BenchModel MODEL =
            new BenchModel("qwen2", Path.of("../engine/src/test/resources/tiny/qwen2"), Optional.empty());
    private static final ModelOptions STRETCHED =
            ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=32");
    private static final RulerOptions OPTIONS = RulerOptions.DEFAULT
            .withLengths(List.of(1500))
            .withTasks(List.of("niah_single_1", "vt"))
            .withSamples(2);

    @TempDir
    Path folder;

    private RulerResults run(RulerOptions options, Cancellation cancellation) {
        return RulerEval.run(MODEL, STRETCHED, options, folder, Progress.NONE, cancellation);
    }

    private List<String> lines() throws IOException {
        return Files.readAllLines(folder.resolve("ruler-qwen2.jsonl"));
    }

    @Test
    void finishedSamplesAreNotComputedAgain() throws IOException {
        RulerResults first = run(OPTIONS, new Cancellation());
        assertThat(first.rows()).extracting(RulerResults.Row::task).containsExactly("niah_single_1", "vt");
        assertThat(first.rows()).allMatch(row -> row.scores().size() == 2);
        List<String> lines = lines();
        assertThat(lines).hasSize(4);
        assertThat(run(OPTIONS, new Cancellation()).rows()).isEqualTo(first.rows());
        assertThat(lines()).isEqualTo(lines);
        run(OPTIONS.withSamples(3), new Cancellation());
        assertThat(lines()).hasSize(6).startsWith(lines.toArray(String[]::new));
    }

    @Test
    void aQuestionReadTokenByTokenGetsTheSameAnswerWhereAttentionIsExact() throws IOException {
        RulerOptions exact = OPTIONS.withKv("f32");
        run(exact, new Cancellation());
        run(exact.withProtocol(RulerOptions.Protocol.B), new Cancellation());
        List<String> answers = lines().stream().map(RulerEvalTest::answer).toList();
        assertThat(answers.subList(4, 8)).isEqualTo(answers.subList(0, 4));
    }

    private static String answer(String line) {
        return line.replaceAll(".*\"answer\":(.*),\"date\".*", "$1");
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
        assertThatThrownBy(() -> RulerOptions.DEFAULT.withTasks(List.of("niah")))
                .hasMessageContaining("\"niah\"")
                .hasMessageContaining("niah_single_1");
        assertThatThrownBy(() -> run(OPTIONS.withLengths(List.of(100_000)), new Cancellation()))
                .hasMessageContaining("--length 100000");
        assertThatThrownBy(() -> run(OPTIONS.withKv("f17"), new Cancellation())).hasMessageContaining("f17");
    }
}
