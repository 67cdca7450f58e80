package dev.lectern.cli;

import dev.lectern.GenerateOptions;
import dev.lectern.Sampling;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** When an answer ends and how its tokens are chosen. */
final class AnswerChoice {
    @Option(names = "--max-tokens", paramLabel = "N", description = "The most tokens of an answer. Default: 512.")
    @Nullable
    Integer maxTokens;

    @Option(
            names = "--stop",
            paramLabel = "TEXT",
            description = {
                "End the answer before this text; may be given several times. It ends",
                "nothing in what the model thinks aloud before it answers."
            })
    List<String> stop = new ArrayList<>();

    @Option(
            names = "--temperature",
            paramLabel = "T",
            description = {
                "0: always the likeliest token (greedy). Above 0: draw, the more",
                "freely the higher; 0.7 is usual. Default: 0."
            })
    @Nullable
    Double temperature;

    @Option(names = "--top-k", paramLabel = "K", description = "Draw from the K likeliest tokens. Default: from all.")
    @Nullable
    Integer topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = {"Draw from the likeliest tokens that together have probability P.", "Default: 1, from all."})
    @Nullable
    Double topP;

    @Option(
            names = "--min-p",
            paramLabel = "P",
            description = {"Draw from tokens at least P times as probable as the likeliest.", "Default: 0, from all."})
    @Nullable
    Double minP;

    @Option(
            names = "--repeat-penalty",
            paramLabel = "R",
            description = {
                "Above 1: make tokens that the answer already has less likely;",
                "1.1 is usual against loops. Default: 1."
            })
    @Nullable
    Double repeatPenalty;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = {"Of the draws: the same seed and options give the same answer.", "Default: 0."})
    @Nullable
    Long seed;

    GenerateOptions options() {
        Sampling none = Sampling.GREEDY;
        Sampling sampling = new Sampling(
                temperature == null ? none.temperature() : temperature,
                topK == null ? none.topK() : topK,
                topP == null ? none.topP() : topP,
                minP == null ? none.minP() : minP,
                repeatPenalty == null ? none.repeatPenalty() : repeatPenalty,
                seed == null ? none.seed() : seed);
        GenerateOptions options = GenerateOptions.DEFAULT.withSampling(sampling).withStop(stop);
        return maxTokens == null ? options : options.withMaxTokens(maxTokens);
    }

    /** Says so where options were given that cannot matter. */
    void warnOfNoEffect(Console console, int answers) {
        if (options().sampling().isGreedy()) {
            if (topK != null || topP != null || minP != null || seed != null) {
                console.warn("--top-k, --top-p, --min-p and --seed say how tokens are drawn, but --temperature is 0:"
                        + " the likeliest is always taken.");
            }
            if (answers > 1) {
                console.warn("All " + answers + " answers will be the same, since --temperature is 0: raise it (0.7).");
            }
        }
    }
}
