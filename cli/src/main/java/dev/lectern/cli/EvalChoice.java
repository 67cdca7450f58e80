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

    @Option(names = "--out", paramLabel = "FOLDER", description = "Where results go. Default: eval-results.")
    String folder = "eval-results";

    @Mixin
    ComputeChoice compute = new ComputeChoice();

    @Mixin
    RepackChoice repack = new RepackChoice();

    /** The model; fetched and repacked first where that is due. */
    BenchModel subject(Surroundings surroundings) {
        String spec = spec(surroundings);
        return SpeedCommand.repacked(surroundings, SpeedCommand.located(surroundings, spec), repack, compute.options());
    }

    /** The model as it was named. */
    String spec(Surroundings surroundings) {
        return model == null ? surroundings.hub().catalogue().defaultModel().name() : model;
    }

    Path out() {
        return Path.of(folder);
    }
}
