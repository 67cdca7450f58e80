package dev.lectern.cli;

import dev.lectern.measure.BenchModel;
import dev.lectern.measure.PerplexityEval;
import dev.lectern.measure.PerplexityResult;
import dev.lectern.measure.TextOptions;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lectern eval perplexity}. */
@Command(
        name = "perplexity",
        customSynopsis = "lectern eval perplexity [OPTIONS] [TEXT]",
        description = {
            "Say how well a model foretells a text, through the cache and the attention that are chosen.",
            "",
            "The text is one window, with nothing added; its first token is not scored. Tokens go one by one, as those of an answer do;"
                    + " --mode prefill reads in chunks, exactly, which is faster and tells nothing of a method of decoding.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern eval perplexity --text chapter.txt --kv f32",
            "  lectern eval perplexity --text chapter.txt --mode prefill --tokens 4096",
            "",
            "The object of --json: results [{metric (perplexity), method, kv, mode, length, score, samples}], model, sha256, stretches"
                    + " [{from, to, perplexity}], threads, command, commit, date, machine. A file perplexity-MODEL.csv has the perplexity of each stretch of 256 tokens, and"
                    + " perplexity-MODEL.png and .svg draw it."
        })
final class PerplexityCommand implements Verb {
    @Mixin
    EvalChoice eval = new EvalChoice();

    @Mixin
    MethodChoice method = new MethodChoice();

    @Mixin
    EvalText text = new EvalText();

    @Option(
            names = "--mode",
            paramLabel = "MODE",
            description = "decode (tokens one by one) or prefill (in chunks). Default: decode.")
    TextOptions.@Nullable Mode mode;

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        Console console = surroundings.console();
        TextOptions options = text.options(method);
        options = mode == null ? options : options.withMode(mode);
        String words = text.words(surroundings);
        BenchModel subject = eval.subject(surroundings);
        PerplexityResult result;
        try (ProgressLine line = new ProgressLine(console, "scoring", ProgressLine.Unit.TOKENS, 0, -1)) {
            result = PerplexityEval.run(
                    subject, eval.compute.options(), options, words, line, surroundings.cancellation());
        }
        console.wrote(result.writeCsv(eval.out(), "perplexity-" + subject.name()));
        result.writeFigure(eval.out(), "perplexity-" + subject.name()).forEach(console::wrote);
        if (output.json) {
            console.printLine(result.toJson());
        } else {
            console.print(result.table());
        }
    }
}
