package dev.lectern.cli;

import dev.lectern.LecternException;
import dev.lectern.ModelOptions;
import dev.lectern.measure.BenchModel;
import dev.lectern.measure.ProfileReport;
import dev.lectern.measure.SpeedBench;
import dev.lectern.measure.SpeedOptions;
import dev.lectern.measure.SpeedResults;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lectern bench speed}. */
@Command(
        name = "speed",
        customSynopsis = "lectern bench speed [OPTIONS]",
        description = {
            "Measure how fast a model reads (prefill) and decodes.",
            "",
            "At each depth, a prompt is read after what is cached, and tokens are decoded after it, one by one; once to warm up, then"
                    + " timed. The tokens are those of a text, so none is sampled. Several sequences (--batch) are read one"
                    + " after another and decoded together; rates are of all their tokens.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern bench speed",
            "  lectern bench speed --model smollm2-135m --depth 0,4096,7168 --kv f16 --kv f32",
            "  lectern bench speed --batch 1,8 --depth 512 --runs 5",
            "  lectern bench speed --model smollm2-135m --fill repeat --depth 131072 --rope-scaling linear:factor=32",
            "  lectern bench speed --attention dense --attention pps:budget=5%% --depth 8192 --profile",
            "",
            "The object of --json: results [{model, depth, kv, attention, batch, prefill {tokens, tokensPerSecond}, decode"
                    + " {tokens, tokensPerSecond}, bytesPerToken, bytesRead, index {bytes, seconds}, with --profile"
                    + " profile}], fill, threads, machine."
        })
final class SpeedCommand implements Verb {
    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = {
                "A name that \"lectern models\" lists, a path, hf:OWNER/REPO[:FILE],",
                "or a shape with random weights, made on the spot: gpt2-shape,",
                "mha-shape, smollm2-135m-shape, llama-3.2-1b-shape, cut by",
                "layers=4 after a colon. May be given several times.",
                "Default: qwen2.5-coder-0.5b."
            })
    List<String> models = new ArrayList<>();

    @Option(
            names = "--depth",
            paramLabel = "TOKENS",
            split = ",",
            description = "Tokens cached before the prompt; several with commas. Default: 0.")
    @Nullable
    List<Integer> depths;

    @Option(
            names = "--batch",
            paramLabel = "N",
            split = ",",
            description = {
                "Sequences that are decoded together, each with a cache of its",
                "own; several with commas. Default: 1."
            })
    @Nullable
    List<Integer> batches;

    @Option(
            names = "--kv",
            paramLabel = "FORMAT",
            description = {
                "How keys and values are stored: f16, int8, chl-4 and so on, or apart as",
                "k=f32,v=f16. May be given several times. Default: f16."
            })
    @Nullable
    List<String> kvs;

    @Option(
            names = "--attention",
            paramLabel = "METHOD",
            description = {
                "What each new token looks at: dense (everything, exact), or a",
                "sparse method such as pps:budget=5%. May be given several times.",
                "Default: dense."
            })
    @Nullable
    List<String> attentions;

    @Option(names = "--prompt-tokens", paramLabel = "N", description = "Tokens of the prompt. Default: 512.")
    @Nullable
    Integer promptTokens;

    @Option(names = "--decode-tokens", paramLabel = "N", description = "Tokens decoded after it. Default: 48.")
    @Nullable
    Integer decodeTokens;

    @Option(
            names = "--fill",
            paramLabel = "HOW",
            description = {
                "How a depth is reached: read (all of its tokens are read), or",
                "repeat (cached pages are copied, each into memory of its own;",
                "their keys are then rotated for other places). Default: read."
            })
    SpeedOptions.@Nullable Fill fill;

    @Option(names = "--runs", paramLabel = "N", description = "Timed runs, of which the median counts. Default: 3.")
    @Nullable
    Integer runs;

    @Mixin
    ComputeChoice computeChoice = new ComputeChoice();

    @Mixin
    RepackChoice repackChoice = new RepackChoice();

    @Mixin
    ProfileChoice profileChoice = new ProfileChoice();

    @Option(
            names = "--record",
            paramLabel = "FILE",
            description = {
                "With --profile: also write where the time went into a section of",
                "a Markdown file, one for each model."
            })
    @Nullable
    String record;

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        Console console = surroundings.console();
        SpeedOptions options = options();
        if (record != null && !options.profile()) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--record says where the time went, which --profile finds out: give both, or neither.");
        }
        List<BenchModel> subjects = new ArrayList<>();
        for (String model : models.isEmpty()
                ? List.of(surroundings.hub().catalogue().defaultModel().name())
                : models) {
            subjects.add(repacked(surroundings, located(surroundings, model), repackChoice, computeChoice.options()));
        }
        SpeedResults results;
        try (ProgressLine line = new ProgressLine(console, "measuring", ProgressLine.Unit.WORK, 0, -1)) {
            results = SpeedBench.run(subjects, computeChoice.options(), options, line, surroundings.cancellation());
        }
        if (record != null) {
            ProfileReport.record(results, Path.of(record));
            console.wrote(Path.of(record));
        }
        if (output.json) {
            console.printLine(results.toJson());
        } else {
            console.print(results.table());
            results.profiles().ifPresent(console::print);
        }
    }

    /** A model to measure; fetched or made first where it is not here. */
    static BenchModel located(Surroundings surroundings, String model) {
        Console console = surroundings.console();
        try (ProgressLine line = new ProgressLine(console, "preparing " + model, ProgressLine.Unit.BYTES, 0, -1)) {
            if (!BenchModel.isHere(model, surroundings.hub())) {
                ModelChoice.requireFirst(surroundings, model);
            }
            return BenchModel.named(
                    model,
                    surroundings.hub(),
                    line,
                    note -> console.note("lectern: " + note),
                    surroundings.cancellation());
        }
    }

    /** The model with its weights repacked, if that is wanted; done here, so that it is not measured. */
    static BenchModel repacked(Surroundings surroundings, BenchModel model, RepackChoice choice, ModelOptions options) {
        choice.open(surroundings, new ModelChoice.Located(model.path(), model.name(), model.sha256()), options)
                .close();
        return choice.noRepack ? model : model.withRepack(surroundings.hub().repackFolder(model.path()));
    }

    private SpeedOptions options() {
        SpeedOptions options = SpeedOptions.DEFAULT;
        options = depths == null ? options : options.withDepths(depths);
        options = batches == null ? options : options.withBatches(batches);
        options = kvs == null ? options : options.withKvs(kvs);
        options = attentions == null ? options : options.withAttentions(attentions);
        options = promptTokens == null ? options : options.withPromptTokens(promptTokens);
        options = decodeTokens == null ? options : options.withDecodeTokens(decodeTokens);
        options = fill == null ? options : options.withFill(fill);
        options = options.withProfile(profileChoice.profile);
        return runs == null ? options : options.withRuns(runs);
    }
}
