package dev.lectern.weights;

import dev.lectern.BadModelFileException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads a config.json as {@link Metadata}: nested objects flattened with dots, nulls left out, arrays of one kind as Java
 * arrays. An array that is empty, of several kinds, nested, or of objects becomes a {@code List} (in it objects are maps).
 */
final class ConfigJson {
    private ConfigJson() {}

    /** @param file what messages call it */
    static Metadata read(String file, MemorySegment bytes) {
        Map<String, Object> flat = new LinkedHashMap<>();
        flatten(file, "", JsonFile.object(file, bytes), flat);
        return new Metadata(file, flat);
    }

    private static void flatten(String file, String prefix, Map<?, ?> object, Map<String, Object> flat) {
        object.forEach((name, value) -> {
            String key = prefix + name;
            if (value instanceof Map<?, ?> nested) {
                flatten(file, key + ".", nested, flat);
            } else if (value != null && flat.put(key, plain(value)) != null) {
                throw new BadModelFileException(file, "the key " + Quoted.of(key) + " stands twice, once with dots.");
            }
        });
    }

    private static Object plain(Object value) {
        return switch (value) {
            case List<?> list -> array(list);
            case Map<?, ?> map -> {
                Map<String, Object> members = new LinkedHashMap<>();
                map.forEach((name, member) -> {
                    if (member != null) {
                        members.put((String) name, plain(member));
                    }
                });
                yield Collections.unmodifiableMap(members);
            }
            default -> value;
        };
    }

    private static Object array(List<?> list) {
        if (all(list, String.class)) {
            return list.toArray(String[]::new);
        }
        if (all(list, Long.class)) {
            return list.stream().mapToLong(Long.class::cast).toArray();
        }
        if (all(list, Number.class)) {
            float[] numbers = new float[list.size()];
            for (int i = 0; i < numbers.length; i++) {
                numbers[i] = ((Number) list.get(i)).floatValue();
            }
            return numbers;
        }
        if (all(list, Boolean.class)) {
            boolean[] flags = new boolean[list.size()];
            for (int i = 0; i < flags.length; i++) {
                flags[i] = (Boolean) list.get(i);
            }
            return flags;
        }
        List<Object> elements = new ArrayList<>(list.size());
        for (@Nullable Object element : list) {
            if (element != null) {
                elements.add(plain(element));
            }
        }
        return Collections.unmodifiableList(elements);
    }

    private static boolean all(List<?> list, Class<?> type) {
        return !list.isEmpty() && list.stream().allMatch(type::isInstance);
    }
}
