package dev.lectern.prefill;

import dev.lectern.LecternException;
import dev.lectern.Question;
import dev.lectern.options.NamedOptions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;

/** The methods of reading by name. */
public final class Prefills {
    /** The name of the method that reads everything exactly, on one host. */
    public static final String FULL = "full";

    private static final Map<String, BiFunction<NamedOptions, Optional<Question>, Prefill>> METHODS =
            new LinkedHashMap<>();

    static {
        METHODS.put(FULL, (options, question) -> new Full());
        METHODS.put("ring", (options, question) -> new Ring(options));
        METHODS.put("ulysses", (options, question) -> new Ulysses());
        METHODS.put("star", (options, question) -> new Star(options));
        METHODS.put("apb", Apb::new);
        METHODS.put("minference", (options, question) -> new MInference(options));
        METHODS.put("xattention", (options, question) -> new XAttention(options));
    }

    private Prefills() {}

    /**
     * A method.
     *
     * @param spec {@code NAME[:option=value…]}
     * @param question that will be asked about the text, if it is known
     * @throws LecternException of kind {@code BAD_OPTION} that lists the names, if there is no such method; or the options, if it has no such option
     */
    public static Prefill named(String spec, Optional<Question> question) {
        NamedOptions options = new NamedOptions(Approximate.KIND, spec);
        BiFunction<NamedOptions, Optional<Question>, Prefill> method = METHODS.get(options.name());
        if (method == null) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "There is no prefill method \"" + options.name() + "\"; there are "
                            + String.join(", ", METHODS.keySet()) + ".");
        }
        Prefill prefill = method.apply(options, question);
        options.finish();
        return prefill;
    }
}
