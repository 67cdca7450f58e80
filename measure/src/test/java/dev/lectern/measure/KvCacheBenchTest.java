package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import dev.lectern.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KvCacheBenchTest {
    private static final Path TINY = Path.of("../engine/src/test/resources/tiny");

    @TempDir
    Path folder;

    private static BenchModel model(String name) {
        return new BenchModel(name, TINY.resolve(name), Optional.empty());
    }

    private KvCacheOptions options() {
        return KvCacheOptions.in(folder)
                .withPrompt("a bc")
                .withTokens(12)
                .withRuns(2)
                .withThreads(1);
    }

    private static KvCacheResult run(String model, KvCacheOptions options) {
        return KvCacheBench.run(model(model), options, Progress.NONE, new Cancellation());
    }

    @ParameterizedTest
    @CsvSource({"gpt2, f32", "gpt2, f16", "smollm2, f32", "qwen2, bf16", "mistral-window, f32", "llama2-q4_0.gguf, f32"
    })
    void bothWaysChooseTheSameTokens(String name, String kv) {
        KvCacheResult result = run(name, options().withKv(kv));
        assertThat(result.agreement().positions()).isEmpty();
        assertThat(result.agreement().largest()).isLessThan(result.agreement().allowed());
        assertThat(result.withCache().seconds()).hasSize(2).allMatch(seconds -> seconds > 0);
        assertThat(result.withoutCache().seconds()).hasSize(2).allMatch(seconds -> seconds > 0);
        assertThat(result.kvBytes()).isPositive();
        assertThat(result.setting().kv()).isEqualTo(kv);
    }

    @Test
    void theCurveEndsWithTheMeanOfTheRuns() {
        KvCacheResult result = run("gpt2", options());
        KvCacheResult.Curve curve = result.curve();
        assertThat(curve.tokens()).hasSize(12).isSorted().startsWith(1).endsWith(12);
        assertThat(curve.withCache()).isSorted();
        assertThat(curve.withoutCache()).isSorted();
        assertThat(curve.withCache().getLast())
                .isCloseTo(result.withCache().wallClock().mean(), within(1e-9));
        assertThat(curve.withoutCache().getLast())
                .isCloseTo(result.withoutCache().wallClock().mean(), within(1e-9));
    }

    @Test
    void progressCountsEveryTokenThatIsReadAndEndsAtTheTotal() {
        List<Long> done = new ArrayList<>();
        AtomicLong totals = new AtomicLong(-1);
        KvCacheBench.run(
                model("gpt2"),
                options(),
                (now, total) -> {
                    done.add(now);
                    assertThat(totals.getAndSet(total)).isIn(-1L, total);
                },
                new Cancellation());
        assertThat(done).isSorted().doesNotHaveDuplicates();
        assertThat(done.getLast()).isEqualTo(totals.get());
    }

    @Test
    @SuppressWarnings("unchecked")
    void theResultIsOneJsonObjectThatCanBeReadBack() throws IOException {
        KvCacheResult result = run("gpt2", options());
        Map<String, Object> json =
                (Map<String, Object>) Json.parse(result.toJson().getBytes(StandardCharsets.UTF_8));
        assertThat(json).containsOnlyKeys("results", "command", "commit", "date", "machine");
        assertThat((Map<String, Object>) json.get("machine"))
                .containsOnlyKeys("cpu", "cores", "vectorBits", "memory", "os", "java");
        Map<String, Object> only = ((List<Map<String, Object>>) json.get("results")).getFirst();
        assertThat(only)
                .containsOnlyKeys(
                        "model",
                        "sha256",
                        "modelBytes",
                        "prompt",
                        "promptTokens",
                        "tokens",
                        "kv",
                        "threads",
                        "runsWanted",
                        "withCache",
                        "withoutCache",
                        "ratio",
                        "ratios",
                        "cpuRatio",
                        "sameTokens",
                        "agreement",
                        "kvBytes",
                        "load",
                        "curve")
                .containsEntry("sameTokens", true)
                .containsEntry("tokens", 12L);
        assertThat((Map<String, Object>) only.get("withCache"))
                .containsOnlyKeys("seconds", "cpuSeconds", "mean", "stddev", "median", "tokensPerSecond");
        Path kept = folder.resolve("kv-cache-gpt2-12.json");
        assertThat(KvCacheResult.fromJson(Files.readAllBytes(kept))).contains(result);
        assertThat(KvCacheResult.fromJson("{\"results\":[{}]}".getBytes(StandardCharsets.UTF_8)))
                .isEmpty();
        assertThat(KvCacheResult.fromJson("[".getBytes(StandardCharsets.UTF_8))).isEmpty();
    }

    @Test
    void aStopKeepsTheFinishedRunsAndResumeGoesOnFromThem() throws IOException {
        Path kept = folder.resolve("kv-cache-gpt2-12.json");
        Cancellation cancellation = new Cancellation();
        assertThatThrownBy(() -> KvCacheBench.run(
                        model("gpt2"),
                        options().withRuns(3),
                        (done, total) -> {
                            if (Files.exists(kept)) {
                                cancellation.cancel();
                            }
                        },
                        cancellation))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED))
                .hasMessageContaining("after 1 of 3 runs")
                .hasMessageContaining(kept.toString())
                .hasMessageContaining("--resume");
        KvCacheResult first = KvCacheResult.fromJson(Files.readAllBytes(kept)).orElseThrow();
        assertThat(first.withCache().runs()).isEqualTo(1);
        assertThat(first.runsWanted()).isEqualTo(3);

        KvCacheResult all = run("gpt2", options().withRuns(3).withResume(true));
        assertThat(all.withCache().seconds())
                .hasSize(3)
                .startsWith(first.withCache().seconds().getFirst());
        assertThat(all.withoutCache().seconds())
                .hasSize(3)
                .startsWith(first.withoutCache().seconds().getFirst());
        assertThat(all.curve().withCache().getLast())
                .isCloseTo(all.withCache().wallClock().mean(), within(1e-9));

        // All are there: nothing is measured again. Of another setting, nothing counts.
        assertThat(run("gpt2", options().withRuns(3).withResume(true))).isEqualTo(all);
        assertThat(run("gpt2", options().withKv("f16").withResume(true))
                        .withCache()
                        .seconds())
                .hasSize(2)
                .doesNotContain(first.withCache().seconds().getFirst());
    }

    @Test
    void runsOfAnotherCommitDoNotCount() throws IOException {
        KvCacheResult first = run("gpt2", options().withRuns(1));
        assertThat(first.provenance().command())
                .isEqualTo(
                        "lectern bench kv-cache --model gpt2 --tokens 12 --runs 1 --threads 1 --kv f32 --prompt 'a bc'");
        Path kept = folder.resolve("kv-cache-gpt2-12.json");
        String json = Files.readString(kept);
        String commit = "\"commit\" : \"" + first.provenance().commit() + "\"";
        Files.writeString(kept, json.replace(commit, "\"commit\" : \"0123456789abcdef\""));
        assertThat(KvCacheResult.fromJson(Files.readAllBytes(kept)))
                .hasValueSatisfying(earlier ->
                        assertThat(earlier.provenance().shortCommit()).isEqualTo("0123456789"));
        KvCacheResult again = run("gpt2", options().withRuns(1).withResume(true));
        assertThat(again.withCache().seconds())
                .hasSize(1)
                .doesNotContain(first.withCache().seconds().getFirst());
        assertThat(again.provenance().commit()).isEqualTo(first.provenance().commit());
    }

    @Test
    void publishedResultsWithoutACommitCanBeRead() throws IOException {
        Path published = Path.of("../docs/results/kv-cache-gpt2-shape-200.json");
        KvCacheResult result =
                KvCacheResult.fromJson(Files.readAllBytes(published)).orElseThrow();
        assertThat(result.provenance().isKnown()).isFalse();
        assertThat(result.provenance().command())
                .isEqualTo("lectern bench kv-cache --model gpt2-shape --tokens 200 --runs 2 --threads 2 --kv f32");
    }

    @Test
    void aStopBeforeTheFirstRunSaysSo() {
        Cancellation cancellation = new Cancellation();
        cancellation.cancel();
        assertThatThrownBy(() -> KvCacheBench.run(model("gpt2"), options(), Progress.NONE, cancellation))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("before the first run");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void moreTokensThanTheModelHoldsAreRefusedWithBothNumbers() {
        assertThatThrownBy(() -> run("gpt2", options().withTokens(100_000)))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.TOO_LONG))
                .hasMessageContaining("100000")
                .hasMessageContaining("ask for at most");
    }

    @Test
    void optionsThatCannotBeAreRefused() {
        assertThatThrownBy(() -> options().withTokens(0)).hasMessageContaining("--tokens");
        assertThatThrownBy(() -> options().withRuns(0)).hasMessageContaining("--runs");
        assertThatThrownBy(() -> options().withPrompt("")).hasMessageContaining("--prompt");
        assertThatThrownBy(() -> options().withKv("q4")).hasMessageContaining("--kv");
        assertThatThrownBy(() -> run("gpt2", options().withThreads(-1))).hasMessageContaining("--threads");
    }

    @Test
    void aReportHasEveryResultOfItsFolder() throws IOException {
        Path results = folder.resolve("docs/results");
        Path document = folder.resolve("docs/measurements.md");
        Files.createDirectories(results);
        Files.writeString(document, "# Measurements\n");
        assertThatThrownBy(() -> KvCacheReport.record(document, results)).hasMessageContaining("has no result");
        KvCacheOptions small = KvCacheOptions.in(results)
                .withPrompt("it's")
                .withTokens(3)
                .withRuns(1)
                .withThreads(1);
        KvCacheResult gpt2 = run("gpt2", small);
        run("smollm2", small);
        KvCacheReport.record(document, results);
        assertThat(KvCacheReport.write(gpt2, results))
                .allSatisfy(file -> assertThat(file).isNotEmptyFile());
        assertThat(results.resolve("kv-cache-gpt2-3.csv"))
                .content()
                .startsWith("tokens,with_cache_seconds,without_cache_seconds\n1,");
        assertThat(document)
                .content()
                .startsWith("# Measurements\n")
                .contains("| gpt2 | 3 | 1 | 1 | f32 |")
                .contains("(results/kv-cache-gpt2-3.json)")
                .contains("| smollm2 | 3 |")
                .contains(
                        "lectern bench kv-cache --model gpt2 --tokens 3 --runs 1 --threads 1 --kv f32 --prompt 'it'\\''s'\n")
                .contains(Machine.here().described());
        assertThat(KvCacheReport.summary(gpt2)).contains("the same").contains("1 run each, 1 thread");
    }
}
