package dev.lectern.weights;

import dev.lectern.BadModelFileException;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The typed key–value pairs of a model file. Values are {@code Long} (all integer widths), {@code Double} (f32 and f64),
 * {@code Boolean}, {@code String}, or for arrays {@code long[]}, {@code float[]}, {@code boolean[]}, {@code String[]} and, for nested
 * arrays, {@code List}. Every getter refuses a value of another type with a sentence that names file and key.
 */
public final class Metadata {
    private final String file;
    private final Map<String, Object> values;

    /**
     * @param file what messages call the source
     * @param values as described above, arrays of strings also as {@link Texts}; copied
     */
    public Metadata(String file, Map<String, ?> values) {
        this.file = file;
        this.values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    /** What messages call the source of these values. */
    public String file() {
        return file;
    }

    public Set<String> keys() {
        return values.keySet();
    }

    public boolean has(String key) {
        return values.containsKey(key);
    }

    /** The value, or null. */
    public @Nullable Object value(String key) {
        return values.get(key) instanceof Texts texts ? texts.toArray() : values.get(key);
    }

    public String string(String key) {
        return required(key, String.class);
    }

    public String string(String key, String otherwise) {
        return has(key) ? string(key) : otherwise;
    }

    public long integer(String key) {
        return required(key, Long.class);
    }

    public long integer(String key, long otherwise) {
        return has(key) ? integer(key) : otherwise;
    }

    /** An integer within [low, high], so that it can size something. */
    public int integer(String key, int low, int high) {
        long value = integer(key);
        if (value < low || value > high) {
            throw bad(key, "is " + value + ", outside " + low + "…" + high);
        }
        return (int) value;
    }

    /** A number, integer or not. */
    public double number(String key) {
        return required(key, Number.class).doubleValue();
    }

    public double number(String key, double otherwise) {
        return has(key) ? number(key) : otherwise;
    }

    public boolean flag(String key, boolean otherwise) {
        return has(key) ? required(key, Boolean.class) : otherwise;
    }

    public String[] strings(String key) {
        return texts(key).toArray();
    }

    /** An array of strings, of which it may have very many. */
    public Texts texts(String key) {
        if (isEmptyArray(key)) {
            return Texts.of();
        }
        return values.get(key) instanceof String[] strings ? Texts.of(strings) : required(key, Texts.class);
    }

    /** How many strings an array has; 0 where there is no such array. */
    public int textCount(String key) {
        return switch (values.get(key)) {
            case Texts texts -> texts.count();
            case String[] strings -> strings.length;
            case null, default -> 0;
        };
    }

    public long[] integers(String key) {
        return isEmptyArray(key) ? new long[0] : required(key, long[].class).clone();
    }

    /** Numbers, integers or not. */
    public float[] numbers(String key) {
        if (isEmptyArray(key)) {
            return new float[0];
        }
        if (values.get(key) instanceof long[] integers) {
            float[] numbers = new float[integers.length];
            for (int i = 0; i < numbers.length; i++) {
                numbers[i] = integers[i];
            }
            return numbers;
        }
        return required(key, float[].class).clone();
    }

    /** JSON does not say of what an empty array would be. */
    private boolean isEmptyArray(String key) {
        return values.get(key) instanceof List<?> list && list.isEmpty();
    }

    /** The failure to throw when the value of a key makes no sense to its reader. */
    public BadModelFileException bad(String key, String problem) {
        return new BadModelFileException(file, "metadata \"" + key + "\" " + problem + ".");
    }

    private <T> T required(String key, Class<T> type) {
        Object value = values.get(key);
        if (value == null) {
            throw bad(key, "is missing");
        }
        if (!type.isInstance(value)) {
            String needed = type == Texts.class ? String[].class.getSimpleName() : type.getSimpleName();
            throw bad(key, "is " + describe(value) + " where " + needed + " is needed");
        }
        return type.cast(value);
    }

    private static String describe(Object value) {
        return switch (value) {
            case String s -> "a string";
            case Long l -> "an integer";
            case Double d -> "a floating-point number";
            case Boolean b -> "a boolean";
            case String[] a -> "an array of " + a.length + " strings";
            case Texts t -> "an array of " + t.count() + " strings";
            case long[] a -> "an array of " + a.length + " integers";
            case float[] a -> "an array of " + a.length + " floating-point numbers";
            case boolean[] a -> "an array of " + a.length + " booleans";
            case List<?> l -> "a nested array";
            default -> value.getClass().getSimpleName();
        };
    }

    @Override
    public String toString() {
        return file + Arrays.toString(values.keySet().toArray());
    }
}
