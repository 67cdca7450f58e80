package dev.lectern.cli;

import dev.lectern.LecternException;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** How a model that is evaluated keeps what it reads, and looks things up in it. */
final class MethodChoice {
    @Option(
            names = "--kv",
            paramLabel = "FORMAT",
            description = {
                "How keys and values are stored: f32, f16, bf16, int8, chl-8 … chl-2,",
                "hf-int8, hf-int4, hf-int2, kivi-4, kivi-2, or apart as",
                "k=chl-8,v=chl-4. Default: f16."
            })
    List<String> kv = List.of();

    @Option(
            names = "--attention",
            paramLabel = "METHOD",
            description = {
                "What each new token looks at: dense (everything, exact), or",
                "window, quest, loki, magicpig, pps, topk, topp, oracle-sampling",
                "or uniform with options, as topk:budget=2%:sinks=4:window=64.",
                "Default: dense."
            })
    List<String> attention = List.of();

    /** The format, for a verb that goes through one. */
    Optional<String> kv() {
        return only("--kv", kv);
    }

    /** The method, for a verb that goes through one. */
    Optional<String> attention() {
        return only("--attention", attention);
    }

    private static Optional<String> only(String option, List<String> given) {
        if (given.size() > 1) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    option + " is given " + given.size() + " times, but this verb goes through one: run it for each.");
        }
        return given.stream().findFirst();
    }
}
