package dev.lectern;

import java.util.Optional;

/**
 * How a model is opened.
 *
 * @param threads that compute, the caller's included; 0 for all processors the JVM may use
 * @param ropeScaling instead of what the model file says, as on the command line: {@code yarn:factor=4}
 */
public record ModelOptions(int threads, Optional<String> ropeScaling) {
    /** All processors, positions as the model file says. */
    public static final ModelOptions DEFAULT = new ModelOptions(0, Optional.empty());

    public ModelOptions {
        if (threads < 0 || threads > 1024) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--threads is " + threads + ", but it takes 1…1024, or 0 for all.");
        }
    }

    public ModelOptions withThreads(int threads) {
        return new ModelOptions(threads, ropeScaling);
    }

    public ModelOptions withRopeScaling(String ropeScaling) {
        return new ModelOptions(threads, Optional.of(ropeScaling));
    }
}
