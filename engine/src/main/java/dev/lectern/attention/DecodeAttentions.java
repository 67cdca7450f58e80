package dev.lectern.attention;

import dev.lectern.LecternException;
import dev.lectern.options.NamedOptions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/** The methods by name. */
public final class DecodeAttentions {
    private static final Map<String, Function<NamedOptions, DecodeAttention>> METHODS = new LinkedHashMap<>();

    static {
        METHODS.put("dense", options -> new Dense());
        METHODS.put("window", Window::new);
        METHODS.put("topk", TopK::new);
        METHODS.put("topp", TopP::new);
        METHODS.put("oracle-sampling", OracleSampling::new);
        METHODS.put("uniform", Uniform::new);
        METHODS.put("quest", Quest::new);
        METHODS.put("loki", Loki::new);
        METHODS.put("magicpig", MagicPig::new);
        METHODS.put("pps", Pps::new);
    }

    private DecodeAttentions() {}

    /**
     * A new instance, for one session.
     *
     * @param spec {@code NAME[:option=value…]}
     * @throws LecternException of kind {@code BAD_OPTION} that lists the names, if there is no such method; or the options, if it has no such option
     */
    public static DecodeAttention named(String spec) {
        NamedOptions options = new NamedOptions("Attention method", spec);
        Function<NamedOptions, DecodeAttention> method = METHODS.get(options.name());
        if (method == null) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "There is no attention method \"" + options.name() + "\"; there are "
                            + String.join(", ", METHODS.keySet()) + ".");
        }
        DecodeAttention attention = method.apply(options);
        options.finish();
        return attention;
    }
}
