package dev.lectern.attention;

import dev.lectern.LecternException;
import dev.lectern.options.NamedOptions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** Methods of {@link Retention} by name. */
public final class Retentions {
    /** The name of none: everything stays. */
    public static final String ALL = "all";

    private static final Map<String, Function<NamedOptions, Retention>> METHODS = new LinkedHashMap<>();

    static {
        METHODS.put("snapkv", SnapKv::new);
        METHODS.put("h2o", H2o::new);
    }

    private Retentions() {}

    /**
     * A method.
     *
     * @param spec {@code NAME[:option=value…]}
     * @return empty for {@value #ALL}
     * @throws LecternException of kind {@code BAD_OPTION} that lists the names, if there is no such method; or the options, if it has no such option
     */
    public static Optional<Retention> named(String spec) {
        if (spec.equals(ALL)) {
            return Optional.empty();
        }
        NamedOptions options = new NamedOptions("Way to keep tokens", spec);
        Function<NamedOptions, Retention> method = METHODS.get(options.name());
        if (method == null) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "There is no way to keep tokens called \"" + options.name() + "\"; there are " + ALL + ", "
                            + String.join(", ", METHODS.keySet()) + ".");
        }
        Retention retention = method.apply(options);
        options.finish();
        return Optional.of(retention);
    }
}
