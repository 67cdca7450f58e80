package dev.lectern.cli;

import dev.lectern.LecternException;
import dev.lectern.ModelOptions;
import dev.lectern.comm.Hosts;
import dev.lectern.comm.Launcher;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a model computes. */
final class ComputeChoice {
    @Option(
            names = "--threads",
            paramLabel = "N",
            description = {"Threads that compute, 1…1024. Default: all processors that", "Java may use."})
    @Nullable
    Integer threads;

    @Option(
            names = "--rope-scaling",
            paramLabel = "KIND",
            description = {
                "Stretch the positions beyond the context that the model was",
                "trained on: none, linear:factor=4, dynamic:factor=2,",
                "yarn:factor=4 or llama3:factor=8. Default: as the model says."
            })
    @Nullable
    String ropeScaling;

    /** Where nothing is chosen, the processors are divided among the ranks of this host. */
    void shareProcessors() {
        int ranks = Hosts.launcher().map(Launcher::ranksHere).orElse(1);
        threads = threads == null ? Math.max(1, Runtime.getRuntime().availableProcessors() / ranks) : threads;
    }

    /** Takes what is not chosen and changes numbers from the options of an earlier reading. */
    void readAs(Map<String, String> earlier) {
        ropeScaling = ropeScaling == null ? earlier.get("rope-scaling") : ropeScaling;
    }

    /** Threads for work without a model. */
    int count() {
        int chosen = options().threads();
        return chosen > 0 ? chosen : Runtime.getRuntime().availableProcessors();
    }

    ModelOptions options() {
        if (threads != null && threads == 0) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--threads is 0, but it takes 1…1024: leave it out for all processors.");
        }
        ModelOptions options = ModelOptions.DEFAULT;
        if (threads != null) {
            options = options.withThreads(threads);
        }
        return ropeScaling == null ? options : options.withRopeScaling(ropeScaling);
    }
}
