package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A script in place of Lectern: dense attention decodes 10 tokens per second the first time and 30 later, others 40. */
@DisabledOnOs(OS.WINDOWS)
class MethodSpeedTest {
    private static final BenchModel MODEL =
            new BenchModel("qwen2", Path.of("../engine/src/test/resources/tiny/qwen2"), Optional.empty());
    private static final MethodSpeed.Plan PLAN =
            new MethodSpeed.Plan(2048, List.of(1, MethodSpeed.MOST), List.of("dense", "quest"), 16, 3, 64L << 20, 1e6);
    private static final String LECTERN = """
            #!/bin/sh
            echo "$*" >> "$0.log"
            case "$*" in
                *quest*) rate=40 ms=2 index='{"bytes":1000,"seconds":0.5}' ;;
                *) index='{"bytes":0,"seconds":0.0}'
                   if [ -e "$0.later" ]; then rate=30 ms=3; else rate=10 ms=9; touch "$0.later"; fi ;;
            esac
            echo '{"results":[{"decode":{"tokens":16,"tokensPerSecond":'$rate'.0},"bytesPerToken":512,"bytesRead":5000.5,"index":'$index',
            "profile":{"decode":{"millisecondsPerToken":{"attention":'$ms'.0,"all":12.5}}}}]}' | tr -d '\\n'
            echo
            """;

    @TempDir
    Path folder;

    private Path lectern;

    @BeforeEach
    void script() throws IOException {
        lectern = Scripts.write(folder.resolve("bin/lectern"), LECTERN);
    }

    private MethodSpeed run(MethodSpeed.Plan plan, List<MethodSpeed> known, List<MethodSpeed> kept, int atMost) {
        Cancellation cancellation = new Cancellation();
        return MethodSpeed.run(
                MODEL,
                ModelOptions.DEFAULT.withThreads(1),
                List.of(lectern.toString()),
                "lectern eval reproduce",
                plan,
                known,
                result -> {
                    kept.add(result);
                    if (kept.size() == atMost) {
                        cancellation.cancel();
                    }
                },
                Progress.NONE,
                cancellation);
    }

    private MethodSpeed run(MethodSpeed.Plan plan, MethodSpeed... known) {
        return run(plan, List.of(known), new ArrayList<>(), Integer.MAX_VALUE);
    }

    private List<String> started() throws IOException {
        Path log = Path.of(lectern + ".log");
        return Files.exists(log) ? Files.readAllLines(log) : List.of();
    }

    private static MethodSpeed read(String json) throws Exception {
        return MethodSpeed.read(JsonFields.of(Json.parse(json.getBytes(StandardCharsets.UTF_8))));
    }

    @Test
    void eachMethodHasAProcessBetweenTwoOfTheFirst() throws Exception {
        MethodSpeed result = run(PLAN);
        List<MethodSpeed.Row> rows = result.rows();
        assertThat(rows)
                .extracting(row -> row.asked().attention().split(":")[0] + " "
                        + row.asked().together())
                .containsExactly("dense 1", "quest 1", "dense 1", "dense 0", "quest 0", "dense 0");
        assertThat(started()).hasSize(6).allMatch(line -> line.contains("--rope-scaling linear:factor=17"));
        assertThat(started().get(1)).contains("--attention quest:", "--depth 2048", "--batch 1", "--profile");
        assertThat(result.missing()).isZero();

        // As many as fit: of a model with an index fewer.
        assertThat(rows.get(3).batch()).isGreaterThan(1).isEqualTo(rows.get(5).batch());
        assertThat(rows.get(4).batch()).isLessThan(rows.get(3).batch());
        assertThat(started().get(3)).endsWith("--batch " + rows.get(3).batch());

        // 40 beside the mean of 10 and 30, and 2 ms beside that of 9 and 3.
        assertThat(result.speedUp(rows.get(1))).isCloseTo(2, within(1e-9));
        assertThat(result.attentionSpeedUp(rows.get(1))).isCloseTo(3, within(1e-9));
        assertThat(read(result.toJson())).isEqualTo(result);
        assertThat(Files.readAllLines(result.writeCsv(folder, "speed")))
                .hasSize(7)
                .anyMatch(
                        line -> line.contains(",2048,1,1,40.0000,2.0000,2.0000,3.0000,12.5000,512,5001,1000,0.5000,"));
    }

    @Test
    void anInterruptedRunGoesOn() throws IOException {
        List<MethodSpeed> kept = new ArrayList<>();
        assertThatThrownBy(() -> run(PLAN, List.of(), kept, 2))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED));
        assertThat(kept.getLast().missing()).isEqualTo(4);
        MethodSpeed whole = run(PLAN, kept.getLast());
        assertThat(started()).hasSize(6);
        assertThat(whole.rows()).hasSize(6).startsWith(kept.getLast().rows().toArray(MethodSpeed.Row[]::new));
        // Of another plan nothing is taken.
        run(new MethodSpeed.Plan(2048, List.of(1), List.of("dense"), 16, 4, 64L << 20, 1e6), whole);
        assertThat(started()).hasSize(8);
    }

    @Test
    void whatDoesNotFitIsNotTriedAndSaid() throws Exception {
        MethodSpeed result = run(new MethodSpeed.Plan(2048, List.of(1, 64), List.of("dense"), 16, 3, 20L << 20, 1e6));
        assertThat(started()).hasSize(2);
        MethodSpeed.Row left = result.rows().getLast();
        assertThat(left.speed()).isEmpty();
        assertThat(left.batch()).isEqualTo(64);
        assertThat(left.leftOut()).startsWith("does not fit").endsWith("of 0.0 GB");
        assertThat(result.speedUp(left)).isNaN();
        assertThat(read(result.toJson())).isEqualTo(result);
        assertThat(Files.readString(result.writeCsv(folder, "speed"))).contains(",2048,64,64,,,,,,,,,,\"does not fit");
    }

    @Test
    void whatWouldTakeTooLongByWhatLessTookIsNotTriedAndSaid() throws Exception {
        MethodSpeed shallow = run(new MethodSpeed.Plan(1024, List.of(1), List.of("dense"), 16, 3, 64L << 20, 1e6));
        assertThat(started()).hasSize(2);
        MethodSpeed deep =
                run(new MethodSpeed.Plan(2048, List.of(1), List.of("dense", "quest"), 16, 3, 64L << 20, 1e-4), shallow);
        assertThat(started()).hasSize(3).last().asString().contains("quest");
        assertThat(deep.rows().getFirst().leftOut()).startsWith("not measured: it would take about");
        assertThat(deep.rows().get(1).speed()).isPresent();

        // It is tried again, and what another machine took is no reason to leave it out.
        MethodSpeed elsewhere = read(shallow.toJson().replaceAll("\"memory\":\\d+", "\"memory\":1"));
        MethodSpeed again = run(deep.plan(), deep, elsewhere);
        assertThat(started()).hasSize(4).last().asString().contains("dense");
        assertThat(again.rows()).hasSameSizeAs(deep.rows());
        assertThat(again.rows().getFirst().speed()).isPresent();
        assertThat(again.rows().get(1)).isEqualTo(deep.rows().get(1));
    }
}
