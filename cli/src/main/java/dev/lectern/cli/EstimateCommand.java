package dev.lectern.cli;

import dev.lectern.Estimate;
import dev.lectern.Estimator;
import dev.lectern.LecternException;
import dev.lectern.SessionOptions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

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
            "  lectern estimate --ctx 131072 --kv f16 --attention magicpig",
            "",
            "The object of --json: tokens, bytes {weights, kv, index, scratch, total, available}, fits,"
                    + " longestThatFits (tokens), formats [{kv, bytes, longestThatFits}]."
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

    @Mixin
    KvChoice kv = new KvChoice();

    @Mixin
    LookupChoice lookup = new LookupChoice();

    @Mixin
    ComputeChoice computeChoice = new ComputeChoice();

    @Mixin
    OutputChoice output = new OutputChoice();

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public void run(Surroundings surroundings) {
        if (context != null && context < 1) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--ctx is " + context + ", but it takes a positive number of tokens.");
        }
        SessionOptions options = SessionOptions.DEFAULT.withContext(context == null ? 0 : context);
        SessionOptions chosen = lookup.choose(kv.choose(options));
        ModelChoice.Located located = ModelChoice.locate(surroundings, ModelChoice.named(spec, argument, model));
        try (Estimator estimator = Estimator.open(located.path(), computeChoice.options())) {
            Estimate estimate = estimator.estimate(chosen);
            if (estimate.tokens() > estimator.context()) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "--ctx is " + estimate.tokens() + " tokens, but " + located.name() + " was made for "
                                + estimator.context()
                                + ": ask for no more, or stretch it with --rope-scaling (yarn:factor=2 doubles it).");
            }
            long longest = estimator.longestThatFits(chosen);
            List<Format> formats = formats(estimator, chosen);
            surroundings
                    .console()
                    .print(
                            output.json
                                    ? json(estimate, longest, formats)
                                    : text(located, estimate, longest, estimator.context(), chosen, formats));
        }
    }

    /**
     * What the cache would take in a format.
     *
     * @param longest tokens that fit
     */
    private record Format(String kv, long bytes, long longest) {}

    /** All formats without options, and the default; those for which the heads of the model are not right are left out. */
    private static List<Format> formats(Estimator estimator, SessionOptions options) {
        List<Format> formats = new ArrayList<>();
        for (String kv : SessionOptions.kvFormats()) {
            SessionOptions other = options.withKv(kv).withKvLayers("");
            try {
                formats.add(new Format(kv, estimator.estimate(other).kv(), estimator.longestThatFits(other)));
            } catch (LecternException e) {
                if (e.kind() != LecternException.Kind.BAD_OPTION) {
                    throw e;
                }
            }
        }
        formats.sort(Comparator.comparingLong(Format::bytes).reversed());
        return formats;
    }

    private static String json(Estimate estimate, long longest, List<Format> formats) {
        Map<String, Object> bytes = new LinkedHashMap<>();
        bytes.put("weights", estimate.weights());
        bytes.put("kv", estimate.kv());
        bytes.put("index", estimate.index());
        bytes.put("scratch", estimate.scratch());
        bytes.put("total", estimate.total());
        bytes.put("available", estimate.available());
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("tokens", estimate.tokens());
        object.put("bytes", bytes);
        object.put("fits", estimate.fits());
        object.put("longestThatFits", longest);
        List<Map<String, Object>> all = new ArrayList<>();
        for (Format format : formats) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("kv", format.kv());
            one.put("bytes", format.bytes());
            one.put("longestThatFits", format.longest());
            all.add(one);
        }
        object.put("formats", all);
        return JsonText.of(object) + "\n";
    }

    private static String text(
            ModelChoice.Located located,
            Estimate estimate,
            long longest,
            long most,
            SessionOptions options,
            List<Format> formats) {
        StringBuilder text = new StringBuilder();
        text.append(located.name()).append(", ").append(estimate.tokens()).append(" tokens\n");
        row(text, "weights", estimate.weights(), "mapped from the file");
        row(
                text,
                "kv",
                estimate.kv(),
                "keys and values as " + options.kv()
                        + (options.kvLayers().isEmpty() ? "" : ", layers " + options.kvLayers()));
        if (estimate.index() > 0) {
            row(text, "index", estimate.index(), "what is known of keys, or summed, beside them");
        }
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
        text.append("\nThe cache in other formats (--kv), and the longest session that fits then:\n");
        for (Format format : formats) {
            text.append(String.format(
                    Locale.ROOT,
                    "  %-16s %9s  %9d tokens\n",
                    format.kv(),
                    Units.bytes(format.bytes()),
                    format.longest()));
        }
        return text.toString();
    }

    private static void row(StringBuilder text, String name, long bytes, String remark) {
        String line = String.format(Locale.ROOT, "  %-10s %9s  %s", name, Units.bytes(bytes), remark);
        text.append(line.stripTrailing()).append('\n');
    }
}
