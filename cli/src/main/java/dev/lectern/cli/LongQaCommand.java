package dev.lectern.cli;

import dev.lectern.LecternException;
import dev.lectern.measure.BenchModel;
import dev.lectern.measure.LongQaEval;
import dev.lectern.measure.LongQaOptions;
import dev.lectern.measure.LongQaResults;
import dev.lectern.measure.Protocol;
import dev.lectern.measure.tasks.QuestionFile;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lectern eval longqa}. */
@Command(
        name = "longqa",
        customSynopsis = "lectern eval longqa [OPTIONS] FILE.jsonl",
        description = {
            "Ask the questions of a file, each about a long text, and compare the answers with right ones.",
            "",
            "FILE.jsonl has a JSON object on each line, with the members of LongBench and InfiniteBench: context (the text), input or question,"
                    + " answers or answer (a list of right ones, or one); where they are needed options (or choice_A, choice_B, …),"
                    + " all_classes, _id or id, dataset. Questions about the same text share one reading. A text that is too long loses"
                    + " its middle. Finished answers are kept in the folder of --out and not computed again, so an interrupted run goes on"
                    + " where it stopped.",
            ""
        },
        footer = {
            "",
            "Metrics, 0 to 100, of several right answers the best: f1 (of words), exact_match, rouge_l, accuracy (names the right option or"
                    + " class; else contains a right answer). Words are compared without capitals, punctuation and articles. Intervals are"
                    + " Wilson's, of 95 per cent, which are wide enough for scores between 0 and 1.",
            "",
            "Examples:",
            "  lectern eval longqa examples/harbour-questions.jsonl",
            "  lectern eval longqa hotpotqa.jsonl --length 8192 --samples 50 --protocol B",
            "  lectern eval longqa hotpotqa.jsonl --attention dense --attention topk:budget=2%%",
            "",
            "The object of --json: results [{metric, method, kv, protocol, task (the dataset, or the file), length, score (0 to 100), low,"
                    + " high, samples, bytesRead (of keys and values, for a token), density (share of tokens looked at, 0 to 1), paired"
                    + " {difference, low, high, better, worse, p}: beside the first method, on the same questions}], model, sha256, file,"
                    + " fileSha256, cut (questions about a text that was cut), maxTokens, threads, command, commit, date, machine. A file"
                    + " longqa-FILE-MODEL.csv has the scores and the answer of every question. --kv and --attention can be given several"
                    + " times: each text is read once for each format, and every method goes on from that reading."
        })
final class LongQaCommand implements Verb {
    @Parameters(arity = "1", paramLabel = "FILE.jsonl", description = "The questions.")
    String questions = "";

    @Mixin
    EvalChoice eval = new EvalChoice();

    @Mixin
    MethodChoice method = new MethodChoice();

    @Option(
            names = "--length",
            paramLabel = "TOKENS",
            description = "Tokens of prompt and answer at most. Default: as many as the model holds.")
    @Nullable
    Integer length;

    @Option(names = "--samples", paramLabel = "N", description = "Ask the first N questions. Default: all.")
    @Nullable
    Integer samples;

    @Option(names = "--max-tokens", paramLabel = "N", description = "Tokens of an answer at most. Default: 64.")
    @Nullable
    Integer maxTokens;

    @Option(
            names = "--instruction",
            paramLabel = "TEXT",
            description = {
                "What is said between the text and the question. Default: to",
                "answer in as few words as possible, or with a letter."
            })
    @Nullable
    String instruction;

    @Option(
            names = "--protocol",
            paramLabel = "A|B",
            description = {
                "What goes through the methods under test: the answer (A), or",
                "question and answer (B). The rest is read exactly. Default: A."
            })
    @Nullable
    Protocol protocol;

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        Console console = surroundings.console();
        LongQaOptions options = options();
        QuestionFile file = file();
        BenchModel subject = eval.subject(surroundings);
        LongQaResults results;
        try (ProgressLine line = new ProgressLine(console, "asking", ProgressLine.Unit.WORK, 0, -1)) {
            results = LongQaEval.run(
                    subject, eval.compute.options(), options, file, eval.out(), line, surroundings.cancellation());
        }
        console.wrote(results.writeCsv(eval.out()));
        results.writeFigure(eval.out()).forEach(console::wrote);
        if (output.json) {
            console.printLine(results.toJson());
        } else {
            console.print(results.table());
        }
    }

    private QuestionFile file() {
        try {
            return QuestionFile.read(Path.of(questions));
        } catch (InvalidPathException e) {
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND, "\"" + questions + "\" is not the path of a file.", e);
        }
    }

    private LongQaOptions options() {
        LongQaOptions options = LongQaOptions.DEFAULT;
        options = length == null ? options : options.withLength(length);
        options = samples == null ? options : options.withSamples(samples);
        options = maxTokens == null ? options : options.withMaxTokens(maxTokens);
        options = instruction == null ? options : options.withInstruction(instruction);
        options = protocol == null ? options : options.withProtocol(protocol);
        options = method.kv.isEmpty() ? options : options.withKv(method.kv);
        return method.attention.isEmpty() ? options : options.withAttention(method.attention);
    }
}
