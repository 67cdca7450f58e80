package dev.lectern.model;

import dev.lectern.LecternException;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** How the rotation of positions is stretched beyond the context that a model was trained on. */
public sealed interface RopeScaling {
    /** As trained. */
    record None() implements RopeScaling {}

    /** All positions divided by the factor (Chen et al., "Extending Context Window … via Positional Interpolation", arXiv 2306.15595). */
    record Linear(double factor) implements RopeScaling {}

    /**
     * The base grows with the length of the sequence once that exceeds the original context ("NTK-aware", dynamic). The base is fixed for a
     * whole session, from the length that it is opened for, so that a token's key does not depend on when it was read.
     */
    record Dynamic(double factor, int originalContext) implements RopeScaling {}

    /**
     * Fast pairs as trained, slow pairs interpolated, a ramp between, and attention sharpened (Peng et al., "YaRN", arXiv 2309.00071).
     *
     * @param attentionFactor multiplies cos and sin
     * @param truncate whether the ends of the ramp are rounded outwards to whole pairs
     */
    record Yarn(
            double factor,
            int originalContext,
            double betaFast,
            double betaSlow,
            double attentionFactor,
            boolean truncate)
            implements RopeScaling {
        /** The attention factor of the paper, section 3.4: {@code 0.1 ln(factor) + 1}. */
        static double defaultAttentionFactor(double factor) {
            return factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1;
        }
    }

    /** By wavelength: short ones as trained, long ones divided by the factor, a linear ramp between (Llama 3.1). */
    record Llama3(double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalContext)
            implements RopeScaling {}

    /**
     * Reads an option: {@code none}, {@code linear:factor=4}, {@code dynamic:factor=2}, {@code yarn:factor=4},
     * {@code llama3:factor=8:low=1:high=4}; each but {@code none} and {@code linear} also takes {@code original=TOKENS}.
     *
     * @param context of the model as trained, the default of {@code original}
     */
    static RopeScaling parse(String option, int context) {
        String[] parts = option.split(":", -1);
        String name = parts[0].toLowerCase(Locale.ROOT);
        Map<String, Double> given = new HashMap<>();
        for (int i = 1; i < parts.length; i++) {
            String[] pair = parts[i].split("=", 2);
            if (given.put(pair[0], pair.length == 2 ? number(pair[1]) : Double.NaN) != null) {
                throw bad(option, "\"" + pair[0] + "\" stands there twice");
            }
        }
        Set<String> known = switch (name) {
            case "none" -> Set.of();
            case "linear" -> Set.of("factor");
            case "dynamic" -> Set.of("factor", "original");
            case "yarn" -> Set.of("factor", "original", "beta-fast", "beta-slow", "attention-factor");
            case "llama3" -> Set.of("factor", "original", "low", "high");
            default -> throw bad(option, "there is none of that name; there are none, linear, dynamic, yarn, llama3");
        };
        given.forEach((key, value) -> {
            if (!known.contains(key)) {
                throw bad(option, "\"" + key + "\" is not one of its options " + known);
            }
            if (!(value > 0) || value.isInfinite()) {
                throw bad(option, "\"" + key + "\" needs a positive number");
            }
        });
        if (name.equals("none")) {
            return new None();
        }
        if (!given.containsKey("factor")) {
            throw bad(option, "it needs a factor, as in " + name + ":factor=4");
        }
        double factor = given.get("factor");
        if (factor < 1) {
            throw bad(option, "a factor below 1 would shorten the context");
        }
        double original = given.getOrDefault("original", (double) context);
        if (original < 1 || original > Integer.MAX_VALUE || original != Math.rint(original)) {
            throw bad(option, "\"original\" is a whole number of tokens");
        }
        int trained = (int) original;
        return switch (name) {
            case "linear" -> new Linear(factor);
            case "dynamic" -> new Dynamic(factor, trained);
            case "yarn" ->
                new Yarn(
                        factor,
                        trained,
                        given.getOrDefault("beta-fast", 32.0),
                        given.getOrDefault("beta-slow", 1.0),
                        given.getOrDefault("attention-factor", Yarn.defaultAttentionFactor(factor)),
                        true);
            default -> {
                double low = given.getOrDefault("low", 1.0), high = given.getOrDefault("high", 4.0);
                if (low >= high) {
                    throw bad(option, "\"low\" must be less than \"high\", or no ramp lies between them");
                }
                yield new Llama3(factor, low, high, trained);
            }
        };
    }

    /** NaN for what is no number. */
    private static double number(String text) {
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException e) {
            return Double.NaN;
        }
    }

    /** How many times longer than trained a sequence may become. */
    default double stretch() {
        return switch (this) {
            case None n -> 1;
            case Linear l -> l.factor();
            case Dynamic d -> d.factor();
            case Yarn y -> y.factor();
            case Llama3 l -> l.factor();
        };
    }

    private static LecternException bad(String option, String problem) {
        return new LecternException(
                LecternException.Kind.BAD_OPTION, "--rope-scaling " + option + ": " + problem + ".");
    }
}
