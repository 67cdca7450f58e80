package dev.lectern.measure;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The members of a JSON object, by type. Every method throws IllegalArgumentException where the member is another. */
public final class JsonFields {
    private final Map<?, ?> members;

    private JsonFields(Map<?, ?> members) {
        this.members = members;
    }

    public static JsonFields of(@Nullable Object value) {
        if (value instanceof Map<?, ?> members) {
            return new JsonFields(members);
        }
        throw new IllegalArgumentException("an object is missing");
    }

    public boolean has(String name) {
        return members.containsKey(name);
    }

    public JsonFields object(String name) {
        return of(members.get(name));
    }

    public String text(String name) {
        return optionalText(name).orElseThrow(() -> wrong(name));
    }

    public Optional<String> optionalText(String name) {
        return switch (members.get(name)) {
            case null -> Optional.empty();
            case String text -> Optional.of(text);
            default -> throw wrong(name);
        };
    }

    public long whole(String name) {
        if (members.get(name) instanceof Long number) {
            return number;
        }
        throw wrong(name);
    }

    public boolean flag(String name) {
        if (members.get(name) instanceof Boolean flag) {
            return flag;
        }
        throw wrong(name);
    }

    public double number(String name) {
        return number(name, members.get(name));
    }

    /** NaN where there is none. */
    public double optionalNumber(String name) {
        return members.get(name) == null ? Double.NaN : number(name);
    }

    public List<Double> numbers(String name) {
        List<Double> numbers = new ArrayList<>();
        for (Object element : list(name)) {
            numbers.add(number(name, element));
        }
        return numbers;
    }

    public List<Integer> integers(String name) {
        List<Integer> integers = new ArrayList<>();
        for (Object element : list(name)) {
            if (!(element instanceof Long number) || number != number.intValue()) {
                throw wrong(name);
            }
            integers.add(number.intValue());
        }
        return integers;
    }

    public List<String> texts(String name) {
        List<String> texts = new ArrayList<>();
        for (Object element : list(name)) {
            if (!(element instanceof String text)) {
                throw wrong(name);
            }
            texts.add(text);
        }
        return texts;
    }

    /** The objects of a list. */
    public List<JsonFields> objects(String name) {
        return list(name).stream().map(JsonFields::of).toList();
    }

    private List<?> list(String name) {
        if (members.get(name) instanceof List<?> list) {
            return list;
        }
        throw wrong(name);
    }

    private static double number(String name, @Nullable Object value) {
        if (value instanceof Number number) {
            return number.doubleValue();
        }
        throw wrong(name);
    }

    private static IllegalArgumentException wrong(String name) {
        return new IllegalArgumentException("\"" + name + "\" is missing or of another type");
    }
}
