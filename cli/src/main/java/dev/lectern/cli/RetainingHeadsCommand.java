package dev.lectern.cli;

import dev.lectern.Model;
import dev.lectern.measure.HeadOptions;
import dev.lectern.measure.HeadTraining;
import dev.lectern.measure.HeadTrainingResult;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lectern train-retaining-heads}. */
@Command(
        name = "train-retaining-heads",
        customSynopsis = "lectern train-retaining-heads [OPTIONS]",
        description = {
            "Train the small networks with which --prefill apb:compressor=heads tells what of a text is worth passing on.",
            "",
            "The model reads prompts and their right answers; for each layer a network learns to tell from a token's queries, keys"
                    + " and values how much the answer will look at it. They are kept in the cache folder, one file for each"
                    + " model; training again replaces it, and until that is done, or when it is stopped, the earlier one stays."
                    + " At the end comes how many of the most looked-at tokens they find in texts that they have not learned from.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern train-retaining-heads --model smollm2-135m",
            "  lectern ask book.txt \"Who signed it?\" --model smollm2-135m --prefill apb:compressor=heads",
            "",
            "The object of --json: model {name, sha256}, file, bytes, texts (learned from), heldOut (texts), tokens (of all texts),"
                    + " learned (tokens that were kept), firstLoss, lastLoss, recall {heads, query, random, headsPooled, queryPooled}"
                    + " (shares of the most looked-at eighth that are found; pooled: as apb passes on), layers [the same], seconds."
        })
final class RetainingHeadsCommand implements Verb {
    @Option(
            names = "--text",
            paramLabel = "FILE",
            description = {
                "A text to learn from, in pieces, of which the last tokens count",
                "as the answer. May be given several times. Default: RULER-like",
                "prompts in generated prose."
            })
    List<String> texts = List.of();

    @Option(names = "--texts", paramLabel = "N", description = "How many such prompts. Default: 300.")
    int count = HeadOptions.DEFAULT.texts();

    @Option(names = "--tokens", paramLabel = "N", description = "Tokens of a prompt, or of a piece. Default: 2048.")
    int tokens = HeadOptions.DEFAULT.tokens();

    @Option(names = "--hidden", paramLabel = "N", description = "Units of a layer's network. Default: 128.")
    int hidden = HeadOptions.DEFAULT.hidden();

    @Option(names = "--epochs", paramLabel = "N", description = "How often to go through what was read. Default: 5.")
    int epochs = HeadOptions.DEFAULT.epochs();

    @Option(names = "--rate", paramLabel = "X", description = "The highest rate of learning. Default: 0.0005.")
    double rate = HeadOptions.DEFAULT.rate();

    @Option(
            names = "--memory",
            paramLabel = "N",
            description = {
                "Bytes for what is learned from; of each text as many runs of 32",
                "tokens are kept as they hold. Default: 2000000000."
            })
    long memory = HeadOptions.DEFAULT.memory();

    @Option(names = "--seed", paramLabel = "N", description = "Of prompts, runs and first weights. Default: 1.")
    long seed = HeadOptions.DEFAULT.seed();

    @Mixin
    ModelChoice modelChoice = new ModelChoice();

    @Mixin
    ComputeChoice computeChoice = new ComputeChoice();

    @Mixin
    RepackChoice repackChoice = new RepackChoice();

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        Console console = surroundings.console();
        HeadOptions options = new HeadOptions(count, tokens, hidden, epochs, rate, memory, seed);
        computeChoice.options();
        List<String> words = texts.stream().map(console.in()::file).toList();
        ModelChoice.Located located = modelChoice.locate(surroundings);
        try (Model model = repackChoice.open(surroundings, located, computeChoice.options())) {
            long began = System.nanoTime();
            HeadTrainingResult done;
            try (ProgressLine line = new ProgressLine(console, "training", ProgressLine.Unit.WORK, 0, -1)) {
                done = HeadTraining.run(model, located.name(), words, options, line, surroundings.cancellation());
            }
            print(console, located, done, Answering.seconds(began));
        }
    }

    private void print(Console console, ModelChoice.Located located, HeadTrainingResult done, double seconds) {
        if (!output.json) {
            console.print(done.table());
            console.printLine("Wrote " + done.file() + " (" + Units.bytes(done.bytes()) + ") in "
                    + Units.seconds(seconds) + ". Use it: --prefill apb:compressor=heads");
            return;
        }
        Map<String, Object> object = new LinkedHashMap<>();
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("name", located.name());
        model.put("sha256", located.sha256());
        object.put("model", model);
        object.putAll(done.fields());
        object.put("seconds", Answering.rounded(seconds));
        console.printLine(JsonText.of(object));
    }
}
