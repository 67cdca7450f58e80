package dev.lectern.cli;

import dev.lectern.measure.BenchModel;
import dev.lectern.measure.DivergenceEval;
import dev.lectern.measure.DivergenceOptions;
import dev.lectern.measure.DivergenceResult;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code lectern eval kld}. */
@Command(
        name = "kld",
        customSynopsis = "lectern eval kld [OPTIONS] [TEXT]",
        description = {
            "Say how far caches and a method of attention lead a model away from itself.",
            "",
            "At each token of a text, what the model expects next is compared with what it expects with an f32 cache and attention to"
                    + " everything, in the same run: mean Kullback-Leibler divergence in nats, its 99th percentile, how often the"
                    + " likeliest token is the same, the perplexity, and the first token in which greedy continuations of the text differ."
                    + " Several formats (--kv given several times) are gone through side by side.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern eval kld --text chapter.txt --kv bf16",
            "  lectern eval kld --text chapter.txt --kv int8 --kv chl-4 --kv k=chl-8,v=chl-4 --tokens 1000",
            "",
            "The object of --json: results [{metric (kld), method, kv, length, meanKl, p99Kl, sameTop1, firstDifferent (null where all"
                    + " tokens are the same), perplexity, bytesPerToken, samples}], model, sha256, exactPerplexity, continued (64, or fewer where the model holds no more), stretches [{from, to, exact,"
                    + " perplexities (in the order of the results)}], threads, command, commit, date, machine. A file kld-MODEL.csv has the"
                    + " divergence after each token, and kld-MODEL.png and .svg draw its mean by position."
        })
final class DivergenceCommand implements Verb {
    @Mixin
    EvalChoice eval = new EvalChoice();

    @Mixin
    MethodChoice method = new MethodChoice();

    @Mixin
    EvalText text = new EvalText();

    @Mixin
    OutputChoice output = new OutputChoice();

    private DivergenceOptions options() {
        DivergenceOptions options = DivergenceOptions.DEFAULT.withTokens(text.tokens);
        options = method.kv.isEmpty() ? options : options.withKvs(method.kv);
        return method.attention().map(options::withAttention).orElse(options);
    }

    @Override
    public void run(Surroundings surroundings) {
        Console console = surroundings.console();
        DivergenceOptions options = options();
        String words = text.words(surroundings);
        BenchModel subject = eval.subject(surroundings);
        DivergenceResult result;
        try (ProgressLine line = new ProgressLine(console, "comparing", ProgressLine.Unit.TOKENS, 0, -1)) {
            result = DivergenceEval.run(
                    subject, eval.compute.options(), options, words, line, surroundings.cancellation());
        }
        console.wrote(result.writeCsv(eval.out(), "kld-" + subject.name()));
        result.writeFigure(eval.out(), "kld-" + subject.name()).forEach(console::wrote);
        if (output.json) {
            console.printLine(result.toJson());
        } else {
            console.print(result.table());
        }
    }
}
