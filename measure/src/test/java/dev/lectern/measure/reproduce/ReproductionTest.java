package dev.lectern.measure.reproduce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.measure.AttentionOptions;
import dev.lectern.measure.BenchModel;
import dev.lectern.measure.Evaluated;
import dev.lectern.measure.HeadOptions;
import dev.lectern.measure.HeadTraining;
import dev.lectern.measure.KeptSpeed;
import dev.lectern.measure.MethodSpeed;
import dev.lectern.measure.PrefillPlan;
import dev.lectern.measure.PrefillSpeed;
import dev.lectern.measure.Protocol;
import dev.lectern.measure.Provenance;
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
        return room(Progress.NONE, new Cancellation());
    }

    private Room room(Progress progress, Cancellation cancellation) {
        Path tiny = Path.of("../engine/src/test/resources/tiny/qwen2");
        return new Room(
                results,
                name -> new BenchModel(name, tiny, Optional.empty()),
                ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=32"),
                List.of("lectern"),
                name -> "The harbour has two lights and one crane. ".repeat(40),
                progress,
                cancellation);
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

    /** The commit is known where the launcher stands in a checkout, and says what ran where nothing was changed after it. */
    @Test
    void whatThisCommitHasMeasuredHereIsNotMeasuredAgainUnlessItIsNamed() {
        System.setProperty("lectern.launcher", Path.of("..", "lectern").toString());
        try {
            Provenance here = Provenance.here("");
            assumeThat(here.isKnown() && here.isLike(here)).isTrue();
            assertThat(measure(List.of("perplexity"))).containsExactly("perplexity-smollm2-135m");
            assertThat(measure(List.of("perplexity"))).isEmpty();
            assertThat(measure(List.of("perplexity-smollm2-135m"))).containsExactly("perplexity-smollm2-135m");
        } finally {
            System.clearProperty("lectern.launcher");
        }
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
    void resultsOfTasksAreThereAfterAFewSamplesOfEach() {
        String name = "ruler-smollm2-135m-1200";
        TaskOptions options = TaskOptions.DEFAULT
                .withLengths(List.of(1200))
                .withTasks(List.of("niah_single_1"))
                .withSamples(6);
        Cancellation stop = new Cancellation();
        Room interrupted = room(
                (done, all) -> {
                    if (Files.exists(results.resolve(name + ".json"))) {
                        stop.cancel();
                    }
                },
                stop);
        assertThatThrownBy(() -> TaskExperiment.ask(interrupted, name, "smollm2-135m", options))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED));
        assertThat(TaskExperiment.samples(ResultFile.all(results, name).getFirst()))
                .isEqualTo(2);
        TaskExperiment.ask(room(), name, "smollm2-135m", options);
        assertThat(TaskExperiment.samples(ResultFile.all(results, name).getFirst()))
                .isEqualTo(6);
        TaskExperiment.ask(room(), name, "smollm2-135m", options.withSamples(1));
        assertThat(TaskExperiment.samples(ResultFile.all(results, name).getFirst()))
                .isEqualTo(6);
    }

    @Test
    void theTableOfWhatIsKeptIsOne() throws IOException {
        for (String model : List.of("smollm2-135m", "qwen2.5-coder-0.5b")) {
            Evaluated evaluated = new Evaluated(model, "12", 2, Provenance.here("lectern eval reproduce --full kept"));
            KeptSpeed kept = new KeptSpeed(
                    evaluated, 8000, 16.5, List.of(.04, .05, .06), List.of(1.5, 1.6, 1.5), List.of(.33, .3, .4));
            room().keep("kept-" + model, kept.toJson());
        }
        Reproduction.write(docs, results);
        assertThat(Files.readString(docs.resolve("measurements.md")))
                .contains(
                        "one to |\n| --- | --: | --: | --: | --: | --: | --: | --: |\n| ",
                        "\n| smollm2-135m | 8000 | 16.5 | 0.050 | 1.50 | 11.0 | 0.33 | 50.0 |\n");
    }

    @Test
    void whatHeadsFindIsToldOfPromptsThatTheyHaveNotLearned() throws IOException {
        Path tiny = Path.of("../engine/src/test/resources/tiny/qwen2"), learned = docs.resolve("learned");
        BenchModel subject =
                new BenchModel("smollm2-135m", tiny, Optional.empty(), Optional.empty(), Optional.of(learned));
        HeadOptions options = new HeadOptions(4, 4096, 8, 2, 5e-3, 4_000_000, 1);
        String json =
                HeadTraining.result(subject, room().options(), options, "lectern", Progress.NONE, new Cancellation());
        room().keep("heads-smollm2-135m", json);
        Reproduction.write(docs, results);
        assertThat(Files.readString(docs.resolve("measurements.md")))
                .containsPattern("\\| smollm2-135m \\| 3 (\\| [0-9.]+ % ){5}\\|");
        // What is there is used, and not trained again.
        Cancellation stopped = new Cancellation();
        stopped.cancel();
        HeadTraining.requireTrained(subject, room().options(), options, Progress.NONE, stopped);
    }

    @Test
    void whatIsMeasuredIsKeptWhereItsFigureCannotBeDrawn() throws IOException {
        for (String figure : List.of("analyze-smollm2-135m", "perplexity")) {
            Files.createDirectories(results.resolve(figure + ".png.part")); // where the figure is to be written
        }
        measure(List.of("analyze", "perplexity"));
        assertThat(results.resolve("analyze-smollm2-135m.json")).isNotEmptyFile();
        assertThat(results.resolve("analyze-smollm2-135m.csv")).isNotEmptyFile();
        assertThat(results.resolve("analyze-smollm2-135m.png")).doesNotExist();
        Reproduction.write(docs, results);
        assertThat(Files.readString(docs.resolve("measurements.md")))
                .contains("## Where keys and values lie", "## Perplexity by position");
    }

    private String claim(int number) throws IOException {
        Reproduction.write(docs, results);
        return Files.readAllLines(docs.resolve("claims.md")).stream()
                .filter(line -> line.startsWith("| " + number + " |"))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void magicPigIsSetBesideQuest() throws IOException {
        TaskOptions options = TaskOptions.DEFAULT
                .withLengths(List.of(1200))
                .withTasks(List.of("niah_single_1"))
                .withSamples(1)
                .withProtocols(List.of(Protocol.values()))
                .withAttention(List.of("dense", MethodTasksExperiment.QUEST, MethodTasksExperiment.MAGIC_PIG))
                .withKeep(List.of("h2o:budget=20%"));
        TaskExperiment.ask(room(), MethodTasksExperiment.PREFIX + "smollm2-135m-1200", "smollm2-135m", options);
        // The tiny model knows nothing: both score 0, and one sample decides nothing.
        assertThat(claim(14))
                .contains(
                        "| not yet |",
                        "smollm2-135m-1200, protocol A: 0.0 against 0.0 (",
                        "protocol B",
                        "`lectern eval ruler`");
        assertThat(Files.readString(docs.resolve("measurements.md")))
                .containsPattern(
                        "\\| dense keep=h2o:budget=20%:recent=0.5 \\| 0.0 \\| \\+0.0 .* \\| [0-9.]+ % \\| [0-9.]+ % \\|");
    }

    @Test
    void oneProjectionIsSetBesideOneForEachHead() throws IOException {
        AttentionOptions options = AttentionOptions.DEFAULT
                .withKv("f16")
                .withAttention(
                        List.of("magicpig:k=10:l=150:dense=none", "magicpig:k=10:l=150:dense=none:projection=head"));
        AttentionExperiment.measure(room(), SparseExperiment.PREFIX + "smollm2-135m", "smollm2-135m", options, 500);
        assertThat(claim(13))
                .containsPattern("\\| (reproduced|refuted) \\|")
                .containsPattern("384 KB; .*: mean relative error [0-9.]+ with one for all, [0-9.]+ with one for each");
    }

    /** Rates of dense attention and MagicPIG, each for one sequence and for as many as fit. */
    private void speeds(String model, int depth, double... rates) throws IOException {
        MethodSpeed.Plan plan = new MethodSpeed.Plan(
                depth, List.of(1, MethodSpeed.MOST), List.of("dense", "magicpig:k=10:l=150"), 16, 3, 1L << 30, 1);
        List<MethodSpeed.Row> rows = new ArrayList<>();
        for (int i = 0; i < rates.length; i++) {
            MethodSpeed.Asked asked = new MethodSpeed.Asked(
                    plan.methods().get(i % 2), plan.batches().get(i / 2));
            Optional<MethodSpeed.Speed> speed = Double.isNaN(rates[i])
                    ? Optional.empty()
                    : Optional.of(new MethodSpeed.Speed(rates[i], 30, 40, 1000, 5000, i % 2 * 2_000_000, 1.5, 9));
            rows.add(new MethodSpeed.Row(
                    asked, 1 + 6 * (i / 2), speed, speed.isPresent() ? "" : "does not fit: 2 GB, of 1 GB"));
        }
        Evaluated evaluated = new Evaluated(model, "", 1, Provenance.here("lectern eval reproduce"));
        room().keep(
                        MethodSpeedExperiment.PREFIX + model + "-" + depth,
                        new MethodSpeed(evaluated, plan, rows).toJson());
    }

    @Test
    void speedsOfMethodsAreSetBesideDenseAttention() throws IOException {
        speeds("smollm2-135m", 8192, 10, 15);
        assertThat(claim(15)).contains("| not yet |", "with one, on a CPU", "at 8192 tokens, magicpig: 1.50 × |");
        speeds("smollm2-135m", 8192, 10, 15, 20, 18);
        assertThat(claim(15)).contains("| refuted |", "smollm2-135m at 8192 tokens, magicpig: 0.90 × with 7 sequences");
        speeds("smollm2-135m", 32_768, 10, 15, 20, 40);
        assertThat(claim(15)).contains("| partly |", "32768 tokens, magicpig: 2.00 × with 7 sequences");
        speeds("smollm2-135m", 8192, 10, 15, 20, Double.NaN);
        assertThat(claim(15)).contains("| reproduced |", "8192 tokens, magicpig: does not fit: 2 GB, of 1 GB");
        assertThat(claim(17))
                .contains("| not testable here |", "smollm2-135m at 32768 tokens: 75 % (dense), 75 % (magicpig)");
        assertThat(Files.readString(docs.resolve("measurements.md")))
                .contains("**smollm2-135m, 8192 tokens cached**")
                .contains(
                        "| 1 | magicpig:k=10:l=150:dense=0+16+32+48+64 | 15.00 | 1.50 × | 30.00 | 1.00 × | 1000 | 5000 | 2.0 | 1.50 |")
                .contains("| most: 7 | magicpig:k=10:l=150:dense=0+16+32+48+64 | does not fit: 2 GB, of 1 GB | – |")
                .contains("Not measured yet: 2 rows.")
                .contains("(results/method-speed-smollm2-135m-by-depth-most.png)");
    }

    /** Seconds of the full reading, of Star and of APB, both of eight blocks. */
    private void readings(String model, int tokens, double full, double star, double apb) {
        PrefillPlan plan = PrefillPlan.DEFAULT
                .withLengths(List.of(tokens))
                .withMethods(List.of("ring", "star", "star:anchor=again", "minference", "apb"))
                .withHosts(List.of(8));
        List<PrefillSpeed.Row> rows = new ArrayList<>();
        rows.add(reading(new PrefillPlan.Asked(tokens, "full", 1, false), full, 1600, 1600));
        rows.add(reading(new PrefillPlan.Asked(tokens, "ring", 8, true), full * 1.25, 1600, 200));
        rows.add(reading(new PrefillPlan.Asked(tokens, "star:hosts=8", 8, false), star, 800, 200));
        rows.add(reading(new PrefillPlan.Asked(tokens, "star:hosts=8:anchor=again", 8, false), star * 1.2, 900, 300));
        rows.add(reading(new PrefillPlan.Asked(tokens, "minference", 1, false), full / 5, Double.NaN, Double.NaN));
        rows.add(reading(new PrefillPlan.Asked(tokens, PrefillTasksExperiment.APB, 8, false), apb, 640, 100));
        Evaluated evaluated = new Evaluated(model, "", 2, Provenance.here("lectern eval reproduce"));
        room().keep(
                        PrefillSpeedExperiment.PREFIX + model + "-" + tokens,
                        new PrefillSpeed(evaluated, plan, "", rows).toJson());
    }

    private static PrefillSpeed.Row reading(PrefillPlan.Asked asked, double seconds, double all, double most) {
        PrefillSpeed.Parts parts = new PrefillSpeed.Parts(1, 2, 0, 3, 0.5);
        return new PrefillSpeed.Row(
                asked, Optional.of(new PrefillSpeed.Speed(seconds, parts, 0, 0, all, all, most, 1600 / all)), "");
    }

    @Test
    void methodsOfReadingAreSetBesideTheFullOneAndEachOther() throws IOException {
        assertThat(measure(List.of("prefill-speed"))).containsExactly("prefill-speed-smollm2-135m-1024");
        TaskOptions options = TaskOptions.DEFAULT
                .withLengths(List.of(1200))
                .withTasks(List.of("niah_single_1"))
                .withSamples(1)
                .withPrefill(List.of(
                        PrefillTasksExperiment.STAR,
                        PrefillTasksExperiment.APB,
                        "apb:question=apart:compressor=random",
                        "minference"));
        TaskExperiment.ask(room(), PrefillTasksExperiment.PREFIX + "smollm2-135m-1200", "smollm2-135m", options);
        // Eight hosts were not asked for.
        assertThat(claim(18)).contains("| not yet |");
        assertThat(Files.readString(docs.resolve("measurements.md")))
                .contains("**smollm2-135m, 1024 tokens**", "| ring | 2 |", "| star | 2 |", "| star:hosts=8 | ")
                .contains("| apb:hosts=8:question=apart:compressor=random:seed=0 | ")
                .contains("(results/prefill-speed-smollm2-135m-1024-by-hosts.png)");
        // The tiny model knows nothing: all score 0, and one sample decides nothing.
        readings("smollm2-135m", 32_768, 100, 50, 40);
        assertThat(claim(18))
                .contains(
                        "| not yet |", "2.50 × on one machine, 2.50 × fewer operations counted; 16.0 × fewer foretold")
                .contains("smollm2-135m at 1200 tokens: +0.0");
        assertThat(claim(19))
                .contains(
                        "| not yet |",
                        "smollm2-135m at 32768 tokens: 1.50 ×, 1.41 × fewer operations counted, 3.00 × fewer",
                        "with an anchor computed once 1.25 ×, 1.25 × fewer operations counted, 2.00 × fewer");
        assertThat(claim(20))
                .contains("| not yet |", "ring 0.80 ×, minference 5.00 ×, star:anchor=again 1.67 ×, apb 2.50 ×")
                .contains("Not measured: ulysses", "What it does to scores is not measured");
        assertThat(claim(21)).contains("| not yet |");
        assertThat(claim(22)).contains("| not yet |");
        PrefillPlan processes = PrefillPlan.DEFAULT
                .withLengths(List.of(500))
                .withMethods(List.of("ring"))
                .withHosts(List.of(4))
                .withRanks(PrefillPlan.Ranks.PROCESSES)
                .withNetwork("links of 1gbit")
                .withLatency(1);
        List<PrefillSpeed.Row> rows = List.of(
                reading(new PrefillPlan.Asked(500, "full", 1, false), 40, 1600, 1600),
                reading(new PrefillPlan.Asked(500, "ring:layout=zigzag", 4, true), 25, 1600, 400));
        Evaluated evaluated =
                new Evaluated("smollm2-135m", "", 1, Provenance.here("mpirun -n 4 lectern bench prefill"));
        room().keep("prefill-hosts-4-smollm2-135m-500", new PrefillSpeed(evaluated, processes, "", rows).toJson());
        readings("smollm2-135m", 65_536, 100, 30, 20);
        Reproduction.write(docs, results);
        assertThat(Files.readString(docs.resolve("measurements.md")))
                .containsPattern("\\*\\*smollm2-135m, 500 tokens, 4 processes, the first with 1 thread on a machine of "
                        + "\\d+ cores?, links of 1gbit, a wait 1 ms longer\\*\\*")
                .doesNotContain("hosts-lab")
                .contains("| ring | 4 | 20.0 | 1.60 × |", "`mpirun -n 4 lectern bench prefill`");
        assertThat(claim(21))
                .contains("| partly |", "smollm2-135m: 2.50 × at 32768, 5.00 × at 65536")
                .contains("feed-forward 3.0 s of 3.0 s (Star 3.0 s)");
    }

    @Test
    void whatIsNoResultIsSaid() throws IOException {
        Files.createDirectories(results);
        Files.writeString(results.resolve("kld-mine.json"), "{}");
        assertThatThrownBy(() -> Reproduction.write(docs, results))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("kld-mine.json");
        assertThatThrownBy(() -> measure(List.of("kept")))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("kept is not measured in a minute: give --full.");
        assertThatThrownBy(() -> measure(List.of("rules")))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("\"rules\"")
                .hasMessageContaining("ruler");
    }
}
