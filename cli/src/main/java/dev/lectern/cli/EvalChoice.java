package dev.lectern.cli;

import dev.lectern.LecternException;
import dev.lectern.measure.BenchModel;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What is evaluated, and where results go. */
final class EvalChoice {
    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = {
                "A name that \"lectern models\" lists, a path, or",
                "hf:OWNER/REPO[:FILE]. Default: qwen2.5-coder-0.5b."
            })
    @Nullable
    String model;

    @Option(
            names = "--kv",
            paramLabel = "FORMAT",
            description = {"How keys and values are stored: f32, f16 or bf16, or apart as", "k=f32,v=f16. Default: f16."
            })
    List<String> kv = List.of();

    @Option(
            names = "--attention",
            paramLabel = "METHOD",
            description = {
                "What each new token looks at: dense (everything, exact), or for",
                "comparison topk, topp, oracle-sampling or uniform with options, as",
                "topk:budget=2%%:sinks=4:window=64. Default: dense."
            })
    List<String> attention = List.of();

    @Option(names = "--out", paramLabel = "FOLDER", description = "Where results go. Default: eval-results.")
    String folder = "eval-results";

    @Mixin
    ComputeChoice compute = new ComputeChoice();

    @Mixin
    RepackChoice repack = new RepackChoice();

    /** The model; fetched and repacked first where that is due. */
    BenchModel subject(Surroundings surroundings) {
        String spec =
                model == null ? surroundings.hub().catalogue().defaultModel().name() : model;
        return SpeedCommand.repacked(surroundings, SpeedCommand.located(surroundings, spec), repack, compute.options());
    }

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

    Path out() {
        return Path.of(folder);
    }
}
