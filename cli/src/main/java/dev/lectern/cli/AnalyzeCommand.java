package dev.lectern.cli;

import dev.lectern.measure.BenchModel;
import dev.lectern.measure.GeometryEval;
import dev.lectern.measure.GeometryOptions;
import dev.lectern.measure.GeometryReport;
import dev.lectern.measure.GeometryResult;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lectern analyze}. */
@Command(
        name = "analyze",
        customSynopsis = "lectern analyze [OPTIONS]",
        description = {
            "Say where a model's keys and values lie, and how much of that changes with the input.",
            "",
            "Three observations are published, on which MagicPIG rests: keys and values of the first token hardly change with the input (cosine"
                    + " above 0.99); nor does the direction of the mean key (above 0.9); and that is nearly opposite to the first token's"
                    + " key (-0.9 to -0.8). Each is measured for every layer and kv head, together with how much longer keys are than"
                    + " values.",
            "",
            "Texts are cut into inputs. Without any, they are made on the spot: the texts of the tasks of \"eval ruler\" behind beginnings of"
                    + " twelve kinds (a tale, code, a list, a letter …), and an input begins at the first of its tokens with which no"
                    + " earlier one begins. Pairs of inputs that"
                    + " begin with the same token are left out where first tokens are compared.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern analyze --model smollm2-135m",
            "  lectern analyze --text novel.txt --text program.c --tokens 1024 --inputs 20",
            "",
            "The object of --json: results [{layer, sinkKey, sinkValue, meanKey, meanKeyBeforeRope (each {min, p5, median, published, above (the"
                    + " share above what is published)}; those of the sink null where all inputs begin with the same token), meanToSink,"
                    + " meanToSinkBeforeRope (each {min, p5, median, max, published [from, to], within (the share)}), keyToValue (mean"
                    + " length of a key over that of a value), sinkValueToMedian (length of the first value over the median)}], all (the"
                    + " same of all layers together), inputs, tokens, generated, pairs, skippedPairs, model, sha256, threads, command, commit,"
                    + " date, machine. Files analyze-MODEL.csv, .png and .svg have the numbers and the medians of each layer."
        })
final class AnalyzeCommand implements Verb {
    @Mixin
    EvalChoice eval = new EvalChoice();

    @Option(
            names = "--text",
            paramLabel = "FILE",
            description = "A file with a text; also several times. Default: texts made on the spot.")
    List<String> files = List.of();

    @Option(names = "--tokens", paramLabel = "N", description = "Tokens of each input. Default: 512.")
    @Nullable
    Integer tokens;

    @Option(names = "--inputs", paramLabel = "N", description = "Inputs at most. Default: 11.")
    @Nullable
    Integer inputs;

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        Console console = surroundings.console();
        GeometryOptions options = options();
        List<String> texts = files.stream().map(console.in()::file).toList();
        BenchModel subject = eval.subject(surroundings);
        GeometryResult result;
        try (ProgressLine line = new ProgressLine(console, "reading", ProgressLine.Unit.TOKENS_IN_ALL, 0, -1)) {
            result = GeometryEval.run(
                    subject, eval.compute.options(), options, texts, line, surroundings.cancellation());
        }
        for (Path file : GeometryReport.write(result, eval.out())) {
            console.wrote(file);
        }
        if (output.json) {
            console.printLine(GeometryReport.toJson(result));
        } else {
            console.print(GeometryReport.table(result));
        }
    }

    private GeometryOptions options() {
        GeometryOptions options = GeometryOptions.DEFAULT;
        options = tokens == null ? options : options.withTokens(tokens);
        return inputs == null ? options : options.withInputs(inputs);
    }
}
