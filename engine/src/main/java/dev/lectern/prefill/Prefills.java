package dev.lectern.prefill;

import dev.lectern.LecternException;
import dev.lectern.Question;
import dev.lectern.attention.CalibrationSource;
import dev.lectern.options.NamedOptions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** The methods of reading by name. */
public final class Prefills {
    /** The name of the method that reads everything exactly, on one host. */
    public static final String FULL = "full";

    @FunctionalInterface
    private interface Method {
        Prefill make(NamedOptions options, Optional<Question> question, CalibrationSource source);
    }

    private static final Map<String, Method> METHODS = new LinkedHashMap<>();

    static {
        METHODS.put(FULL, (options, question, source) -> new Full());
        METHODS.put("ring", (options, question, source) -> new Ring(options));
        METHODS.put("ulysses", (options, question, source) -> new Ulysses());
        METHODS.put("star", (options, question, source) -> new Star(options));
        METHODS.put("apb", Apb::new);
        METHODS.put(MInferenceSearch.METHOD, (options, question, source) -> new MInference(options, source));
        METHODS.put("xattention", (options, question, source) -> new XAttention(options));
    }

    private Prefills() {}

    /**
     * A method that says what it is and takes; it can read unless something was learned for it.
     *
     * @throws LecternException as {@link #named(String, Optional, CalibrationSource)} does
     */
    public static Prefill named(String spec, Optional<Question> question) {
        return named(spec, question, CalibrationSource.NONE);
    }

    /**
     * What a method is called where hosts share a text: each reads a block of it.
     *
     * @throws LecternException as {@link #named(String, Optional)} does, also if it is said to be divided among another number of hosts
     */
    public static String among(String spec, int hosts) {
        if (!(named(spec, Optional.empty()) instanceof Blockwise)) {
            return spec;
        }
        NamedOptions options = new NamedOptions(Approximate.KIND, spec);
        Optional<String> given = options.text(Blockwise.HOSTS);
        if (given.isPresent() && !given.get().equals(Integer.toString(hosts))) {
            throw options.bad("hosts is " + given.get() + ", but there are " + hosts + ": leave it out");
        }
        return given.isPresent() ? spec : spec + ":" + Blockwise.HOSTS + "=" + hosts;
    }

    /**
     * A method.
     *
     * @param spec {@code NAME[:option=value…]}
     * @param question that will be asked about the text, if it is known
     * @param source of what was learned of the model
     * @throws LecternException of kind {@code BAD_OPTION} that lists the names, if there is no such method; or the options, if it has no such option
     */
    public static Prefill named(String spec, Optional<Question> question, CalibrationSource source) {
        NamedOptions options = new NamedOptions(Approximate.KIND, spec);
        Method method = METHODS.get(options.name());
        if (method == null) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "There is no prefill method \"" + options.name() + "\"; there are "
                            + String.join(", ", METHODS.keySet()) + ".");
        }
        Prefill prefill = method.make(options, question, source);
        options.finish();
        return prefill;
    }
}
