package dev.lectern.measure.reproduce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.measure.BenchModel;
import dev.lectern.measure.TaskOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The pages of a tiny model in place of the real ones. */
class ReproductionTest {
    @TempDir
    Path docs;

    private Path results;

    @BeforeEach
    void folder() {
        results = docs.resolve("results");
    }

    private Room room() {
        Path tiny = Path.of("../engine/src/test/resources/tiny/qwen2");
        return new Room(
                results,
                name -> new BenchModel(name, tiny, Optional.empty()),
                ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=32"),
                List.of("lectern"),
                name -> "The harbour has two lights and one crane. ".repeat(40),
                Progress.NONE,
                new Cancellation());
    }

    private static Reproduction.Reporting silent() {
        return new Reproduction.Reporting() {
            @Override
            public void report(long done, long total) {}

            @Override
            public void close() {}
        };
    }

    private List<String> measure(List<String> names) {
        List<String> told = new ArrayList<>();
        Reproduction.measure(names, true, room(), name -> {
            told.add(name);
            return silent();
        });
        return told;
    }

    @Test
    void pagesAreWrittenFromResultFilesAlone() throws IOException {
        assertThat(measure(List.of("perplexity", "kld-smollm2-135m-prose")))
                .containsExactly("perplexity-smollm2-135m", "kld-smollm2-135m-prose");
        Files.writeString(docs.resolve("measurements.md"), "# Measurements\n\nBy hand.\n");
        assertThat(Reproduction.write(docs, results)).allMatch(Files::exists);
        String page = Files.readString(docs.resolve("measurements.md"));
        assertThat(page)
                .startsWith("# Measurements\n\nBy hand.\n")
                .contains(
                        "## Perplexity by position", "**smollm2-135m, prose**", "| chl-4 |", "(results/perplexity.png)")
                .contains("lectern eval kld --model smollm2-135m --kv f16 --kv int8")
                .doesNotContain("RULER");
        assertThat(results.resolve("perplexity.svg")).isNotEmptyFile();

        Reproduction.write(docs, results);
        assertThat(docs.resolve("measurements.md")).hasContent(page);
    }

    @Test
    void claimsWithoutAMeasurementSayNotYet() throws IOException {
        Reproduction.write(docs, results);
        String page = Files.readString(docs.resolve("claims.md"));
        assertThat(page.lines().filter(line -> line.matches("\\| \\d+ \\|.*")))
                .hasSize(23)
                .allMatch(line -> line.contains("| not yet |"));
        measure(List.of("analyze"));
        Reproduction.write(docs, results);
        assertThat(Files.readString(docs.resolve("claims.md")).lines().filter(line -> line.contains("| not yet |")))
                .hasSize(20);
    }

    @Test
    void topKIsSetAgainstSampling() throws IOException {
        measure(List.of("attention"));
        Reproduction.write(docs, results);
        assertThat(Files.readString(docs.resolve("measurements.md")))
                .contains("## TopK against sampling", "| topk:budget=2% |", "| oracle-sampling:budget=50% |");
        assertThat(results.resolve("attention-smollm2-135m.png")).isNotEmptyFile();
        assertThat(results.resolve("attention-smollm2-135m.safetensors")).doesNotExist();
    }

    @Test
    void formatsAreComparedByWhatIsAnswered() throws IOException {
        TaskOptions options = TaskOptions.DEFAULT
                .withLengths(List.of(512))
                .withTasks(List.of("niah_multikey_2"))
                .withSamples(2)
                .withKv(List.of("f16", "chl-4"));
        TaskExperiment.ask(room(), "kv-tasks-ruler-smollm2-135m", "smollm2-135m", options);
        Reproduction.write(docs, results);
        assertThat(Files.readString(docs.resolve("measurements.md")))
                .contains("**smollm2-135m**, 2 samples of each of the tasks")
                .containsPattern("\\| f16 \\| [0-9.]+ \\| +\\| – \\|")
                .containsPattern("\\| chl-4 \\| [0-9.]+ \\| [+-][0-9.]+ \\([+-][0-9.]+ … [+-][0-9.]+\\) \\| – \\|");
    }

    @Test
    void whatIsNoResultIsSaid() throws IOException {
        Files.createDirectories(results);
        Files.writeString(results.resolve("kld-mine.json"), "{}");
        assertThatThrownBy(() -> Reproduction.write(docs, results))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("kld-mine.json");
        assertThatThrownBy(() -> measure(List.of("rules")))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("\"rules\"")
                .hasMessageContaining("ruler");
    }
}
