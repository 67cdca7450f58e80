package dev.lectern;

import java.nio.file.Path;
import java.util.Optional;

/**
 * How a model is opened.
 *
 * @param threads that compute, the caller's included; 0 for all processors the JVM may use
 * @param ropeScaling instead of what the model file says, as on the command line: {@code yarn:factor=4}
 * @param repack the folder that keeps copies of quantised weights in a layout with which answers are written faster. A copy is as large as the weights, is written when a model
 *     is opened for the first time, and is mapped instead of them from then on. Empty: the weights are used as they are in the file.
 * @param calibrations the folder with what was learned of the model for methods of attention that are calibrated ({@code loki:calibrated=yes}); empty for none
 */
public record ModelOptions(
        int threads, Optional<String> ropeScaling, Optional<Path> repack, Optional<Path> calibrations) {
    /** All processors, positions as the model file says, no copy of the weights. */
    public static final ModelOptions DEFAULT =
            new ModelOptions(0, Optional.empty(), Optional.empty(), Optional.empty());

    public ModelOptions {
        if (threads < 0 || threads > 1024) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--threads is " + threads + ", but it takes 1…1024, or 0 for all.");
        }
    }

    public ModelOptions withThreads(int threads) {
        return new ModelOptions(threads, ropeScaling, repack, calibrations);
    }

    public ModelOptions withRopeScaling(String ropeScaling) {
        return new ModelOptions(threads, Optional.of(ropeScaling), repack, calibrations);
    }

    public ModelOptions withRepack(Path folder) {
        return new ModelOptions(threads, ropeScaling, Optional.of(folder), calibrations);
    }

    public ModelOptions withCalibrations(Path folder) {
        return new ModelOptions(threads, ropeScaling, repack, Optional.of(folder));
    }
}
