package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.comm.InProcess;
import dev.lectern.json.Json;
import dev.lectern.measure.PrefillPlan.Asked;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrefillSpeedTest {
    private static final BenchModel MODEL =
            new BenchModel("qwen2", Path.of("../engine/src/test/resources/tiny/qwen2"), Optional.empty());
    private static final PrefillPlan PLAN =
            PrefillPlan.DEFAULT.withLengths(List.of(1100)).withHosts(List.of(2, 3));

    @TempDir
    Path folder;

    private static PrefillSpeed run(PrefillPlan plan, List<PrefillSpeed> known, List<PrefillSpeed> kept, int atMost) {
        Cancellation cancellation = new Cancellation();
        return PrefillBench.run(
                MODEL,
                ModelOptions.DEFAULT.withThreads(2),
                "lectern bench prefill",
                plan,
                known,
                Optional.empty(),
                result -> {
                    kept.add(result);
                    if (kept.size() == atMost) {
                        cancellation.cancel();
                    }
                },
                (done, total) -> assertThat(done).isLessThanOrEqualTo(total),
                cancellation);
    }

    private static PrefillSpeed read(String json) {
        return PrefillSpeed.read(JsonFields.of(Json.parse(json.getBytes(StandardCharsets.UTF_8))));
    }

    @Test
    void everyMethodIsMeasuredBesideTheFullReading() throws Exception {
        PrefillSpeed result = run(PLAN, List.of(), new ArrayList<>(), Integer.MAX_VALUE);
        assertThat(result.missing()).isZero();
        assertThat(result.scaling()).startsWith("linear:factor=");
        assertThat(result.rows())
                .extracting(row -> row.asked().prefill().split(":")[0] + " "
                        + row.asked().hosts() + " " + row.asked().ranks())
                .containsExactly(
                        "full 1 false",
                        "ring 2 true",
                        "ring 3 true",
                        "ulysses 2 true",
                        "ulysses 3 true",
                        "star 2 false",
                        "star 3 false",
                        "apb 2 false",
                        "apb 3 false");
        for (PrefillSpeed.Row row : result.rows()) {
            if (row.asked().prefill().equals("ulysses") && row.asked().hosts() == 3) {
                assertThat(row.leftOut()).contains("do not divide among 3");
                assertThat(result.speedUp(row)).isNaN();
                continue;
            }
            PrefillSpeed.Speed speed = row.speed().orElseThrow();
            PrefillSpeed.Parts parts = speed.parts();
            assertThat(parts.projections()).isPositive();
            assertThat(parts.feedForward()).isPositive();
            assertThat(parts.projections() + parts.feedForward() + parts.attention() + parts.rest())
                    .isLessThanOrEqualTo(1.01 * speed.seconds());
            assertThat(result.speedUp(row)).isPositive();
            assertThat(speed.bytesReceived() > 0).isEqualTo(row.asked().ranks());
            assertThat(speed.messages() > 0).isEqualTo(row.asked().ranks());
        }
        PrefillSpeed.Row full = result.rows().getFirst(), ring = result.rows().get(1);
        assertThat(result.speedUp(full)).isEqualTo(1);
        assertThat(full.speed().orElseThrow().foretold()).isEqualTo(1);
        assertThat(ring.speed().orElseThrow().foretold()).isCloseTo(1, within(1e-9));
        assertThat(ring.speed().orElseThrow().parts().communication()).isPositive();
        assertThat(result.rows().getLast().speed().orElseThrow().operations())
                .isLessThan(full.speed().orElseThrow().operations());

        assertThat(full.speed().orElseThrow().counted())
                .isCloseTo(full.speed().orElseThrow().operations(), withinPercentage(1));
        assertThat(ring.speed().orElseThrow().counted())
                .isCloseTo(full.speed().orElseThrow().counted(), withinPercentage(1e-6));
        assertThat(read(result.toJson()).toJson()).isEqualTo(result.toJson());
        assertThat(PrefillReport.table(result)).contains("foretold", "n/a: --prefill ulysses", "apb:hosts=3:");
        assertThat(PrefillReport.write(result, folder)).hasSize(2);
        assertThat(PrefillReport.read(folder, "qwen2").orElseThrow().toJson()).isEqualTo(result.toJson());
        assertThat(PrefillReport.read(folder, "other")).isEmpty();
        assertThat(Files.readAllLines(folder.resolve("prefill-qwen2.csv")))
                .hasSize(10)
                .anyMatch(line -> line.startsWith("1100,ring:layout=zigzag,2,true,"));
    }

    @Test
    void anInterruptedRunGoesOn() {
        PrefillPlan plan = PLAN.withMethods(List.of("star:hosts=2", "ring"))
                .withLengths(List.of(600))
                .withHosts(List.of(2));
        List<PrefillSpeed> kept = new ArrayList<>();
        assertThatThrownBy(() -> run(plan, List.of(), kept, 2))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED));
        assertThat(kept.getLast().missing()).isEqualTo(1);
        List<PrefillSpeed> later = new ArrayList<>();
        PrefillSpeed whole = run(plan, List.of(kept.getLast()), later, Integer.MAX_VALUE);
        assertThat(later).hasSize(1);
        assertThat(whole.rows()).hasSize(3).startsWith(kept.getLast().rows().toArray(PrefillSpeed.Row[]::new));
        // Of another plan nothing is taken.
        run(plan.withRuns(2), List.of(whole), later, Integer.MAX_VALUE);
        assertThat(later).hasSize(4);
    }

    @Test
    void ranksReadTheBlocksOfAllMethodsAtOnce() {
        PrefillPlan plan = PLAN.withMethods(List.of("apb", "star", "ring"))
                .withLengths(List.of(1024))
                .withHosts(List.of(2))
                .withRanks(PrefillPlan.Ranks.THREADS)
                .withLatency(3);
        PrefillSpeed result = run(plan, List.of(), new ArrayList<>(), Integer.MAX_VALUE);
        assertThat(result.rows()).hasSize(4);
        for (PrefillSpeed.Row row : result.rows().subList(1, 4)) {
            PrefillSpeed.Speed speed = row.speed().orElseThrow();
            assertThat(row.asked().ranks()).as(row.asked().prefill()).isTrue();
            assertThat(speed.bytesReceived()).isPositive();
            // Blocks are whole pages, so that they are as long as the foretelling takes them.
            assertThat(speed.counted()).as(row.asked().prefill()).isCloseTo(speed.operations(), withinPercentage(5));
            // A rank waits once in a layer at least.
            assertThat(speed.parts().communication()).isGreaterThan(0.003 * 2);
        }
        assertThat(PrefillReport.table(result)).contains("takes 3 ms longer", "ranks of this process");
        assertThat(read(result.toJson()).toJson()).isEqualTo(result.toJson());
    }

    /** Ranks that are threads stand for processes, each of which measures by itself. */
    @Test
    void processesMeasureTogetherAndAgree() {
        PrefillPlan plan = PLAN.withMethods(List.of("ulysses", "apb", "minference"))
                .withLengths(List.of(600))
                .withHosts(List.of(2))
                .withRanks(PrefillPlan.Ranks.PROCESSES);
        assertThat(plan.command(MODEL))
                .startsWith("mpirun -n 2 lectern bench prefill")
                .doesNotContain("--hosts");
        List<PrefillSpeed> results = InProcess.run(
                2,
                new Cancellation(),
                rank -> PrefillBench.run(
                        MODEL,
                        ModelOptions.DEFAULT.withThreads(1),
                        "lectern bench prefill",
                        plan,
                        List.of(),
                        Optional.of(rank),
                        result -> {},
                        Progress.NONE,
                        rank.cancellation()));
        PrefillSpeed first = results.getFirst();
        assertThat(first.rows())
                .extracting(row -> row.asked().prefill().split(":")[0] + " "
                        + row.asked().hosts() + " " + row.asked().ranks())
                .containsExactly("full 1 false", "ulysses 2 true", "apb 2 true", "minference 1 false");
        for (int row = 0; row < first.rows().size(); row++) {
            PrefillSpeed.Speed of = first.rows().get(row).speed().orElseThrow();
            assertThat(results.get(1).rows().get(row).speed().orElseThrow().seconds())
                    .isEqualTo(of.seconds());
            assertThat(of.bytesReceived() > 0)
                    .isEqualTo(first.rows().get(row).asked().ranks());
        }
        // Both are on this machine.
        assertThat(first.rows().get(1).speed().orElseThrow().foretold())
                .isCloseTo(Math.min(2, Runtime.getRuntime().availableProcessors()), within(1e-9));
        assertThat(PrefillReport.table(first)).contains("Hosts are processes");
        assertThatThrownBy(() -> plan.withMethods(List.of("star:hosts=8"))).hasMessageContaining("leave hosts out");
    }

    @Test
    void ranksHaveTheirSharesOfTheirMachines() {
        RankCores one = new RankCores(7, 1, 2), other = new RankCores(8, 4, 2);
        assertThat(one.alone()).isEqualTo(1);
        assertThat(other.alone()).isEqualTo(2);
        assertThat(RankCores.least(List.of(one))).isEqualTo(1);
        assertThat(RankCores.least(List.of(one, one))).isEqualTo(1);
        assertThat(RankCores.least(List.of(one, one, one, one))).isEqualTo(0.5);
        assertThat(RankCores.least(List.of(other, one))).isEqualTo(1);
        assertThat(RankCores.least(List.of(other, other, other, one))).isCloseTo(2.0 / 3, within(1e-12));
        RankCores here = RankCores.here(3);
        assertThat(RankCores.of(here.numbers())).isEqualTo(here).isEqualTo(RankCores.here(3));
    }

    @Test
    void whoDidNotReadHasNoParts() {
        StepProfile.Times none = new StepProfile.Times(0, 0, Map.of(), 0, 0);
        assertThat(PrefillSpeed.Parts.of(none, 1, 0, 0)).isEqualTo(new PrefillSpeed.Parts(0, 0, 0, 0, 0));
    }

    @Test
    void partsAddUpToTheReading() {
        Map<String, Double> seconds = new LinkedHashMap<>();
        List.of("embedding", "norms", "rotating", "logits").forEach(part -> seconds.put(part, 0.5));
        List.of("queryKeyValue", "output", "up", "activation", "down").forEach(part -> seconds.put(part, 1.0));
        seconds.put("attention", 9.0);
        // Two readings of 9 s each, of which 8 s in steps, and 3 s of communication: one between steps, two within.
        StepProfile.Times steps = new StepProfile.Times(2, 100, seconds, 0, 0);
        assertThat(PrefillSpeed.Parts.of(steps, 2, 9, 3))
                .isEqualTo(new PrefillSpeed.Parts(1, 4.5 - 2.0, 3, 1.5, 9 - 1 - 2.5 - 3 - 1.5));
    }

    @Test
    void whatCountingForetellsFollowsTheOptions() {
        assertThat(foretold("star:hosts=8", 8)).isCloseTo(2.24, within(0.005));
        assertThat(foretold("star:hosts=8:anchor=again", 8)).isCloseTo(1.48, within(0.005));
        assertThat(foretold("apb:hosts=8:question=apart:hosts-share=nothing", 8))
                .isCloseTo(2.26, within(0.005));
        // Without a question in it, nobody computes the anchor apart.
        assertThat(foretold("apb:hosts=8:question=apart", 8))
                .isGreaterThan(foretold("apb:hosts=8", 8))
                .isCloseTo(2.52, within(0.05));
        assertThat(foretold("apb:hosts=8", 8)).isCloseTo(2.45, within(0.02));
        assertThat(PrefillPlan.shares(new Asked(1000, "other", 1, false), 9)).isEmpty();
    }

    /** Of SmolLM2's shape at 32K, a question of 16 tokens. */
    private static double foretold(String prefill, int hosts) {
        PrefillCost cost = new PrefillCost(30, 576, 576, 64, 192, 1536, 3);
        Asked asked = new Asked(32768, prefill, hosts, false);
        return cost.sum(PrefillCost.full(32768))
                / cost.sum(PrefillPlan.shares(asked, 16).orElseThrow());
    }

    @Test
    void plansThatCannotBeAreSentences() {
        assertThatThrownBy(() -> PLAN.withHosts(List.of(0))).hasMessageContaining("--hosts is 0");
        assertThatThrownBy(() -> PLAN.withLengths(List.of())).hasMessageContaining("--length is empty");
        assertThatThrownBy(() -> PLAN.withRuns(0)).hasMessageContaining("--runs is 0");
        assertThatThrownBy(() -> PLAN.withMethods(List.of("comet"))).hasMessageContaining("no prefill method");
    }
}
