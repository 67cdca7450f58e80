package dev.lectern;

import dev.lectern.attention.Calibration;
import dev.lectern.attention.LokiCalibration;
import dev.lectern.prefill.MInferenceSearch;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/** The methods of attention and of reading that can be calibrated, by name. */
public final class Calibrations {
    private static final Map<String, Function<AttentionShape, Calibration>> METHODS = new LinkedHashMap<>();

    static {
        METHODS.put(LokiCalibration.METHOD, LokiCalibration::new);
        METHODS.put(MInferenceSearch.METHOD, shape -> new MInferenceSearch());
    }

    private Calibrations() {}

    /**
     * One that has learned nothing yet; {@link Model#newSession(SessionOptions, Calibration)} has it learn.
     *
     * @param shape of the model that will read
     * @throws LecternException of kind {@code BAD_OPTION} that lists the names, if there is no such method
     */
    public static Calibration named(String method, AttentionShape shape) {
        Function<AttentionShape, Calibration> calibration = METHODS.get(method);
        if (calibration == null) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "There is no method \"" + method + "\" that is calibrated; there are "
                            + String.join(", ", METHODS.keySet()) + ".");
        }
        return calibration.apply(shape);
    }
}
