package dev.lectern.text.jinja;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Values as Python has them. What a template handles is one of: {@link Text}, Boolean, Long, Double, {@link #NONE}, a List
 * (a Python list), {@link Tuple}, {@link Range}, a Map (a dict, keys Text, Long, Double, Boolean or none), {@link View}, {@link Stream},
 * {@link Namespace}, {@link Undefined}, {@link Loop} and {@link Function}.
 */
final class Values {
    enum None {
        NONE
    }

    static final None NONE = None.NONE;

    record Tuple(List<Object> items) {}

    record Range(long start, long stop, long step, int size) {
        Object get(int index) {
            return start + index * step;
        }
    }

    /** What {@code keys()}, {@code values()} and {@code items()} of a dict give: it can be run through and counted. */
    record View(String name, List<Object> items) {}

    /** A generator: it can be run through once. */
    static final class Stream {
        private @Nullable Iterator<Object> items;

        Stream(List<Object> items) {
            this.items = items.iterator();
        }

        List<Object> take(Budget budget) {
            List<Object> rest = new java.util.ArrayList<>();
            if (items != null) {
                while (items.hasNext()) {
                    budget.steps(1);
                    rest.add(items.next());
                }
            }
            items = null;
            return rest;
        }

        @Nullable
        Object first() {
            return items != null && items.hasNext() ? items.next() : null;
        }
    }

    record Namespace(Map<String, Object> members) {}

    /** A name or member that is not there: prints as nothing and is false, but can be used for nothing else. */
    record Undefined(String problem) {}

    /** Something that can be called. */
    interface Function {
        Object call(Arguments arguments);
    }

    private Values() {}

    static boolean truth(Object value) {
        return switch (value) {
            case Boolean b -> b;
            case Long n -> n != 0;
            case Double d -> d != 0;
            case Text text -> !text.isEmpty();
            case List<?> list -> !list.isEmpty();
            case Tuple tuple -> !tuple.items().isEmpty();
            case Range range -> range.size() > 0;
            case Map<?, ?> map -> !map.isEmpty();
            case View view -> !view.items().isEmpty();
            case None _, Undefined _ -> false;
            default -> true;
        };
    }

    /** The name of a value's type in Python. */
    static String type(Object value) {
        return switch (value) {
            case Boolean _ -> "bool";
            case Long _ -> "int";
            case Double _ -> "float";
            case Text _ -> "str";
            case List<?> _ -> "list";
            case Tuple _ -> "tuple";
            case Range _ -> "range";
            case Map<?, ?> _ -> "dict";
            case View view -> view.name();
            case None _ -> "NoneType";
            case Undefined _ -> "undefined";
            case Stream _ -> "generator";
            case Namespace _ -> "namespace";
            case Loop _ -> "loop";
            default -> "function";
        };
    }

    /** The elements of something that can be run through. */
    static List<Object> elements(Object value, Budget budget) {
        List<Object> elements = elementsOrNull(value, budget);
        if (elements != null) {
            return elements;
        }
        throw budget.error("a value of type " + type(value) + " cannot be run through");
    }

    @SuppressWarnings("unchecked") // lists and dicts of templates hold Objects; nothing else is ever put in
    static @Nullable List<Object> elementsOrNull(Object value, Budget budget) {
        return switch (value) {
            case List<?> list -> {
                budget.steps(list.size());
                yield (List<Object>) list;
            }
            case Tuple tuple -> {
                budget.steps(tuple.items().size());
                yield tuple.items();
            }
            case View view -> {
                budget.steps(view.items().size());
                yield view.items();
            }
            case Map<?, ?> map -> {
                budget.steps(map.size());
                yield new java.util.ArrayList<>(((Map<Object, Object>) map).keySet());
            }
            case Text text -> characters(text, budget);
            case Range range -> {
                budget.steps(range.size());
                List<Object> all = new java.util.ArrayList<>(range.size());
                for (int i = 0; i < range.size(); i++) {
                    all.add(range.get(i));
                }
                yield all;
            }
            case Stream stream -> stream.take(budget);
            case Undefined _ -> List.of();
            default -> null;
        };
    }

    private static List<Object> characters(Text text, Budget budget) {
        budget.steps(1 + 8L * text.length());
        List<Object> all = new java.util.ArrayList<>();
        String chars = text.chars();
        for (int i = 0; i < chars.length(); ) {
            int end = chars.offsetByCodePoints(i, 1);
            all.add(text.substring(i, end));
            i = end;
        }
        return all;
    }

    /** Number of elements, or −1 for a value that has none. */
    static int size(Object value) {
        return switch (value) {
            case Text text -> text.codePoints();
            case List<?> list -> list.size();
            case Tuple tuple -> tuple.items().size();
            case Range range -> range.size();
            case Map<?, ?> map -> map.size();
            case View view -> view.items().size();
            case Undefined _ -> 0;
            default -> -1;
        };
    }

    static boolean number(Object value) {
        return value instanceof Long || value instanceof Double || value instanceof Boolean;
    }

    /** A number or truth value as an integer; null for everything else. */
    static @Nullable Long integer(Object value) {
        return switch (value) {
            case Long n -> n;
            case Boolean b -> b ? 1L : 0L;
            default -> null;
        };
    }

    static double real(Object number) {
        return number instanceof Boolean b ? (b ? 1 : 0) : ((Number) number).doubleValue();
    }

    static boolean equal(Object a, Object b, Budget budget) {
        return equal(a, b, budget, 0);
    }

    private static boolean equal(Object a, Object b, Budget budget, int depth) {
        budget.steps(1);
        budget.valueDepth(depth);
        if (a == b) {
            return true;
        }
        if (number(a) && number(b)) {
            Long x = integer(a);
            Long y = integer(b);
            return x != null && y != null ? x.equals(y) : real(a) == real(b);
        }
        if (a instanceof Text x && b instanceof Text y) {
            budget.scan(x.length());
            return x.equals(y);
        }
        if (a instanceof List<?> x && b instanceof List<?> y) {
            return sameItems(x, y, budget, depth);
        }
        if (a instanceof Tuple x && b instanceof Tuple y) {
            return sameItems(x.items(), y.items(), budget, depth);
        }
        if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
            if (x.size() != y.size()) {
                return false;
            }
            for (Map.Entry<?, ?> entry : x.entrySet()) {
                Object other = find(y, entry.getKey());
                if (other == null || !equal(entry.getValue(), other, budget, depth + 1)) {
                    return false;
                }
            }
            return true;
        }
        if (a instanceof Range x && b instanceof Range y) {
            return x.size() == y.size()
                    && (x.size() == 0 || (x.start() == y.start() && (x.size() == 1 || x.step() == y.step())));
        }
        return a instanceof Undefined && b instanceof Undefined;
    }

    private static boolean sameItems(List<?> a, List<?> b, Budget budget, int depth) {
        if (a.size() != b.size()) {
            return false;
        }
        for (int i = 0; i < a.size(); i++) {
            if (!equal(a.get(i), b.get(i), budget, depth + 1)) {
                return false;
            }
        }
        return true;
    }

    /** Order of two values, as {@code <} sees it; only numbers, texts, lists and tuples have one. */
    static int compare(Object a, Object b, Budget budget) {
        return compare(a, b, budget, 0);
    }

    private static int compare(Object a, Object b, Budget budget, int depth) {
        budget.steps(1);
        budget.valueDepth(depth);
        if (number(a) && number(b)) {
            Long x = integer(a);
            Long y = integer(b);
            return x != null && y != null ? x.compareTo(y) : Double.compare(real(a) + 0.0, real(b) + 0.0);
        }
        if (a instanceof Text x && b instanceof Text y) {
            budget.scan(Math.min(x.length(), y.length()));
            return Strings.compare(x.chars(), y.chars());
        }
        List<?> x = a instanceof Tuple t ? t.items() : a instanceof List<?> l ? l : null;
        List<?> y = b instanceof Tuple t ? t.items() : b instanceof List<?> l ? l : null;
        if (x != null && y != null && (a instanceof Tuple) == (b instanceof Tuple)) {
            for (int i = 0; i < Math.min(x.size(), y.size()); i++) {
                if (!equal(x.get(i), y.get(i), budget, depth + 1)) {
                    return compare(x.get(i), y.get(i), budget, depth + 1);
                }
            }
            return Integer.compare(x.size(), y.size());
        }
        throw misused(a, b, budget, "values of type " + type(a) + " and " + type(b) + " have no order");
    }

    /** An error about an undefined operand where there is one, otherwise the given one. */
    static JinjaException misused(Object a, Object b, Budget budget, String otherwise) {
        if (a instanceof Undefined undefined) {
            return budget.error(undefined.problem());
        }
        return budget.error(b instanceof Undefined undefined ? undefined.problem() : otherwise);
    }

    static boolean contains(Object container, Object item, Budget budget) {
        if (container instanceof Text text) {
            if (!(item instanceof Text part)) {
                throw misused(item, item, budget, "a value of type " + type(item) + " is never inside of a string");
            }
            return Strings.indexOf(text.chars(), part.chars(), 0, budget) >= 0;
        }
        if (container instanceof Map<?, ?> map) {
            return find(map, key(item, budget)) != null;
        }
        for (Object element : elements(container, budget)) {
            if (equal(element, item, budget)) {
                return true;
            }
        }
        return false;
    }

    /** The value, if it can be the key of a dict. */
    static Object key(Object value, Budget budget) {
        return switch (value) {
            case Text text -> {
                budget.steps(text.length() / 64);
                yield text;
            }
            case Long n -> n;
            case None none -> none;
            case Boolean b -> b;
            case Double d -> d;
            case Undefined undefined -> throw budget.error(undefined.problem());
            default -> throw budget.error("a value of type " + type(value) + " as key of a dict is not supported");
        };
    }

    /** What a dict holds under a key; 1, 1.0 and true are one key, as in Python. */
    static @Nullable Object find(Map<?, ?> map, Object key) {
        return map.get(stored(map, key));
    }

    static void put(Map<Object, Object> map, Object key, Object value) {
        map.put(stored(map, key), value);
    }

    /** The key of the dict that equals this one, or this one if there is none. */
    private static Object stored(Map<?, ?> map, Object key) {
        if (!number(key) || map.containsKey(key)) {
            return key;
        }
        double value = real(key);
        List<Object> others = value == 0 || value == 1
                ? List.of((long) value, value, value == 1)
                : value == (long) value ? List.of((long) value, value) : List.of();
        for (Object other : others) {
            if (map.containsKey(other)) {
                return other;
            }
        }
        return key;
    }

    static Object characterOrItem(Object sequence, int index) {
        return switch (sequence) {
            case Text text -> {
                int start = text.chars().offsetByCodePoints(0, index);
                yield text.substring(start, text.chars().offsetByCodePoints(start, 1));
            }
            case List<?> list -> list.get(index);
            case Tuple tuple -> tuple.items().get(index);
            case Range range -> range.get(index);
            default -> throw new IllegalArgumentException(type(sequence));
        };
    }

    static boolean indexed(Object value) {
        return value instanceof Text || value instanceof List<?> || value instanceof Tuple || value instanceof Range;
    }
}
