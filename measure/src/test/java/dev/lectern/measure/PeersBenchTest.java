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
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With scripts in the place of llama.cpp and of Lectern's own command. */
class PeersBenchTest {
    private static final Path MODEL = Path.of("../engine/src/test/resources/tiny/qwen2-bf16.gguf");
    private static final BenchModel SUBJECT = new BenchModel("tiny", MODEL, Optional.empty());

    @TempDir
    Path folder;

    private Path python;

    @BeforeEach
    void peer() throws IOException {
        python = Scripts.write(folder.resolve("bin/python"), Scripts.PEER);
    }

    private PeersOptions options(PeerRow first, PeerRow... more) {
        return options(EnumSet.of(first, more), 3, 90, List.of("lectern"));
    }

    private PeersOptions options(Set<PeerRow> rows, int pairs, int depth, List<String> lectern) {
        return new PeersOptions(rows, pairs, depth, 20, 5, 1, python, lectern, "1.2.3", folder.resolve("out"));
    }

    private PeersOptions options(List<String> lectern, PeerRow first, PeerRow... more) {
        return options(EnumSet.of(first, more), 3, 90, lectern);
    }

    private static PeersResult run(PeersOptions options) {
        return PeersBench.run(SUBJECT, options, Progress.NONE, new Cancellation());
    }

    /** A command that says what "lectern generate" would after reading so many tokens. */
    private List<String> lectern(int tokens) throws IOException {
        Path script = Scripts.write(folder.resolve("bin/lectern"), """
                #!/bin/sh
                echo '{"answer":"x","tokens":{"prompt":%d},"seconds":{"firstToken":0.25},"bytes":{"peakRss":3000000}}'
                """.formatted(tokens));
        return List.of(script.toString());
    }

    @Test
    void everyRowComparesPairsThatTookTurns() {
        List<Long> done = new ArrayList<>();
        List<Long> totals = new ArrayList<>();
        PeersResult result = PeersBench.run(
                SUBJECT,
                options(PeerRow.PREFILL, PeerRow.DECODE, PeerRow.PREFILL_DEEP, PeerRow.DECODE_DEEP, PeerRow.BATCH),
                (now, total) -> {
                    done.add(now);
                    totals.add(total);
                },
                new Cancellation());
        assertThat(result.comparisons())
                .extracting(Comparison::row)
                .containsExactly(
                        PeerRow.PREFILL, PeerRow.DECODE, PeerRow.PREFILL_DEEP, PeerRow.DECODE_DEEP, PeerRow.BATCH);
        Comparison prefill = result.comparisons().get(0),
                decode = result.comparisons().get(1);
        // 20 tokens in the script's 0.5 s, 5 in its 0.25 s.
        assertThat(prefill.peer()).containsExactly(40.0, 40.0, 40.0);
        assertThat(decode.peer()).containsExactly(20.0, 20.0, 20.0);
        assertThat(prefill.lectern()).hasSize(3).allMatch(rate -> rate > 0);
        assertThat(prefill.ratios().getFirst()).isCloseTo(prefill.lectern().getFirst() / 40, within(1e-9));
        assertThat(result.comparisons()).allMatch(c -> c.target().isEmpty());
        assertThat(result.comparisons().get(2).what()).isEqualTo("prefill of 20 tokens at depth 90");
        assertThat(result.comparisons().get(3).what()).isEqualTo("decode at depth 110, 5 tokens");
        assertThat(result.setting().peer()).isEqualTo("9.9");
        assertThat(result.setting().lectern()).isEqualTo("1.2.3");
        assertThat(result.speeds())
                .extracting(speed -> speed.engine() + " " + speed.speed().depth())
                .containsExactly("lectern 0", "llama.cpp 0", "lectern 90", "llama.cpp 90");
        assertThat(done).isSorted();
        assertThat(totals).containsOnly(totals.getFirst());
        assertThat(done.getLast()).isBetween(Math.round(0.99 * totals.getFirst()), totals.getFirst());
    }

    @Test
    void freshProcessesReadTheSameTokens() throws IOException {
        FreshProcesses.Prompt prompt;
        try (Model model = Model.open(MODEL, ModelOptions.DEFAULT)) {
            prompt = FreshProcesses.Prompt.upTo(model, model.context() - 1);
            assertThat(prompt.tokens().length).isBetween(100, 127);
        }
        PeersResult result = run(
                options(lectern(prompt.tokens().length), PeerRow.FIRST_TOKEN, PeerRow.FIRST_ANSWER, PeerRow.MEMORY));
        assertThat(result.comparisons())
                .extracting(Comparison::row)
                .containsExactly(PeerRow.FIRST_TOKEN, PeerRow.FIRST_ANSWER, PeerRow.MEMORY);
        // Of seconds, the peer's are divided by ours; of bytes, ours by the peer's.
        assertThat(result.comparisons().getFirst().ratios()).containsExactly(2.0, 2.0, 2.0);
        assertThat(result.comparisons().get(2).ratios()).containsExactly(3.0);
        assertThat(result.setting().peer()).isEqualTo("9.9");
        assertThatThrownBy(() -> run(options(lectern(5), PeerRow.FIRST_TOKEN)))
                .hasMessageContaining("read 5 tokens instead of " + prompt.tokens().length);
    }

    @Test
    void whatASystemDoesNotTellIsLeftOutWithASentence() throws IOException {
        Scripts.write(python, Scripts.PEER.replace("1000000", "null"));
        int tokens;
        try (Model model = Model.open(MODEL, ModelOptions.DEFAULT)) {
            tokens = FreshProcesses.Prompt.upTo(model, model.context() - 1).tokens().length;
        }
        PeersResult result = run(options(lectern(tokens), PeerRow.MEMORY));
        assertThat(result.comparisons()).isEmpty();
        assertThat(result.leftOut()).singleElement().asString().contains("Peak memory is left out");
        assertThat(PeersReport.summary(result)).contains("Peak memory is left out");
    }

    @Test
    void theResultIsOneJsonObjectAndCanBeReadBack() throws IOException {
        PeersResult result = run(options(PeerRow.PREFILL));
        Map<?, ?> json =
                (Map<?, ?>) Json.parse(PeersResult.toJson(List.of(result)).getBytes(StandardCharsets.UTF_8));
        assertThat(json.keySet()).map(String::valueOf).containsExactly("results", "ratios", "settings", "machine");
        Map<?, ?> speed = (Map<?, ?>) ((List<?>) json.get("results")).getFirst();
        assertThat(speed.keySet())
                .map(String::valueOf)
                .containsExactly(
                        "model", "depth", "kv", "attention", "batch", "prefill", "decode", "bytesPerToken", "engine");
        assertThat(speed.get("engine")).isEqualTo("lectern");
        Map<?, ?> ratio = (Map<?, ?>) ((List<?>) json.get("ratios")).getFirst();
        assertThat(ratio.get("row")).isEqualTo("prefill");
        assertThat(ratio.get("target")).isNull();

        Path kept = options(PeerRow.PREFILL).file(result);
        assertThat(kept.getFileName()).hasToString(result.name() + "-prefill.json");
        assertThat(result.name()).endsWith("-bit-depth-90-prompt-tokens-20-decode-tokens-5");
        assertThat(result.provenance().command())
                .isEqualTo("lectern bench peers --model tiny --pairs 3 --threads 1"
                        + " --depth 90 --prompt-tokens 20 --decode-tokens 5 --no-repack --rows prefill");
        PeersResult again = PeersResult.fromJson(Files.readAllBytes(kept)).orElseThrow();
        assertThat(again.setting()).isEqualTo(result.setting());
        assertThat(again.provenance()).isEqualTo(result.provenance());
        assertThat(again.comparisons()).isEqualTo(result.comparisons());
        assertThat(PeersResult.fromJson("{\"settings\":[]}".getBytes(StandardCharsets.UTF_8)))
                .isEmpty();
        assertThat(PeersResult.fromJson("[".getBytes(StandardCharsets.UTF_8))).isEmpty();
    }

    @Test
    void publishedResultsWithoutSizesAndACommitAreOfTheUsualOnes() throws IOException {
        String name = "peers-smollm2-135m-amd-epyc-512-bit";
        PeersResult result = PeersResult.fromJson(Files.readAllBytes(Path.of("../docs/results/" + name + ".json")))
                .orElseThrow();
        assertThat(result.name()).isEqualTo(name);
        assertThat(result.setting().depth()).isEqualTo(PeersOptions.DEPTH);
        assertThat(result.provenance().isKnown()).isFalse();
        assertThat(result.provenance().command())
                .startsWith("lectern bench peers --model smollm2-135m --pairs 5 --threads 2 --rows prefill,decode,");
    }

    @Test
    void aReportHasEveryResultOfItsFolderAndSaysWhatWasMissed() throws IOException {
        PeersResult measured = run(options(PeerRow.PREFILL));
        PeersResult made = new PeersResult(
                measured.setting(),
                measured.provenance(),
                List.of(),
                List.of(
                        new Comparison(
                                PeerRow.PREFILL,
                                "prefill",
                                List.of(20.0, 30.0, 40.0),
                                List.of(10.0, 10.0, 10.0),
                                OptionalDouble.of(3)),
                        new Comparison(PeerRow.DECODE, "decode", List.of(1.0), List.of(1.0), OptionalDouble.of(1.5)),
                        new Comparison(PeerRow.MEMORY, "memory", List.of(4e8), List.of(2e8), OptionalDouble.of(250e6))),
                List.of(),
                0);
        Path results = folder.resolve("docs/results");
        Path document = folder.resolve("docs/measurements.md");
        assertThatThrownBy(() -> PeersReport.record(document, results)).hasMessageContaining("cannot be read");
        Files.createDirectories(results);
        assertThatThrownBy(() -> PeersReport.record(document, results)).hasMessageContaining("has no result");
        Files.writeString(results.resolve(made.name() + ".json"), made.toIndentedJson());
        Files.writeString(document, "# Measurements\n");
        PeersReport.record(document, results);
        assertThat(document)
                .content()
                .startsWith("# Measurements\n")
                .contains("| prefill | 30.0 t/s | 10.0 t/s | 3.00 (2.00 … 4.00) | 3.0: reached |")
                .contains("| decode | 1.00 t/s | 1.00 t/s | 1.00 | 1.5: missed |")
                .contains("| memory | 400 MB | 200 MB | 2.00 | at most 250 MB more: reached |")
                .contains("(results/" + made.name() + ".json)", "llama-cpp-python 9.9", "(FAKE = 1)")
                .contains(Machine.here().described());

        PeersResult busy =
                new PeersResult(made.setting(), made.provenance(), List.of(), made.comparisons(), List.of(), 1000);
        assertThat(PeersReport.summary(busy))
                .contains("3.0: no telling on a busy machine", "at most 250 MB more: reached", "load 1000.0");
    }

    @Test
    void aPeerThatFailsIsNamedInASentence() throws IOException {
        Scripts.write(python, "#!/bin/sh\necho 'boom: no such thing' >&2\nexit 3\n");
        assertThatThrownBy(() -> run(options(PeerRow.PREFILL)))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("llama.cpp ended with exit code 3")
                .hasMessageContaining("boom");
        Scripts.write(
                python, "#!/bin/sh\nread line\necho '{\"error\":\"ModuleNotFoundError: llama_cpp\"}'\nread line\n");
        assertThatThrownBy(() -> run(options(PeerRow.PREFILL)))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.BAD_OPTION))
                .hasMessageContaining("has no llama.cpp")
                .hasMessageContaining("--python");
        Scripts.write(python, "#!/bin/sh\nread line\necho hello\nread line\n");
        assertThatThrownBy(() -> run(options(PeerRow.PREFILL))).hasMessageContaining("no JSON object: hello");
        assertThatThrownBy(() -> PeersBench.run(
                        SUBJECT,
                        new PeersOptions(
                                EnumSet.of(PeerRow.PREFILL),
                                3,
                                90,
                                10,
                                2,
                                1,
                                folder.resolve("nowhere"),
                                List.of(),
                                "1",
                                folder),
                        Progress.NONE,
                        new Cancellation()))
                .hasMessageContaining("does not start");
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void aStopEndsItWhileThePeerIsSilentAndKeepsNothing() throws IOException {
        Scripts.write(python, "#!/bin/sh\nsleep 60\n");
        Cancellation cancellation = new Cancellation();
        Thread.ofPlatform().start(() -> {
            try {
                Thread.sleep(300);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            cancellation.cancel();
        });
        long began = System.nanoTime();
        assertThatThrownBy(() -> PeersBench.run(SUBJECT, options(PeerRow.PREFILL), Progress.NONE, cancellation))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED));
        assertThat((System.nanoTime() - began) / 1e9).isLessThan(10);
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void whatCannotBeIsRefused() {
        assertThatThrownBy(() -> run(options(Set.of(PeerRow.PREFILL_DEEP), 3, 120, List.of())))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.TOO_LONG))
                .hasMessageContaining("holds 128");
        assertThatThrownBy(() -> options(Set.of(PeerRow.PREFILL), 0, 90, List.of()))
                .hasMessageContaining("--pairs");
        assertThatThrownBy(() -> options(Set.of(), 3, 90, List.of())).hasMessageContaining("--rows");
        assertThatThrownBy(() -> PeerRow.of("speed")).hasMessageContaining("prefill-deep");
        assertThatThrownBy(() -> PeersBench.run(
                        new BenchModel("folder", MODEL.resolveSibling("qwen2"), Optional.empty()),
                        options(PeerRow.PREFILL),
                        Progress.NONE,
                        new Cancellation()))
                .hasMessageContaining("not a GGUF file");
    }

    @Test
    void targetsAreThoseOfTheModelAndTheVectorWidth() {
        assertThat(PeerRow.PREFILL.target("smollm2-135m", 512)).hasValue(1.2);
        assertThat(PeerRow.PREFILL.target("smollm2-135m", 256)).hasValue(2.0);
        assertThat(PeerRow.PREFILL.target("qwen2.5-coder-0.5b", 256)).hasValue(1.4);
        assertThat(PeerRow.DECODE_DEEP.target("qwen2.5-coder-0.5b", 512)).hasValue(2.5);
        assertThat(PeerRow.FIRST_ANSWER.target("smollm2-135m", 512)).isEmpty();
        assertThat(PeerRow.DECODE.target("another", 512)).isEmpty();
        for (PeerRow row : PeerRow.values()) {
            assertThat(PeerRow.of(row.key())).isEqualTo(row);
        }
    }
}
