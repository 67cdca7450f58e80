package dev.lectern.text.jinja;

import dev.lectern.text.jinja.Values.Function;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What {@code a.b} and {@code a["b"]} mean: items of dicts, members of namespaces and loops, methods of strings, lists and dicts. */
final class Members {
    private static final Set<String> CHANGES_LIST =
            Set.of("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove");
    private static final Set<String> CHANGES_DICT = Set.of("clear", "pop", "popitem", "setdefault", "update");
    private static final Set<String> UNSUPPORTED = Set.of(
            "casefold",
            "center",
            "encode",
            "expandtabs",
            "format",
            "format_map",
            "isascii",
            "isdecimal",
            "isidentifier",
            "isnumeric",
            "isprintable",
            "istitle",
            "ljust",
            "maketrans",
            "rjust",
            "swapcase",
            "translate",
            "zfill");

    private final Budget budget;

    Members(Budget budget) {
        this.budget = budget;
    }

    /** {@code target.name}: a method, or else an item. */
    Object attribute(Object target, Text name) {
        Object own = own(target, name.chars());
        if (own != null) {
            return own;
        }
        Object item = target instanceof Map<?, ?> map ? map.get(name) : null;
        return item == null ? absent(target, name) : item;
    }

    /** {@code target[index]}: an item, or else a method. */
    Object item(Object target, Object index) {
        if (target instanceof Values.Undefined undefined) {
            throw budget.error(undefined.problem());
        }
        if (target instanceof Map<?, ?> map) {
            Object item = index instanceof List<?> || index instanceof Map<?, ?> || index instanceof Values.Tuple
                    ? null
                    : Values.find(map, Values.key(index, budget));
            if (item != null) {
                return item;
            }
        }
        Long position = Values.indexed(target) ? Values.integer(index) : null;
        if (position != null) {
            Object item = element(target, position);
            return item == null ? absent(target, index) : item;
        }
        Object own = index instanceof Text name ? own(target, name.chars()) : null;
        return own == null ? absent(target, index) : own;
    }

    private @Nullable Object element(Object target, long index) {
        if (target instanceof Text text) {
            budget.scan(text.length());
        }
        int size = Values.size(target);
        long at = index < 0 ? index + size : index;
        return at < 0 || at >= size ? null : Values.characterOrItem(target, (int) at);
    }

    private static Values.Undefined absent(Object target, Object name) {
        String what = name instanceof Text text
                ? "attribute '" + shortened(text.chars()) + "'"
                : "element "
                        + (name instanceof Long || name instanceof Boolean ? name : "of type " + Values.type(name));
        return new Values.Undefined("a value of type " + Values.type(target) + " has no " + what);
    }

    static String shortened(String text) {
        return text.length() <= 60 ? text : text.substring(0, 60) + "…";
    }

    private @Nullable Object own(Object target, String name) {
        return switch (target) {
            case Values.Undefined undefined -> throw budget.error(undefined.problem());
            case Loop loop -> loop.member(name);
            case Values.Namespace namespace -> namespace.members().get(name);
            case Text text -> {
                if (UNSUPPORTED.contains(name)) {
                    throw budget.error("the string method \"" + name + "\" is not supported");
                }
                yield StringMethods.of(text, name);
            }
            case Map<?, ?> map -> CHANGES_DICT.contains(name) ? forbidden(name) : dictMethod(map, name);
            case List<?> list -> CHANGES_LIST.contains(name) ? forbidden(name) : listMethod(list, name);
            case Values.Tuple tuple -> listMethod(tuple.items(), name);
            default -> null;
        };
    }

    private static Values.Undefined forbidden(String name) {
        return new Values.Undefined("the method \"" + name + "\" would change a value, which chat templates may not");
    }

    private @Nullable Function dictMethod(Map<?, ?> map, String name) {
        return switch (name) {
            case "keys" ->
                arguments -> {
                    arguments.bind();
                    return view("dict_keys", map.keySet());
                };
            case "values" ->
                arguments -> {
                    arguments.bind();
                    return view("dict_values", map.values());
                };
            case "items" ->
                arguments -> {
                    arguments.bind();
                    return new Values.View("dict_items", pairs(map, budget));
                };
            case "get" ->
                arguments -> {
                    arguments.bind("key", "default");
                    Object found = Values.find(map, Values.key(arguments.require("key"), budget));
                    return found == null ? arguments.get("default", Values.NONE) : found;
                };
            case "copy" ->
                arguments -> {
                    arguments.bind();
                    budget.steps(4L * map.size());
                    return new LinkedHashMap<>(map);
                };
            default -> null;
        };
    }

    private Values.View view(String name, java.util.Collection<?> items) {
        budget.steps(items.size());
        return new Values.View(name, new ArrayList<>(items));
    }

    static List<Object> pairs(Map<?, ?> map, Budget budget) {
        budget.steps(8L * map.size());
        List<Object> pairs = new ArrayList<>();
        map.forEach((key, value) -> pairs.add(new Values.Tuple(List.of(key, value))));
        return pairs;
    }

    private @Nullable Function listMethod(List<?> list, String name) {
        return switch (name) {
            case "index" ->
                arguments -> {
                    Object wanted = arguments.bind("value").require("value");
                    for (int i = 0; i < list.size(); i++) {
                        if (Values.equal(list.get(i), wanted, budget)) {
                            return (long) i;
                        }
                    }
                    throw budget.error("the value that index() looks for is not in the list");
                };
            case "count" ->
                arguments -> {
                    Object wanted = arguments.bind("value").require("value");
                    return list.stream()
                            .filter(item -> Values.equal(item, wanted, budget))
                            .count();
                };
            case "copy" ->
                arguments -> {
                    arguments.bind();
                    budget.steps(list.size());
                    return new ArrayList<>(list);
                };
            default -> null;
        };
    }

    /** {@code target[start:stop:step]}. */
    Object slice(Object target, @Nullable Object startValue, @Nullable Object stopValue, @Nullable Object stepValue) {
        if (target instanceof Values.Undefined undefined) {
            throw budget.error(undefined.problem());
        }
        if (!Values.indexed(target)) {
            return absent(target, Values.NONE);
        }
        if (target instanceof Text text) {
            budget.scan(text.length());
        }
        int size = Values.size(target);
        long step = bound(stepValue, 1);
        if (step == 0) {
            throw budget.error("a slice cannot have the step 0");
        }
        long low = step > 0 ? 0 : -1;
        long high = step > 0 ? size : size - 1L;
        long start = startValue == null ? (step > 0 ? low : high) : clamp(bound(startValue, 0), size, low, high);
        long stop = stopValue == null ? (step > 0 ? high : low) : clamp(bound(stopValue, 0), size, low, high);
        if (target instanceof Text text && step == 1) {
            if (start >= stop) {
                return Text.EMPTY;
            }
            int from = text.chars().offsetByCodePoints(0, (int) start);
            return Strings.piece(text, from, text.chars().offsetByCodePoints(from, (int) (stop - start)), budget);
        }
        List<Object> all = Values.elements(target, budget);
        List<Object> chosen = new ArrayList<>();
        for (long i = start; step > 0 ? i < stop : i > stop; i += Math.clamp(step, -(1L << 40), 1L << 40)) {
            budget.steps(1);
            chosen.add(all.get((int) i));
        }
        return switch (target) {
            case Text _ -> Strings.join(chosen, Text.EMPTY, budget);
            case Values.Tuple _ -> new Values.Tuple(chosen);
            default -> chosen;
        };
    }

    private long bound(@Nullable Object value, long fallback) {
        if (value == null || value == Values.NONE) {
            return fallback;
        }
        Long number = Values.integer(value);
        if (number == null) {
            throw Values.misused(
                    value, value, budget, "a slice wants integers, not a value of type " + Values.type(value));
        }
        return number;
    }

    private static long clamp(long index, int size, long low, long high) {
        return Math.clamp(index < 0 ? index + size : index, low, high);
    }
}
