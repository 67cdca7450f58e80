package dev.lectern.cli;

import dev.lectern.LecternException;
import dev.lectern.measure.AttentionEval;
import dev.lectern.measure.AttentionOptions;
import dev.lectern.measure.AttentionRecording;
import dev.lectern.measure.AttentionResults;
import dev.lectern.measure.BenchModel;
import dev.lectern.measure.Provenance;
import dev.lectern.measure.TaskOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lectern eval attention}. */
@Command(
        name = "attention",
        customSynopsis = "lectern eval attention [OPTIONS]",
        description = {
            "Say how far methods of attention are from exact attention, on a model's real queries, keys and values.",
            "",
            "The model reads a text once, and what its attention saw is kept in a safetensors file, which this command and other"
                    + " programs can read again: all keys and values, and the queries and outputs of the last 128 tokens (the last 64 judge a method). Then each"
                    + " method answers those queries: the relative error of its outputs, the share of the softmax that its tokens"
                    + " have, the share of tokens, and the bytes that it reads beside those of dense attention.",
            ""
        },
        footer = {
            "",
            "Without --attention: topk, oracle-sampling and uniform at each budget, and topp. They know all scores before they"
                    + " choose, so they show what searching, and what sampling, can be worth at best.",
            "",
            "Examples:",
            "  lectern eval attention --model smollm2-135m --text report.md",
            "  lectern eval attention --recording eval-results/attention-smollm2-135m.safetensors --budget 0.5%%,1%%,2%%",
            "  lectern eval attention --task vt --length 4096 --attention pps:budget=5%% --attention quest:budget=10%%",
            "  lectern eval attention --text report.md --attention topk:sinks=0:window=1 --attention topp:p=0.9",
            "",
            "The object of --json: results [{metric (attention-error), method, kv, length, score (mean relative error), median, p90,"
                    + " massKept, bytesRead (for a token in a layer), density, samples, layers (mean error of each), densities"
                    + " (of each), bounded (with error=)}], ratios [{of, beside, larger, median, p90, fourTimes, mean}: errors of topk beside those of oracle-sampling at the same"
                    + " budget], model, sha256, threads, command, commit, date, machine."
        })
final class AttentionCommand implements Verb {
    /** What says how a recording is made. */
    private static final List<String> OF_A_READING =
            List.of("--model", "--text", "--tokens", "--layers", "--rope-scaling");

    @Mixin
    EvalChoice eval = new EvalChoice();

    @Option(
            names = "--text",
            paramLabel = "FILE",
            description = "A file with the text. Without it, it is read from standard input.")
    @Nullable
    String text;

    @Option(names = "--tokens", paramLabel = "N", description = "Take the first N tokens of it. Default: all.")
    int tokens;

    @Option(
            names = "--task",
            paramLabel = "TASK",
            description = {
                "In place of a text a RULER-like prompt of this task, and the",
                "first 16 tokens that the model answers."
            })
    @Nullable
    String task;

    @Option(
            names = "--length",
            paramLabel = "TOKENS",
            description = "Tokens of that prompt, with its answer. Default: 2048.")
    @Nullable
    Integer length;

    @Option(
            names = "--layers",
            paramLabel = "LAYER",
            split = ",",
            description = "Record these layers, counted from 0. Default: all.")
    List<Integer> layers = List.of();

    @Option(
            names = "--recording",
            paramLabel = "FILE",
            description = "Judge by this recording. Needs no model and no text.")
    @Nullable
    String recording;

    @Option(
            names = "--attention",
            paramLabel = "METHOD",
            description = {
                "A method with its options, as topk:budget=2%:sinks=4:window=64.",
                "May be given several times."
            })
    List<String> attention = List.of();

    @Option(
            names = "--budget",
            paramLabel = "BUDGET",
            split = ",",
            description = {
                "Measure methods that name no budget at each of these, tokens or",
                "shares of them. Default: 1%,2%,5%,10%,20%,50%."
            })
    List<String> budgets = List.of();

    @Option(
            names = "--kv",
            paramLabel = "FORMAT",
            description = "How keys and values are stored: f32, f16, chl-4 and so on. Default: f32.")
    @Nullable
    String kv;

    @Mixin
    OutputChoice output = new OutputChoice();

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public void run(Surroundings surroundings) {
        Console console = surroundings.console();
        AttentionOptions options = options();
        requireOneSource();
        if (tokens < 0) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--tokens is " + tokens + ", but it takes 1 or more: leave it out for the whole text.");
        }
        Path file = recording == null ? recorded(surroundings) : Path.of(recording);
        String source = recording == null ? ofReading(surroundings) : "--recording FILE";
        AttentionResults results;
        try (AttentionRecording read = AttentionRecording.open(file);
                ProgressLine line = new ProgressLine(console, "attending", ProgressLine.Unit.WORK, 0, -1)) {
            results = AttentionEval.run(read, options, eval.compute.count(), source, line, surroundings.cancellation());
        }
        String name = "attention-" + results.evaluated().model();
        console.wrote(results.writeCsv(eval.out(), name));
        results.writeFigure(eval.out(), name).forEach(console::wrote);
        if (output.json) {
            console.printLine(results.toJson());
        } else {
            console.print(results.table());
        }
    }

    private AttentionOptions options() {
        AttentionOptions options = AttentionOptions.DEFAULT;
        options = attention.isEmpty() ? options : options.withAttention(attention);
        options = budgets.isEmpty() ? options : options.withBudgets(budgets);
        return kv == null ? options : options.withKv(kv);
    }

    /** The options that say how the recording is made. */
    private String ofReading(Surroundings surroundings) {
        String reading = "--model " + eval.spec(surroundings) + (task == null ? ofText() : ofTask());
        String recorded = layers.stream().map(String::valueOf).collect(Collectors.joining(","));
        return Provenance.scaled(reading + (layers.isEmpty() ? "" : " --layers " + recorded), eval.compute.options());
    }

    private String ofText() {
        return " --text FILE" + (tokens == 0 ? "" : " --tokens " + tokens);
    }

    private String ofTask() {
        return " --task " + task + " --length " + taskOptions().lengths().getFirst();
    }

    private TaskOptions taskOptions() {
        TaskOptions options = TaskOptions.DEFAULT.withTasks(List.of(String.valueOf(task)));
        return length == null ? options : options.withLengths(List.of(length));
    }

    private void requireOneSource() {
        for (String option : recording == null ? List.<String>of() : OF_A_READING) {
            if (Settings.isGiven(spec, option)) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "--recording is of a model that has read a text already, so " + option
                                + " would change nothing: leave it out, or record anew without --recording.");
            }
        }
        if (task != null && (text != null || tokens != 0 || recording != null)) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--task stands in place of --text, --tokens and --recording: give one of them.");
        }
        if (task == null && length != null) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--length is that of a prompt: give --task too, or --tokens for a text.");
        }
    }

    private Path recorded(Surroundings surroundings) {
        String words = task == null ? TextArgument.of(surroundings, null, text, "TEXT") : "";
        BenchModel subject = eval.subject(surroundings);
        Path file = eval.out().resolve("attention-" + subject.name() + ".safetensors");
        try (ProgressLine line =
                new ProgressLine(surroundings.console(), "recording", ProgressLine.Unit.TOKENS, 0, -1)) {
            if (task == null) {
                AttentionRecording.record(
                        subject,
                        eval.compute.options(),
                        words,
                        tokens,
                        layers,
                        file,
                        line,
                        surroundings.cancellation());
            } else {
                AttentionRecording.recordAnswer(
                        subject,
                        eval.compute.options(),
                        taskOptions(),
                        layers,
                        file,
                        line,
                        surroundings.cancellation());
            }
        }
        surroundings.console().wrote(file);
        return file;
    }
}
