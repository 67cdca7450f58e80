package dev.lectern.cli;

import dev.lectern.LecternException;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.measure.BenchModel;
import dev.lectern.measure.reproduce.Reproduction;
import dev.lectern.measure.reproduce.Room;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lectern eval reproduce}. */
@Command(
        name = "reproduce",
        customSynopsis = "lectern eval reproduce [--quick | --full] [OPTIONS] [FIGURE...]",
        description = {
            "Measure anew what is published in docs: every figure and table.",
            "",
            "Result files go to DOCS/results, each with its command, commit, model, machine, seed and date; DOCS/measurements.md and"
                    + " DOCS/claims.md are written from these files alone. An interrupted run goes on where it stopped: what this version has measured on this machine is not measured again, unless a part is named.",
            ""
        },
        footer = {
            "",
            "Figures: ruler, needle, infinite, perplexity, kld, kv-tasks, kv-speed, kept, kv-arithmetic, analyze, attention, sparse, answer-kld, methods, method-speed, reading, prefill-speed, heads, prefill-tasks; and the timed ones, kv-cache and peers, which want an"
                    + " idle machine, and which only --full measures.",
            "",
            "Examples:",
            "  lectern eval reproduce --quick",
            "  lectern eval reproduce --full analyze attention",
            "  lectern eval reproduce --full ruler-smollm2-135m-8192",
            "  lectern eval reproduce --full",
            "",
            "The object of --json: measured [names of parts], pages [files]."
        })
final class ReproduceCommand implements Verb {
    @Parameters(
            arity = "0..*",
            paramLabel = "FIGURE",
            description = "What to measure: figures, or parts of them. Default: everything.")
    List<String> figures = List.of();

    @Option(
            names = "--quick",
            description = {
                "A few samples of everything on the smallest model, within ten",
                "minutes, into a folder of its own. This is the default."
            })
    boolean quick;

    @Option(names = "--full", description = "What is published: a day's work on two cores.")
    boolean full;

    @Option(
            names = "--docs",
            paramLabel = "FOLDER",
            description = "Where pages and results go. Default: docs with --full, otherwise docs-quick.")
    @Nullable
    String docs;

    @Option(names = "--write-only", description = "Measure nothing, write the pages from the files that are there.")
    boolean writeOnly;

    @Mixin
    ComputeChoice compute = new ComputeChoice();

    @Mixin
    RepackChoice repack = new RepackChoice();

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        if (quick && full) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION, "--quick and --full are given: leave one out.");
        }
        Path pages = Path.of(docs != null ? docs : full ? "docs" : "docs-quick");
        Path results = pages.resolve("results");
        List<String> timed = Timed.NAMES.stream()
                .filter(name -> figures.contains(name) || (figures.isEmpty() && full))
                .toList();
        List<String> others =
                figures.stream().filter(name -> !Timed.NAMES.contains(name)).toList();
        List<String> measured = new ArrayList<>();
        if (!writeOnly && (!others.isEmpty() || figures.isEmpty())) {
            measured.addAll(Reproduction.measure(
                    others, !full, room(surroundings, results), name -> new Line(surroundings.console(), name)));
        }
        for (String name : writeOnly ? List.<String>of() : timed) {
            Timed.run(name, !figures.contains(name), surroundings.quiet(), pages, compute, repack);
            measured.add(name);
        }
        List<Path> written = Reproduction.write(pages, results);
        Console console = surroundings.console();
        if (output.json) {
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("measured", measured);
            object.put("pages", written.stream().map(Path::toString).toList());
            console.printLine(JsonText.of(object));
        } else {
            written.forEach(page -> console.printLine("wrote " + page));
        }
    }

    private Room room(Surroundings surroundings, Path results) {
        return new Room(
                results,
                name -> subject(surroundings, name),
                compute.options(),
                PeersCommand.lectern(),
                name -> example(surroundings, name),
                Progress.NONE,
                surroundings.cancellation());
    }

    private static String example(Surroundings surroundings, String name) {
        Path file = home().resolve("examples").resolve(name);
        if (!Files.isReadable(file)) {
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND,
                    file + " is not there: run this from a checkout of Lectern, whose examples it reads.");
        }
        return surroundings.console().in().file(file.toString());
    }

    private BenchModel subject(Surroundings surroundings, String name) {
        return SpeedCommand.repacked(
                surroundings, SpeedCommand.located(surroundings, name), repack, ModelOptions.DEFAULT);
    }

    /** The checkout: where the launcher script stands. */
    private static Path home() {
        Path parent = Path.of(System.getProperty("lectern.launcher", "lectern"))
                .toAbsolutePath()
                .getParent();
        return parent == null ? Path.of("") : parent;
    }

    /** A line for each result. */
    private static final class Line implements Reproduction.Reporting {
        private final ProgressLine line;

        Line(Console console, String name) {
            line = new ProgressLine(console, name, ProgressLine.Unit.WORK, 0, -1);
        }

        @Override
        public void report(long done, long total) {
            line.report(done, total);
        }

        @Override
        public void close() {
            line.close();
        }
    }
}
