package dev.lectern.cli;

import dev.lectern.Estimate;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.SessionOptions;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lectern estimate}. */
@Command(
        name = "estimate",
        customSynopsis = "lectern estimate [OPTIONS] [MODEL]",
        description = {
            "Say how much memory a session would take, before anything is read.",
            "",
            "A config.json is enough of a model; its" + " weights then count as nothing.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern estimate --ctx 16384",
            "  lectern estimate --ctx 131072 --kv bf16 ./config.json",
            "",
            "The object of --json: tokens, bytes {weights, kv, index, scratch, total, available}, fits,"
                    + " longestThatFits (tokens)."
        })
final class EstimateCommand implements Verb {
    @Parameters(
            arity = "0..1",
            paramLabel = "MODEL",
            description = {"A name, a GGUF file, a folder or a config.json. Default: that of", "--model."})
    @Nullable
    String argument;

    @Option(names = "--model", paramLabel = "MODEL", description = "The same. Default: qwen2.5-coder-0.5b.")
    @Nullable
    String model;

    @Option(
            names = "--ctx",
            paramLabel = "TOKENS",
            description = "Tokens of the session. Default: all that the model can hold.")
    @Nullable
    Integer context;

    @Option(
            names = "--kv",
            paramLabel = "FORMAT",
            description = {"How keys and values are stored: f32, f16 or bf16, or apart as", "k=f32,v=f16. Default: f16."
            })
    @Nullable
    String kv;

    @Mixin
    ComputeChoice computeChoice = new ComputeChoice();

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        if (context != null && context < 1) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--ctx is " + context + ", but it takes a positive number of tokens.");
        }
        SessionOptions options = SessionOptions.DEFAULT.withContext(context == null ? 0 : context);
        SessionOptions chosen = kv == null ? options : options.withKv(kv);
        ModelChoice.Located located =
                ModelChoice.locate(surroundings, Optional.ofNullable(argument != null ? argument : model));
        Estimate estimate = Model.estimate(located.path(), computeChoice.options(), chosen);
        long most = Model.estimate(located.path(), computeChoice.options(), chosen.withContext(0))
                .tokens();
        if (estimate.tokens() > most) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--ctx is " + estimate.tokens() + " tokens, but " + located.name() + " was made for " + most
                            + ": ask for no more, or stretch it with --rope-scaling (yarn:factor=2 doubles it).");
        }
        long longest = longestThatFits(located, chosen, most);
        surroundings
                .console()
                .print(output.json ? json(estimate, longest) : text(located, estimate, longest, most, chosen));
    }

    /** Bisects: what a session takes grows with its context. */
    private long longestThatFits(ModelChoice.Located located, SessionOptions options, long most) {
        long low = 0, high = most;
        while (low < high) {
            long middle = high - (high - low) / 2;
            Estimate estimate =
                    Model.estimate(located.path(), computeChoice.options(), options.withContext((int) middle));
            if (estimate.fits()) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    private static String json(Estimate estimate, long longest) {
        Map<String, Object> bytes = new LinkedHashMap<>();
        bytes.put("weights", estimate.weights());
        bytes.put("kv", estimate.kv());
        bytes.put("index", 0);
        bytes.put("scratch", estimate.scratch());
        bytes.put("total", estimate.total());
        bytes.put("available", estimate.available());
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("tokens", estimate.tokens());
        object.put("bytes", bytes);
        object.put("fits", estimate.fits());
        object.put("longestThatFits", longest);
        return JsonText.of(object) + "\n";
    }

    private static String text(
            ModelChoice.Located located, Estimate estimate, long longest, long most, SessionOptions options) {
        StringBuilder text = new StringBuilder();
        text.append(located.name()).append(", ").append(estimate.tokens()).append(" tokens\n");
        row(text, "weights", estimate.weights(), "mapped from the file");
        row(text, "kv", estimate.kv(), "keys and values as " + options.kv());
        row(text, "scratch", estimate.scratch(), "intermediate results");
        row(text, "total", estimate.total(), "");
        row(text, "available", estimate.available(), "on this machine now");
        text.append(estimate.fits() ? "It fits" : "It does not fit");
        if (longest == 0) {
            text.append("; not even the weights do.\n");
        } else {
            text.append("; the longest session that fits has ").append(longest).append(" tokens");
            text.append(longest == most ? ", all that the model can hold.\n" : ".\n");
        }
        return text.toString();
    }

    private static void row(StringBuilder text, String name, long bytes, String remark) {
        String line = String.format(Locale.ROOT, "  %-10s %9s  %s", name, Units.bytes(bytes), remark);
        text.append(line.stripTrailing()).append('\n');
    }
}
