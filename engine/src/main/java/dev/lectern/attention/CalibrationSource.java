package dev.lectern.attention;

import dev.lectern.LecternException;
import java.nio.file.Path;
import java.util.Optional;

/** Where methods of attention and of reading find what was learned of a model for them. */
@FunctionalInterface
public interface CalibrationSource {
    /** What a method's option {@code calibrated} says where it means the file that was made for the model at hand. */
    String OWN = "yes";

    /** Nowhere: methods can say what they are and need, but those that were calibrated cannot attend. */
    CalibrationSource NONE = (method, which) -> Optional.empty();

    /** Files that are named, without a model to compare them with. */
    CalibrationSource FILES = (method, which) -> {
        if (which.equals(OWN)) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    Calibrated.asked(method, which)
                            + " is for a model that is open, and here is none: name the file that \""
                            + Calibrated.command(method) + "\" wrote.");
        }
        return Optional.of(Calibrated.read(Path.of(which), method));
    };

    /**
     * What was learned.
     *
     * @param which {@value #OWN}, or a file
     * @throws LecternException of kind {@code NOT_FOUND} if there is none, {@code BAD_MODEL} if it is damaged, {@code BAD_OPTION} if it is of another model or method
     */
    Optional<Calibrated> find(String method, String which);
}
