package dev.lectern.cli;

import dev.lectern.measure.BenchModel;
import dev.lectern.measure.RulerEval;
import dev.lectern.measure.RulerOptions;
import dev.lectern.measure.RulerResults;
import dev.lectern.measure.tasks.TextHaystack;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lectern eval ruler}. */
@Command(
        name = "ruler",
        customSynopsis = "lectern eval ruler [OPTIONS]",
        description = {
            "Ask about things hidden in long texts: the thirteen tasks of RULER, made anew (RULER-like).",
            "",
            "Each sample is as long as asked, answer included. A model is right in so far as its answer contains what was hidden. Finished"
                    + " samples are kept in the folder of --out and not computed again, so an interrupted run goes on where it"
                    + " stopped.",
            ""
        },
        footer = {
            "",
            "Tasks: niah_single_1 … 3, niah_multikey_1 … 3, niah_multivalue, niah_multiquery (needles in a haystack), vt (variable"
                    + " tracking), cwe (common words), fwe (frequent words), qa_1, qa_2 (questions about documents).",
            "",
            "Examples:",
            "  lectern eval ruler --model smollm2-135m --length 1024,2048,4096",
            "  lectern eval ruler --tasks vt,cwe,fwe --samples 10 --haystack novel.txt",
            "",
            "The object of --json: results [{task, method, kv, protocol, length, score (0 to 100), low, high (its interval of 95 %),"
                    + " samples}], model, sha256, haystack, seed, threads, machine."
        })
final class RulerCommand implements Verb {
    @Mixin
    EvalChoice eval = new EvalChoice();

    @Option(
            names = "--length",
            paramLabel = "TOKENS",
            split = ",",
            description = "Tokens of prompt and answer; several with commas. Default: 2048.")
    @Nullable
    List<Integer> lengths;

    @Option(names = "--tasks", paramLabel = "TASK", split = ",", description = "Which tasks. Default: all thirteen.")
    @Nullable
    List<String> tasks;

    @Option(names = "--samples", paramLabel = "N", description = "Samples of each task and length. Default: 20.")
    @Nullable
    Integer samples;

    @Option(
            names = "--protocol",
            paramLabel = "A|B",
            description = {
                "What goes through the methods under test: the answer (A), or",
                "question and answer (B). The rest is read exactly. Default: A."
            })
    RulerOptions.@Nullable Protocol protocol;

    @Option(
            names = "--haystack",
            paramLabel = "FILE",
            description = "A text to hide things in. Default: prose made on the spot.")
    @Nullable
    String haystack;

    @Option(names = "--seed", paramLabel = "N", description = "Which samples. Default: 1.")
    @Nullable
    Long seed;

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        Console console = surroundings.console();
        RulerOptions options = options(console);
        BenchModel subject = eval.subject(surroundings);
        RulerResults results;
        try (ProgressLine line = new ProgressLine(console, "asking", ProgressLine.Unit.WORK, 0, -1)) {
            results = RulerEval.run(
                    subject, eval.compute.options(), options, eval.out(), line, surroundings.cancellation());
        }
        console.note("wrote " + results.writeCsv(eval.out(), "ruler-" + subject.name()));
        if (output.json) {
            console.printLine(results.toJson());
        } else {
            console.print(results.table());
        }
    }

    private RulerOptions options(Console console) {
        RulerOptions options = RulerOptions.DEFAULT;
        options = lengths == null ? options : options.withLengths(lengths);
        options = tasks == null ? options : options.withTasks(tasks);
        options = samples == null ? options : options.withSamples(samples);
        options = protocol == null ? options : options.withProtocol(protocol);
        options = haystack == null
                ? options
                : options.withHaystack(new TextHaystack(haystack, console.in().file(haystack)));
        options = eval.kv == null ? options : options.withKv(eval.kv);
        options = eval.attention == null ? options : options.withAttention(eval.attention);
        return seed == null ? options : options.withSeed(seed);
    }
}
