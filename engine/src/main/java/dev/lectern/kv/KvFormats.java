package dev.lectern.kv;

import dev.lectern.LecternException;
import dev.lectern.options.NamedOptions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * A format of keys and one of values.
 *
 * @param keys never one that is only for values
 * @param values never one that is only for keys
 */
public record KvFormats(KvFormat keys, KvFormat values) {
    /** Makes the format of a name for keys, and the one for values. */
    private record Maker(Function<NamedOptions, KvFormat> keys, Function<NamedOptions, KvFormat> values) {
        Maker(Function<NamedOptions, KvFormat> both) {
            this(both, both);
        }
    }

    private static final Map<String, Maker> MAKERS = new LinkedHashMap<>();

    static {
        for (KvFormat format : new KvFormat[] {FloatFormat.F32, FloatFormat.F16, FloatFormat.BF16}) {
            MAKERS.put(format.name(), new Maker(options -> format));
        }
        MAKERS.put("int8", new Maker(Int8Format::of));
        for (int bits : new int[] {8, 4, 2}) {
            MAKERS.put("hf-int" + bits, new Maker(options -> HfFormat.of(bits, options)));
        }
        for (int bits : new int[] {4, 2}) {
            MAKERS.put(
                    "kivi-" + bits,
                    new Maker(options -> KiviFormat.keys(bits, options), options -> KiviFormat.values(bits, options)));
        }
        for (int bits : ChlFormat.BITS) {
            MAKERS.put(
                    "chl-" + bits,
                    new Maker(options -> ChlFormat.keys(bits, options), options -> ChlFormat.values(bits, options)));
        }
    }

    /** The names without options. */
    public static Set<String> names() {
        return Collections.unmodifiableSet(MAKERS.keySet());
    }

    /**
     * What {@code --kv} says: {@code FORMAT} for both, or {@code k=FORMAT,v=FORMAT}; a format is {@code NAME[:option=value…]}.
     *
     * @throws LecternException of kind {@code BAD_OPTION} if it says a format for one side only, or several for the same, or one that does not exist, or an option that it does not have
     */
    public static KvFormats named(String spec) {
        KvFormat keys = null, values = null;
        for (String part : spec.split(",", -1)) {
            if (keys != null && !part.startsWith("v=") || values != null && !part.startsWith("k=")) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "--kv " + spec
                                + " names more than one format for the same side: write k=FORMAT,v=FORMAT or one FORMAT for both.");
            }
            if (part.startsWith("k=")) {
                keys = keys(part.substring(2));
            } else if (part.startsWith("v=")) {
                values = values(part.substring(2));
            } else {
                keys = keys(part);
                values = values(part);
            }
        }
        if (keys == null || values == null) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--kv " + spec
                            + " names a format for one side only: write k=FORMAT,v=FORMAT or one FORMAT for both.");
        }
        return new KvFormats(keys, values);
    }

    /**
     * What {@code --kv} and {@code --kv-layers} say together.
     *
     * @param exceptions {@code LAYER=FORMAT,…}, where LAYER is {@code first}, {@code last} or a number from 0, and FORMAT as in {@link #named}; empty for none
     * @return one for each layer
     * @throws LecternException of kind {@code BAD_OPTION} as {@link #named} does, or if there is no such layer
     */
    public static List<KvFormats> ofLayers(String spec, String exceptions, int layers) {
        List<KvFormats> all = new ArrayList<>(Collections.nCopies(layers, named(spec)));
        String layer = "", format = "";
        for (String part : exceptions.isEmpty() ? new String[0] : exceptions.split(",", -1)) {
            int equals = part.indexOf('=');
            String before = equals < 0 ? "" : part.substring(0, equals);
            if (before.equals("v") && !format.isEmpty()) {
                format += "," + part;
            } else if (before.isEmpty() || before.contains(":")) {
                throw badLayer(exceptions, layers);
            } else {
                set(all, layer, format, exceptions);
                layer = before;
                format = part.substring(equals + 1);
            }
        }
        set(all, layer, format, exceptions);
        return all;
    }

    private static void set(List<KvFormats> all, String layer, String format, String exceptions) {
        if (layer.isEmpty()) {
            return;
        }
        int index;
        try {
            index = switch (layer) {
                case "first" -> 0;
                case "last" -> all.size() - 1;
                default -> Integer.parseInt(layer);
            };
        } catch (NumberFormatException e) {
            throw badLayer(exceptions, all.size());
        }
        if (index < 0 || index >= all.size()) {
            throw badLayer(exceptions, all.size());
        }
        all.set(index, named(format));
    }

    private static LecternException badLayer(String exceptions, int layers) {
        return new LecternException(
                LecternException.Kind.BAD_OPTION,
                "--kv-layers " + exceptions
                        + ": it takes LAYER=FORMAT,… where LAYER is first, last or a number from 0 to " + (layers - 1)
                        + " and FORMAT as in --kv, for example first=f16,last=k=f16,v=chl-8.");
    }

    /** What the layers of a cache store, as options are written: the format of most of them, and of the others after a semicolon. */
    public static String described(List<LayerCache> layers) {
        Map<String, Integer> counts = new LinkedHashMap<>();
        List<String> names = layers.stream()
                .map(layer -> new KvFormats(layer.keys(), layer.values()).name())
                .toList();
        names.forEach(name -> counts.merge(name, 1, Integer::sum));
        String most =
                Collections.max(counts.entrySet(), Map.Entry.comparingByValue()).getKey();
        StringBuilder described = new StringBuilder(most);
        for (int layer = 0; layer < names.size(); layer++) {
            if (!names.get(layer).equals(most)) {
                described.append("; ").append(layer).append("=").append(names.get(layer));
            }
        }
        return described.toString();
    }

    /** The format of keys of that name. */
    static KvFormat keys(String spec) {
        NamedOptions options = new NamedOptions("KV format", spec);
        return made(maker(options).keys, options);
    }

    /** The format of values of that name. */
    static KvFormat values(String spec) {
        NamedOptions options = new NamedOptions("KV format", spec);
        return made(maker(options).values, options);
    }

    private static KvFormat made(Function<NamedOptions, KvFormat> maker, NamedOptions options) {
        KvFormat format = maker.apply(options);
        options.finish();
        return format;
    }

    private static Maker maker(NamedOptions options) {
        Maker maker = MAKERS.get(options.name());
        if (maker == null) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "There is no KV format \"" + options.name() + "\"; there are " + String.join(", ", MAKERS.keySet())
                            + ".");
        }
        return maker;
    }

    /** As {@code --kv} is written. */
    public String name() {
        return keys.name().equals(values.name()) ? keys.name() : "k=" + keys.name() + ",v=" + values.name();
    }
}
