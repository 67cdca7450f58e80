package dev.lectern.cli;

import dev.lectern.measure.BenchModel;
import java.nio.file.Path;
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
    @Nullable
    String kv;

    @Option(
            names = "--attention",
            paramLabel = "METHOD",
            description = {"What each new token looks at: dense (everything, exact).", "Default: dense."})
    @Nullable
    String attention;

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

    Path out() {
        return Path.of(folder);
    }
}
