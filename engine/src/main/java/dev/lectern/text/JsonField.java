package dev.lectern.text;

import dev.lectern.BadModelFileException;
import dev.lectern.weights.Quoted;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A value of a JSON file and where it stands, so that a failure can say so.
 *
 * @param file what messages call the file
 * @param path as {@code model.merges[7]}; empty for the whole
 * @param value as {@link dev.lectern.json.Json} gives it; null where the field is missing or null
 */
record JsonField(String file, String path, @Nullable Object value) {
    /** Absent, or null. */
    boolean isMissing() {
        return value == null;
    }

    /** A field of an object; missing if this is missing. */
    JsonField at(String name) {
        String where = path.isEmpty() ? name : path + "." + name;
        return new JsonField(file, where, value == null ? null : object().get(name));
    }

    /** The type of a part, {@code "type"}. */
    String type() {
        return at("type").string();
    }

    Map<?, ?> object() {
        if (value instanceof Map<?, ?> map) {
            return map;
        }
        throw wrong("an object");
    }

    boolean isList() {
        return value instanceof List<?>;
    }

    /** The elements of a list; none if this is missing. */
    List<JsonField> elements() {
        if (value == null) {
            return List.of();
        }
        if (!(value instanceof List<?> list)) {
            throw wrong("a list");
        }
        List<JsonField> elements = new ArrayList<>(list.size());
        for (int i = 0; i < list.size(); i++) {
            elements.add(new JsonField(file, path + "[" + i + "]", list.get(i)));
        }
        return elements;
    }

    boolean isString() {
        return value instanceof String;
    }

    String string() {
        if (value instanceof String string) {
            return string;
        }
        throw wrong("a string");
    }

    String string(String otherwise) {
        return value == null ? otherwise : string();
    }

    boolean flag() {
        if (value instanceof Boolean flag) {
            return flag;
        }
        throw wrong("true or false");
    }

    boolean flag(boolean otherwise) {
        return value == null ? otherwise : flag();
    }

    int integer(int low, int high) {
        if (!(value instanceof Long number)) {
            throw wrong("an integer");
        }
        if (number < low || number > high) {
            throw bad("is " + number + ", outside " + low + "…" + high);
        }
        return number.intValue();
    }

    /** The failure of a part that Lectern does not have. */
    BadModelFileException unsupported(String known) {
        return bad("is " + described() + ", which Lectern does not have; it knows " + known);
    }

    BadModelFileException bad(String problem) {
        return new BadModelFileException(
                file, (path.isEmpty() ? "the whole" : "\"" + path + "\"") + " " + problem + ".");
    }

    private BadModelFileException wrong(String needed) {
        return value == null ? bad("is missing") : bad("is " + described() + " where " + needed + " is needed");
    }

    private String described() {
        return switch (value) {
            case null -> "missing";
            case String string -> Quoted.of(string);
            case Map<?, ?> map -> "an object";
            case List<?> list -> "a list";
            case Object other -> other.toString();
        };
    }
}
