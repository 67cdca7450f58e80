package dev.lectern.cli;

import dev.lectern.measure.BenchModel;
import dev.lectern.measure.Protocol;
import dev.lectern.measure.Suite;
import dev.lectern.measure.TaskEval;
import dev.lectern.measure.TaskOptions;
import dev.lectern.measure.TaskResults;
import dev.lectern.measure.tasks.TextHaystack;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What the verbs have in common that ask about long texts. */
final class TaskChoice {
    /** For their help. */
    static final String OBJECT =
            "The object of --json: results [{task, method, kv, protocol, length, score (0 to 100), low, high (its interval of 95 per cent),"
                    + " samples, bytesRead (of keys and values, for a token), density (share of tokens looked at, 0 to 1), paired"
                    + " {difference, low, high, better, worse, p}: beside the first method, on the same samples}], model, sha256, suite,"
                    + " haystack, seed, origins [{commit, machine, samples}], means [{method, kv, protocol, length, score, paired}], threads, command, commit, date, machine. --kv and --attention can be"
                    + " given several times: each text is read once for each format, and every method goes on from that reading, each --keep as a method of its own; for each --prefill it is read once more.";

    @Mixin
    EvalChoice eval = new EvalChoice();

    @Mixin
    MethodChoice method = new MethodChoice();

    @Option(
            names = "--keep",
            paramLabel = "METHOD",
            description = {
                "Also answer from what stays when tokens are dropped, before the",
                "answer (protocol A) or the question (B): snapkv[:budget=1024],",
                "h2o[:budget=20%]. May be given several times."
            })
    List<String> keep = List.of();

    @Option(
            names = "--prefill",
            paramLabel = "METHOD",
            description = {
                "Also answer from what another method of reading made of the text,",
                "the question read exactly: star[:hosts=4], apb[:hosts=8],",
                "xattention, minference. May be given several times."
            })
    List<String> prefill = List.of();

    @Option(
            names = "--length",
            paramLabel = "TOKENS",
            split = ",",
            description = "Tokens of prompt and answer; several with commas. Default: 2048.")
    List<Integer> lengths = List.of();

    @Option(names = "--samples", paramLabel = "N", description = "Samples of each task and length. Default: 20.")
    @Nullable
    Integer samples;

    @Option(
            names = "--protocol",
            paramLabel = "A|B",
            split = ",",
            description = {
                "What goes through the methods under test: the answer (A), or",
                "question and answer (B). The rest is read exactly. Both with a",
                "comma: A,B. Default: A."
            })
    List<Protocol> protocols = List.of();

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

    /**
     * Evaluates.
     *
     * @param tasks of the suite; all where it is empty
     */
    TaskResults results(Surroundings surroundings, Suite suite, List<String> tasks) {
        Console console = surroundings.console();
        TaskOptions options =
                options(console, TaskOptions.DEFAULT.withSuite(suite)).withTasks(tasks);
        BenchModel subject = eval.subject(surroundings);
        try (ProgressLine line = new ProgressLine(console, "asking", ProgressLine.Unit.WORK, 0, -1)) {
            return TaskEval.run(
                    subject, eval.compute.options(), options, eval.out(), line, surroundings.cancellation());
        }
    }

    /** Writes files, and prints results as they are asked for. */
    void print(TaskResults results, Console console) {
        print(results, console, results::table);
    }

    /** Writes files, and prints results as they are asked for; as lines those of a table. */
    void print(TaskResults results, Console console, Supplier<String> table) {
        String name =
                results.options().suite().name() + "-" + results.evaluated().model();
        console.wrote(results.writeCsv(eval.out(), name));
        results.writeFigure(eval.out(), name).forEach(console::wrote);
        if (output.json) {
            console.printLine(results.toJson());
        } else {
            console.print(table.get());
        }
    }

    /** With what is given on the command line. */
    TaskOptions options(Console console, TaskOptions options) {
        options = lengths.isEmpty() ? options : options.withLengths(lengths);
        options = samples == null ? options : options.withSamples(samples);
        options = protocols.isEmpty() ? options : options.withProtocols(protocols);
        if (haystack != null) {
            TextHaystack text = new TextHaystack(haystack, console.in().file(haystack));
            int longest = options.lengths().getLast();
            if (text.words() < longest) {
                console.note("lectern: " + haystack + " has " + text.words() + " words, too few for " + longest
                        + " tokens: where it ends, it begins again.");
            }
            options = options.withHaystack(text);
        }
        options = method.kv.isEmpty() ? options : options.withKv(method.kv);
        options = method.attention.isEmpty() ? options : options.withAttention(method.attention);
        options = keep.isEmpty() ? options : options.withKeep(keep);
        options = prefill.isEmpty() ? options : options.withPrefill(prefill);
        return seed == null ? options : options.withSeed(seed);
    }
}
