package dev.lectern.cli;

import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.measure.ModelCalibration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lectern calibrate}. */
@Command(
        name = "calibrate",
        customSynopsis = "lectern calibrate [OPTIONS] METHOD",
        description = {
            "Have a method of attention or of reading learn what it wants to know of a model, from texts that the model reads.",
            "",
            "What is learned is kept in the cache folder, one file for each model and method, and used where it is asked for:"
                    + " --attention loki:calibrated=yes, --prefill minference:calibrated=yes. Calibrating again replaces it;"
                    + " until that is done, or when it is stopped, the earlier one stays.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern calibrate loki --model smollm2-135m --text chapter.txt --text report.md",
            "  lectern ask report.md \"Who signed it?\" --model smollm2-135m --attention loki:calibrated=yes",
            "  lectern calibrate minference --model qwen2.5-coder-0.5b --task kv_retrieval --length 16384",
            "",
            "The object of --json: method, model {name, sha256}, file, bytes, tokens (that were read), seconds."
        })
final class CalibrateCommand implements Verb {
    @Parameters(
            paramLabel = "METHOD",
            description = {
                "The method: loki (the axes along which the model's keys vary)",
                "or minference (the pattern that each head looks in)."
            })
    String method = "";

    @Option(
            names = "--text",
            paramLabel = "FILE",
            description = {
                "A text to learn from. May be given several times. Without it,",
                "one is read from standard input."
            })
    List<String> texts = List.of();

    @Option(names = "--tokens", paramLabel = "N", description = "Read the first N tokens of each text. Default: all.")
    int tokens;

    @Option(
            names = "--task",
            paramLabel = "TASK",
            description = {
                "Learn from a made prompt of a task of eval ruler or eval",
                "infinite in place of texts, such as kv_retrieval."
            })
    @Nullable
    String task;

    @Option(names = "--length", paramLabel = "TOKENS", description = "Length of that prompt. Default: 8192.")
    @Nullable
    Integer length;

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
        if (tokens < 0) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION, "--tokens is " + tokens + ", but it takes a positive number.");
        }
        if (task == null ? length != null : !texts.isEmpty() || tokens != 0) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    task == null
                            ? "--length is that of a task's prompt: name a --task, or cut texts by --tokens."
                            : "--task makes a prompt in place of texts: leave --text and --tokens out, or the task.");
        }
        Console console = surroundings.console();
        computeChoice.options();
        List<String> words = task == null ? words(surroundings) : List.of();
        ModelChoice.Located located = modelChoice.locate(surroundings);
        try (Model model = repackChoice.open(surroundings, located, computeChoice.options())) {
            long began = System.nanoTime();
            int made = length == null ? ModelCalibration.LENGTH : length;
            List<int[]> read = task == null
                    ? ModelCalibration.tokens(model, words, tokens)
                    : List.of(ModelCalibration.prompt(model, task, made));
            ModelCalibration done;
            try (ProgressLine line = new ProgressLine(console, "calibrating", ProgressLine.Unit.TOKENS_IN_ALL, 0, -1)) {
                done = ModelCalibration.run(model, located.name(), method, read, line, surroundings.cancellation());
            }
            print(console, located, done, Answering.seconds(began));
        }
    }

    private List<String> words(Surroundings surroundings) {
        return texts.isEmpty()
                ? List.of(TextArgument.of(surroundings, null, null, "standard input"))
                : texts.stream().map(surroundings.console().in()::file).toList();
    }

    private void print(Console console, ModelChoice.Located located, ModelCalibration done, double seconds) {
        if (!output.json) {
            console.printLine(method + " has learned from " + done.tokens() + " tokens in " + Units.seconds(seconds)
                    + ": wrote " + done.file() + " (" + Units.bytes(done.bytes()) + "). Use it: " + done.option() + " "
                    + method
                    + ":calibrated=yes");
            return;
        }
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("method", method);
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("name", located.name());
        model.put("sha256", located.sha256());
        object.put("model", model);
        object.put("file", done.file().toString());
        object.put("bytes", done.bytes());
        object.put("tokens", done.tokens());
        object.put("seconds", Answering.rounded(seconds));
        console.printLine(JsonText.of(object));
    }
}
