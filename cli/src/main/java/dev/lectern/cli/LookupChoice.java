package dev.lectern.cli;

import dev.lectern.SessionOptions;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What new tokens look at of what was read. */
final class LookupChoice {
    @Option(
            names = "--attention",
            paramLabel = "METHOD",
            description = {
                "What each new token looks at: dense (everything, exact), or",
                "window, quest, loki, magicpig, pps, topk, topp, oracle-sampling",
                "or uniform (docs/command-line.md says more). Default: dense."
            })
    @Nullable
    String attention;

    @Option(
            names = "--keep",
            paramLabel = "METHOD",
            description = {
                "What stays in memory when the first answer begins: all,",
                "snapkv[:budget=1024] or h2o[:budget=20%]. What is dropped is",
                "gone for later questions too. Default: all."
            })
    @Nullable
    String keep;

    /** Options with what was given. */
    SessionOptions choose(SessionOptions options) {
        SessionOptions chosen = attention == null ? options : options.withAttention(attention);
        return keep == null ? chosen : chosen.withKeep(keep);
    }
}
