package dev.lectern.hub;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** The fields of a JSON object, each asked for by name and kind. */
final class JsonFields {
    private final Map<?, ?> fields;

    private JsonFields(Map<?, ?> fields) {
        this.fields = fields;
    }

    /** @throws IllegalArgumentException if the value is no object */
    static JsonFields of(@Nullable Object value) {
        if (value instanceof Map<?, ?> map) {
            return new JsonFields(map);
        }
        throw new IllegalArgumentException("an object was expected");
    }

    /** @throws IllegalArgumentException if the field is missing or no text */
    String text(String name) {
        return optionalText(name).orElseThrow(() -> new IllegalArgumentException("\"" + name + "\" is not a text"));
    }

    Optional<String> optionalText(String name) {
        return fields.get(name) instanceof String text ? Optional.of(text) : Optional.empty();
    }

    /** @throws IllegalArgumentException if the field is missing, no whole number, or negative */
    long number(String name) {
        OptionalLong number = optionalNumber(name);
        if (number.isEmpty()) {
            throw new IllegalArgumentException("\"" + name + "\" is not a whole number from 0 on");
        }
        return number.getAsLong();
    }

    OptionalLong optionalNumber(String name) {
        return fields.get(name) instanceof Long number && number >= 0 ? OptionalLong.of(number) : OptionalLong.empty();
    }

    Optional<JsonFields> optionalObject(String name) {
        return fields.get(name) instanceof Map<?, ?> map ? Optional.of(new JsonFields(map)) : Optional.empty();
    }

    /** @throws IllegalArgumentException if the field is missing, no list, or holds something else than objects */
    List<JsonFields> list(String name) {
        if (fields.get(name) instanceof List<?> list) {
            return listOf(list);
        }
        throw new IllegalArgumentException("\"" + name + "\" is not a list");
    }

    /** @throws IllegalArgumentException if the value is no list of objects */
    static List<JsonFields> listOf(@Nullable Object value) {
        if (!(value instanceof List<?> list)) {
            throw new IllegalArgumentException("a list was expected");
        }
        List<JsonFields> objects = new ArrayList<>();
        for (Object element : list) {
            objects.add(of(element));
        }
        return objects;
    }
}
