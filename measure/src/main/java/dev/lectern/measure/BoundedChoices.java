package dev.lectern.measure;

import dev.lectern.Traffic;
import java.util.Locale;
import tools.jackson.core.JsonGenerator;

/** What became of a bound on the error of attention, as results tell it; nothing where there was no bound. */
final class BoundedChoices {
    private BoundedChoices() {}

    /** The member {@code bounded} of an object. */
    static void write(JsonGenerator json, Traffic.Bounded bounded) {
        if (bounded.choices() > 0) {
            json.writeObjectPropertyStart("bounded");
            json.writeNumberProperty("choices", bounded.choices());
            json.writeNumberProperty("enlarged", bounded.enlarged());
            json.writeNumberProperty("dense", bounded.dense());
            json.writeNumberProperty("meanError", bounded.meanError());
            json.writeEndObject();
        }
    }

    /** A line for a terminal. */
    static String line(String method, Traffic.Bounded bounded) {
        return bounded.choices() == 0
                ? ""
                : String.format(
                        Locale.ROOT,
                        "%s: more was read for %.1f %% of choices, everything at last for %.1f %%; estimated error %.2e at last\n",
                        method,
                        100.0 * bounded.enlarged() / bounded.choices(),
                        100.0 * bounded.dense() / bounded.choices(),
                        bounded.meanError());
    }
}
