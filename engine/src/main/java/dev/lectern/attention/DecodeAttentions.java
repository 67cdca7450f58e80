package dev.lectern.attention;

import dev.lectern.LecternException;
import dev.lectern.options.NamedOptions;
import java.util.LinkedHashMap;
import java.util.Map;

/** The methods by name. */
public final class DecodeAttentions {
    private static final Map<String, Maker> METHODS = new LinkedHashMap<>();

    static {
        METHODS.put("dense", (options, source) -> new Dense());
        METHODS.put("window", (options, source) -> new Window(options));
        METHODS.put("topk", (options, source) -> new TopK(options));
        METHODS.put("topp", (options, source) -> new TopP(options));
        METHODS.put("oracle-sampling", (options, source) -> new OracleSampling(options));
        METHODS.put("uniform", (options, source) -> new Uniform(options));
        METHODS.put("quest", (options, source) -> new Quest(options));
        METHODS.put("loki", Loki::new);
        METHODS.put("magicpig", (options, source) -> new MagicPig(options));
        METHODS.put("pps", (options, source) -> new Pps(options));
    }

    /** How a method is made of its options. */
    @FunctionalInterface
    private interface Maker {
        DecodeAttention make(NamedOptions options, CalibrationSource source);
    }

    private DecodeAttentions() {}

    /**
     * A new instance that says what it is and takes; it can attend unless it was calibrated.
     *
     * @param spec {@code NAME[:option=value…]}
     * @throws LecternException as {@link #named(String, CalibrationSource)} does
     */
    public static DecodeAttention named(String spec) {
        return named(spec, CalibrationSource.NONE);
    }

    /**
     * A new instance, for one session.
     *
     * @param spec {@code NAME[:option=value…]}
     * @param source of what was learned for it
     * @throws LecternException of kind {@code BAD_OPTION} that lists the names, if there is no such method; or the options, if it has no such option; as the source does
     */
    public static DecodeAttention named(String spec, CalibrationSource source) {
        NamedOptions options = new NamedOptions("Attention method", spec);
        Maker method = METHODS.get(options.name());
        if (method == null) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "There is no attention method \"" + options.name() + "\"; there are "
                            + String.join(", ", METHODS.keySet()) + ".");
        }
        DecodeAttention attention = method.make(options, source);
        options.finish();
        return attention;
    }
}
