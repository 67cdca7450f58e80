package dev.lectern.attention;

import dev.lectern.AttentionShape;
import dev.lectern.LecternException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/** The methods that can be calibrated, by name. */
public final class Calibrations {
    private static final Map<String, Function<AttentionShape, Calibration>> METHODS = new LinkedHashMap<>();

    static {
        METHODS.put(LokiCalibration.METHOD, LokiCalibration::new);
    }

    private Calibrations() {}

    /**
     * One that has learned nothing yet.
     *
     * @param shape of the model that will read
     * @throws LecternException of kind {@code BAD_OPTION} that lists the names, if there is no such method
     */
    public static Calibration named(String method, AttentionShape shape) {
        Function<AttentionShape, Calibration> calibration = METHODS.get(method);
        if (calibration == null) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "There is no method \"" + method + "\" that is calibrated; there is "
                            + String.join(", ", METHODS.keySet()) + ".");
        }
        return calibration.apply(shape);
    }
}
