package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class AnswerDivergenceEvalTest {
    private static final BenchModel MODEL =
            new BenchModel("qwen2", Path.of("../engine/src/test/resources/tiny/qwen2"), Optional.empty());
    private static final ModelOptions STRETCHED =
            ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=32");
    private static final TaskOptions OPTIONS = TaskOptions.DEFAULT
            .withLengths(List.of(1500))
            .withTasks(List.of("niah_single_1", "vt"))
            .withSamples(2)
            .withProtocols(List.of(Protocol.A, Protocol.B));

    private static AnswerDivergenceResult run(TaskOptions options) {
        return AnswerDivergenceEval.run(MODEL, STRETCHED, options, Progress.NONE, new Cancellation());
    }

    @Test
    void whoReadsEverythingExpectsTheSameAndWhoReadsLessDoesNot() {
        AnswerDivergenceResult result =
                run(OPTIONS.withAttention(List.of("dense", "topk:budget=100%", "uniform:budget=1%"))
                        .withKeep(List.of("h2o:budget=100%", "snapkv:budget=1%")));
        assertThat(result.rows()).hasSize(2 * 5 * 2);
        for (AnswerDivergenceResult.Row row : result.rows()) {
            assertThat(row.divergences()).hasSize(2 * (1 + AnswerDivergenceEval.TOLD));
            if (row.method().name().contains("budget=1%")) {
                assertThat(row.mean()).as(row.method().described()).isGreaterThan(1e-7);
                assertThat(row.density()).isLessThan(0.1);
            } else {
                assertThat(row.p99()).as(row.method().described()).isLessThan(1e-9);
                assertThat(row.sameTop1()).isEqualTo(1);
                assertThat(row.density()).isEqualTo(1);
            }
        }
        assertThat(result.toJson()).contains("\"meanKl\"", "\"protocol\":\"B\"", "lectern eval answer-kld");
    }

    /** With everything passed on, and no question in the anchor, blocks are read exactly; with nothing they are not. */
    @Test
    void answersDivergeOnlyWhereReadingLeavesSomethingOut() {
        String everything = "apb:hosts=3:question=apart:compressor=recent:passing=100000";
        String nothing = "apb:hosts=3:question=apart:compressor=recent:passing=0:anchor=0";
        AnswerDivergenceResult result = run(OPTIONS.withTasks(List.of("niah_single_1"))
                .withSamples(1)
                .withPrefill(List.of(everything, nothing, "star:hosts=3")));
        assertThat(result.rows()).hasSize(2 * 4);
        for (int protocol = 0; protocol < 2; protocol++) {
            List<AnswerDivergenceResult.Row> rows = result.rows().subList(4 * protocol, 4 * protocol + 4);
            assertThat(rows.getFirst().mean()).isLessThan(1e-12);
            assertThat(rows.getFirst().sameTop1()).isEqualTo(1);
            assertThat(rows.get(1).method().name()).startsWith("dense prefill=apb:hosts=3");
            assertThat(rows.get(1).mean()).isLessThan(1e-6);
            assertThat(rows.get(2).mean()).isGreaterThan(10 * rows.get(1).mean());
            assertThat(rows.get(3).divergences()).hasSize(1 + AnswerDivergenceEval.TOLD);
        }
        assertThat(result.toJson()).contains("--prefill star:hosts=3");
    }

    @Test
    void severalFormatsAreRefused() {
        assertThatThrownBy(() -> run(OPTIONS.withKv(List.of("f16", "int8"))))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("--kv names f16, int8");
    }
}
