package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AttentionEvalTest {
    private static final BenchModel MODEL =
            new BenchModel("qwen2", Path.of("../engine/src/test/resources/tiny/qwen2"), Optional.empty());
    private static final int TOKENS = 700;

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void record() {
        file = folder.resolve("attention.safetensors");
        ModelOptions stretched = ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=32");
        try (Model model = MODEL.open(stretched)) {
            int[] tokens = new Random(1).ints(TOKENS, 0, 250).toArray();
            AttentionRecording.record(
                    MODEL,
                    model,
                    stretched,
                    tokens,
                    List.of(),
                    new int[] {0, 300},
                    file,
                    Progress.NONE,
                    new Cancellation());
        }
    }

    private AttentionResults run(AttentionOptions options, int threads) {
        try (AttentionRecording recording = AttentionRecording.open(file)) {
            return AttentionEval.run(
                    recording, options, threads, "--recording FILE", Progress.NONE, new Cancellation());
        }
    }

    @Test
    void exactAttentionHasNoErrorBeyondThatOfTheFormat() {
        AttentionOptions dense = AttentionOptions.DEFAULT.withAttention(List.of("dense"));
        AttentionResults exact = run(dense, 1);
        // The recording attends in chunks, in another order of f32 sums.
        assertThat(exact.rows().getFirst().error().max()).isLessThan(1e-5);
        AttentionResults.Row rounded = run(dense.withKv("bf16"), 1).rows().getFirst();
        assertThat(rounded.error().mean()).isBetween(1e-5, 1e-2); // bf16 has 8 bits
        assertThat(rounded.massKept()).isEqualTo(1);
    }

    @Test
    void aBudgetOfEverythingIsExactAndErrorsFallUntilThere() {
        AttentionResults results = run(
                AttentionOptions.DEFAULT
                        .withAttention(List.of("topk", "oracle-sampling", "uniform"))
                        .withBudgets(List.of("2%", "20%", "100%")),
                2);
        assertThat(results.rows()).hasSize(10);
        for (String family : List.of("topk", "oracle-sampling", "uniform")) {
            List<AttentionResults.Row> rows = results.rows().stream()
                    .filter(row -> row.method().startsWith(family))
                    .toList();
            assertThat(rows).hasSize(3);
            for (int i = 1; i < 3; i++) {
                assertThat(rows.get(i).error().mean())
                        .isLessThan(rows.get(i - 1).error().mean());
                assertThat(rows.get(i).massKept()).isGreaterThan(rows.get(i - 1).massKept());
                assertThat(rows.get(i).density()).isGreaterThan(rows.get(i - 1).density());
            }
            assertThat(rows.get(2).error().max()).isLessThan(1e-5);
            assertThat(rows.get(2).massKept()).isCloseTo(1, within(1e-9));
            assertThat(rows.get(2).density()).isEqualTo(1);
        }
        assertThat(results.ratios()).hasSize(3);
        assertThat(results.rows().getFirst().errors())
                .hasSize(results.rows().getLast().errors().size());
    }

    @Test
    void topPKeepsTheMassThatItIsAskedFor() {
        AttentionResults results = run(AttentionOptions.DEFAULT.withAttention(List.of("topp:p=0.8")), 1);
        assertThat(results.rows().getLast().massKept()).isBetween(0.8, 1.0);
    }

    @Test
    void resultsDoNotDependOnThreads() {
        assertThat(run(AttentionOptions.DEFAULT, 2).rows())
                .isEqualTo(run(AttentionOptions.DEFAULT, 1).rows());
    }

    @Test
    void whatCannotBeIsSaid() {
        assertThatThrownBy(() -> AttentionOptions.DEFAULT.withAttention(List.of("topq")))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("topk");
        assertThatThrownBy(() -> AttentionOptions.DEFAULT.withBudgets(List.of("many")))
                .hasMessageContaining("many");
        assertThatThrownBy(() -> AttentionOptions.DEFAULT.withKv("f17")).hasMessageContaining("f17");
    }
}
