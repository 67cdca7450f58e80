package dev.lectern.cli;

import dev.lectern.measure.BenchModel;
import dev.lectern.measure.KvCacheBench;
import dev.lectern.measure.KvCacheOptions;
import dev.lectern.measure.KvCacheReport;
import dev.lectern.measure.KvCacheResult;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lectern bench kv-cache}. */
@Command(
        name = "kv-cache",
        customSynopsis = "lectern bench kv-cache [OPTIONS]",
        description = {
            "Generate the same tokens with and without the KV cache, and compare the times.",
            "",
            "Without the cache every new token reads the whole text again. Both ways choose the likeliest token; that they"
                    + " choose the same is checked. The result (JSON), the curve (CSV) and a chart (PNG, SVG) go to a folder.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern bench kv-cache                         GPT-2's shape with random weights, 100 tokens",
            "  lectern bench kv-cache --model smollm2-135m --tokens 200",
            "  lectern bench kv-cache --tokens 1000 --runs 5  the published demonstration; takes long",
            "  lectern bench kv-cache --record docs/measurements.md",
            "",
            "Ctrl-C keeps the finished runs; --resume goes on from them.",
            "The object of --json is the file kv-cache-MODEL-TOKENS.json in the folder of --out."
        })
final class KvCacheCommand implements Verb {
    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = {
                "gpt2-shape (made on the spot, random weights), a name that",
                "\"lectern models\" lists, a path, or hf:OWNER/REPO[:FILE].",
                "Default: gpt2-shape."
            })
    String model = BenchModel.GPT2_SHAPE;

    @Option(names = "--prompt", paramLabel = "TEXT", description = "The text to go on from. Default: a short question.")
    @Nullable
    String prompt;

    @Option(names = "--tokens", paramLabel = "N", description = "How many tokens to generate. Default: 100.")
    @Nullable
    Integer tokens;

    @Option(names = "--runs", paramLabel = "N", description = "Runs of both ways, in turns. Default: 3.")
    @Nullable
    Integer runs;

    @Option(names = "--threads", paramLabel = "N", description = "Threads that compute. Default: all processors.")
    @Nullable
    Integer threads;

    @Option(names = "--kv", paramLabel = "FORMAT", description = "Format of the cache: f32, f16 or bf16. Default: f32.")
    @Nullable
    String kv;

    @Option(
            names = "--resume",
            description = "Count finished runs of an earlier, equal measurement by the same commit.")
    boolean resume;

    @Option(names = "--out", paramLabel = "FOLDER", description = "Where results go. Default: bench-results.")
    String folder = "bench-results";

    @Option(
            names = "--record",
            paramLabel = "FILE",
            description = {
                "Also write all results of the folder into the section",
                "\"bench kv-cache\" of a Markdown file."
            })
    @Nullable
    String record;

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        Console console = surroundings.console();
        KvCacheOptions options = options();
        BenchModel subject = SpeedCommand.located(surroundings, model);
        KvCacheResult result;
        try (ProgressLine line = new ProgressLine(console, "measuring", ProgressLine.Unit.TOKENS_IN_ALL, 0, -1)) {
            result = KvCacheBench.run(subject, options, line, surroundings.cancellation());
        }
        for (Path file : KvCacheReport.write(result, options.folder())) {
            console.wrote(file);
        }
        if (record != null) {
            KvCacheReport.record(Path.of(record), options.folder());
            console.wrote(Path.of(record));
        }
        if (output.json) {
            console.printLine(result.toJson());
        } else {
            console.print(KvCacheReport.summary(result));
        }
    }

    private KvCacheOptions options() {
        KvCacheOptions options = KvCacheOptions.in(Path.of(folder)).withResume(resume);
        options = prompt == null ? options : options.withPrompt(prompt);
        options = tokens == null ? options : options.withTokens(tokens);
        options = runs == null ? options : options.withRuns(runs);
        options = threads == null ? options : options.withThreads(threads);
        return kv == null ? options : options.withKv(kv);
    }
}
