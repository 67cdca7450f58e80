package dev.lectern.cli;

import dev.lectern.ModelOptions;
import dev.lectern.measure.BenchModel;
import dev.lectern.measure.PeerPython;
import dev.lectern.measure.PeerRow;
import dev.lectern.measure.PeersBench;
import dev.lectern.measure.PeersOptions;
import dev.lectern.measure.PeersReport;
import dev.lectern.measure.PeersResult;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lectern bench peers}. */
@Command(
        name = "peers",
        customSynopsis = "lectern bench peers [OPTIONS]",
        description = {
            "Compare Lectern with llama.cpp: the same model file, tokens and threads, in turns.",
            "",
            "llama.cpp is the Python package llama-cpp-python, built for this machine into a virtual environment in Lectern's"
                    + " cache folder; the first run does that, in some ten minutes, and needs python3, its module venv and a C++"
                    + " compiler.",
            ""
        },
        footer = {
            "",
            "Rows: prefill, prefill-deep, decode, decode-deep (the deep ones at --depth), decode-deep-8-bit and decode-deep-4-bit"
                    + " (with caches of so many bits), batch (8 sequences decoded together against"
                    + " one after another, Lectern beside itself), first-token and first-answer (of fresh processes that read"
                    + " 4000 tokens), memory (of processes with 8192 tokens in the cache).",
            "",
            "Examples:",
            "  lectern bench peers",
            "  lectern bench peers --model smollm2-135m --rows prefill,decode",
            "  lectern bench peers --record docs/measurements.md --out docs/results",
            "",
            "The object of --json: results [{model, depth, kv, attention, batch, prefill, decode, bytesPerToken, engine}], ratios"
                    + " [{model, row, what, lectern, peer, ratio (median), low, high, target, reached}], settings, machine. A"
                    + " ratio says how many times faster Lectern is; that of memory, how many times more it takes."
        })
final class PeersCommand implements Verb {
    /** The launcher script's path, as it says itself. */
    private static final String LAUNCHER = "lectern.launcher";

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = {
                "A name that \"lectern models\" lists, the path of a GGUF file, or",
                "hf:OWNER/REPO[:FILE]. May be given several times. Default:",
                "smollm2-135m and qwen2.5-coder-0.5b."
            })
    List<String> models = new ArrayList<>();

    @Option(names = "--rows", paramLabel = "ROWS", split = ",", description = "What to compare. Default: everything.")
    @Nullable
    List<String> rows;

    @Option(names = "--pairs", paramLabel = "N", description = "Turns of each engine. Default: 5.")
    int pairs = PeersOptions.PAIRS;

    @Option(
            names = "--depth",
            paramLabel = "TOKENS",
            description = "Tokens cached before the deep rows. Default: 7168.")
    int depth = PeersOptions.DEPTH;

    @Option(names = "--prompt-tokens", paramLabel = "N", description = "Tokens read in one go. Default: 512.")
    int promptTokens = PeersOptions.PROMPT_TOKENS;

    @Option(names = "--decode-tokens", paramLabel = "N", description = "Tokens decoded after them. Default: 48.")
    int decodeTokens = PeersOptions.DECODE_TOKENS;

    @Option(names = "--threads", paramLabel = "N", description = "Threads of both engines. Default: all processors.")
    @Nullable
    Integer threads;

    @Option(
            names = "--python",
            paramLabel = "PATH",
            description = {"A Python that has llama_cpp, instead of one that the bench", "makes."})
    @Nullable
    String python;

    @Option(names = "--out", paramLabel = "FOLDER", description = "Where results go. Default: bench-results.")
    String folder = "bench-results";

    @Option(
            names = "--record",
            paramLabel = "FILE",
            description = {
                "Also write all results of the folder into the section",
                "\"bench peers\" of a Markdown file."
            })
    @Nullable
    String record;

    @Mixin
    RepackChoice repackChoice = new RepackChoice();

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        Console console = surroundings.console();
        PeersOptions options = options(Path.of(python == null ? "" : python));
        List<BenchModel> subjects = new ArrayList<>();
        for (String model : models.isEmpty() ? List.of("smollm2-135m", "qwen2.5-coder-0.5b") : models) {
            subjects.add(SpeedCommand.repacked(
                    surroundings, SpeedCommand.located(surroundings, model), repackChoice, ModelOptions.DEFAULT));
        }
        if (python == null) {
            options = options(prepared(surroundings));
        }
        List<PeersResult> results = new ArrayList<>();
        for (BenchModel subject : subjects) {
            try (ProgressLine line =
                    new ProgressLine(console, "measuring " + subject.name(), ProgressLine.Unit.WORK, 0, -1)) {
                results.add(PeersBench.run(subject, options, line, surroundings.cancellation()));
            }
            PeersResult result = results.getLast();
            console.wrote(options.file(result));
            if (!output.json) {
                console.print(PeersReport.summary(result));
            }
        }
        if (record != null) {
            PeersReport.record(Path.of(record), options.folder());
            console.wrote(Path.of(record));
        }
        if (output.json) {
            console.printLine(PeersResult.toJson(results));
        } else {
            console.printLine(results.getFirst().machine().described());
        }
    }

    private static Path prepared(Surroundings surroundings) {
        Console console = surroundings.console();
        try (ProgressLine line = new ProgressLine(console, "building llama.cpp", ProgressLine.Unit.WORK, 0, -1)) {
            return PeerPython.prepare(
                    surroundings.hub().cacheFolder(),
                    surroundings.variables(),
                    note -> console.note("lectern: " + note),
                    line,
                    surroundings.cancellation());
        }
    }

    private PeersOptions options(Path interpreter) {
        String version = Lectern.class.getPackage().getImplementationVersion();
        return new PeersOptions(
                rows(),
                pairs,
                depth,
                promptTokens,
                decodeTokens,
                threads == null ? 0 : threads,
                interpreter,
                lectern(),
                version == null ? "(not packaged)" : version,
                Path.of(folder));
    }

    private Set<PeerRow> rows() {
        return rows == null
                ? EnumSet.allOf(PeerRow.class)
                : rows.stream().map(PeerRow::of).collect(Collectors.toSet());
    }

    /** What starts Lectern as a user does; without the launcher script, a Java with the options of this one. */
    static List<String> lectern() {
        String launcher = System.getProperty(LAUNCHER, "");
        if (!launcher.isEmpty()) {
            return List.of(launcher);
        }
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        for (String argument : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            // A debugger or a coverage agent of this JVM is nothing to measure.
            if (!argument.startsWith("-javaagent") && !argument.startsWith("-agentlib")) {
                command.add(argument);
            }
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Lectern.class.getName()));
        return command;
    }
}
