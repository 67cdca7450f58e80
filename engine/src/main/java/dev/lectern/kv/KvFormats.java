package dev.lectern.kv;

import dev.lectern.LecternException;
import java.util.LinkedHashMap;
import java.util.Map;

/** The formats by name. */
public final class KvFormats {
    private static final Map<String, KvFormat> FORMATS = new LinkedHashMap<>();

    static {
        for (KvFormat format : new KvFormat[] {FloatFormat.F32, FloatFormat.F16, FloatFormat.BF16}) {
            FORMATS.put(format.name(), format);
        }
    }

    private KvFormats() {}

    /** @throws LecternException that lists the names, if there is no such format */
    public static KvFormat named(String name) {
        KvFormat format = FORMATS.get(name);
        if (format == null) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "There is no KV format \"" + name + "\"; there are " + String.join(", ", FORMATS.keySet()) + ".");
        }
        return format;
    }
}
