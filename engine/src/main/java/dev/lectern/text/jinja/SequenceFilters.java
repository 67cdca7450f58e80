package dev.lectern.text.jinja;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Filters of lists, dicts and everything else that can be run through. */
final class SequenceFilters {
    static final Set<String> NAMES = Set.of(
            "dictsort",
            "first",
            "last",
            "list",
            "map",
            "max",
            "min",
            "reject",
            "rejectattr",
            "reverse",
            "select",
            "selectattr",
            "sort",
            "sum",
            "unique");

    private final Budget budget;
    private final Members members;
    private final Filters filters;

    SequenceFilters(Budget budget, Members members, Filters filters) {
        this.budget = budget;
        this.members = members;
        this.filters = filters;
    }

    Object apply(String name, Object value, Arguments arguments) {
        return switch (name) {
            case "dictsort" -> dictsort(value, arguments);
            case "first" -> {
                arguments.bind();
                Object first = value instanceof Values.Stream stream ? stream.first() : end(value, true);
                yield first == null ? new Values.Undefined("there is no first item: the sequence is empty") : first;
            }
            case "last" -> {
                arguments.bind();
                if (value instanceof Values.Stream) {
                    throw budget.error("a value of type generator cannot be run through backwards");
                }
                Object last = end(value, false);
                yield last == null ? new Values.Undefined("there is no last item: the sequence is empty") : last;
            }
            case "list" -> {
                arguments.bind();
                yield new ArrayList<>(Values.elements(value, budget));
            }
            case "map" -> map(value, arguments);
            case "max", "min" -> extreme(value, arguments, name.equals("max"));
            case "reject", "select" ->
                chosen(Values.elements(value, budget), null, arguments, 0, name.equals("select"));
            case "rejectattr", "selectattr" -> {
                if (arguments.positional().isEmpty()) {
                    throw budget.error("the filter \"" + name + "\" wants the name of an attribute");
                }
                Object attribute = arguments.positional().getFirst();
                yield chosen(Values.elements(value, budget), attribute, arguments, 1, name.equals("selectattr"));
            }
            case "reverse" -> reverse(value, arguments);
            case "sort" -> {
                arguments.bind("reverse", "case_sensitive", "attribute");
                yield sorted(
                        Values.elements(value, budget),
                        arguments.flag("reverse", false),
                        arguments.flag("case_sensitive", false),
                        arguments.given("attribute"));
            }
            case "sum" -> {
                arguments.bind("attribute", "start");
                Object attribute = arguments.given("attribute");
                List<Object> items = Values.elements(value, budget);
                Object sum = arguments.get("start", 0L);
                for (Object item : attribute == null ? items : attributes(items, attribute)) {
                    sum = Operators.apply("+", sum, item, budget);
                }
                yield sum;
            }
            default -> unique(value, arguments);
        };
    }

    private @Nullable Object end(Object value, boolean first) {
        if (value instanceof Text || value instanceof Values.Range) {
            int size = Values.size(value);
            return size == 0 ? null : members.item(value, first ? 0L : size - 1L);
        }
        List<Object> items = Values.elements(value, budget);
        return items.isEmpty() ? null : first ? items.getFirst() : items.getLast();
    }

    /** An attribute of every item: a name, a path with dots, or a number. */
    List<Object> attributes(List<Object> items, Object attribute) {
        List<Object> values = new ArrayList<>();
        for (Object item : items) {
            values.add(attribute(item, attribute));
        }
        return values;
    }

    private Object attribute(Object item, Object path) {
        if (!(path instanceof Text text)) {
            budget.steps(1);
            return members.item(item, path);
        }
        budget.scan(text.length());
        Object value = item;
        for (String name : text.chars().split("\\.", -1)) {
            budget.steps(1);
            boolean index =
                    !name.isEmpty() && name.length() < 10 && name.chars().allMatch(c -> c >= '0' && c <= '9');
            value = members.item(value, index ? (Object) Long.valueOf(name) : Text.of(name));
        }
        return value;
    }

    private Object map(Object value, Arguments arguments) {
        List<Object> items = Values.elements(value, budget);
        if (!arguments.positional().isEmpty()) {
            if (arguments.positional().getFirst() instanceof Text name) {
                return new Values.Stream(filters.mapped(items, name.chars(), arguments.behind(1, name.chars())));
            }
            throw budget.error("the filter \"map\" wants the name of a filter");
        }
        arguments.bind("attribute", "default");
        Object attribute = arguments.require("attribute");
        Object fallback = arguments.get("default");
        List<Object> values = attributes(items, attribute);
        if (fallback != null) {
            values.replaceAll(item -> item instanceof Values.Undefined ? fallback : item);
        }
        return new Values.Stream(values);
    }

    private Object chosen(
            List<Object> items, @Nullable Object attribute, Arguments arguments, int before, boolean wanted) {
        String test = "";
        if (arguments.positional().size() > before) {
            if (!(arguments.positional().get(before) instanceof Text name)) {
                throw budget.error("select and reject want the name of a test");
            }
            test = symbol(name.chars());
        }
        List<Object> chosen = new ArrayList<>();
        for (Object item : items) {
            Object tested = attribute == null ? item : attribute(item, attribute);
            boolean holds = test.isEmpty()
                    ? Values.truth(tested)
                    : Tests.holds(test, tested, arguments.behind(before + 1, test));
            if (holds == wanted) {
                chosen.add(item);
            }
        }
        return new Values.Stream(chosen);
    }

    private static String symbol(String test) {
        return switch (test) {
            case "==" -> "eq";
            case "!=" -> "ne";
            case "<" -> "lt";
            case "<=" -> "le";
            case ">" -> "gt";
            case ">=" -> "ge";
            default -> test;
        };
    }

    private Object reverse(Object value, Arguments arguments) {
        arguments.bind();
        List<Object> reversed = new ArrayList<>(Values.elements(value, budget)).reversed();
        return value instanceof Text ? Strings.join(reversed, Text.EMPTY, budget) : new Values.Stream(reversed);
    }

    private Object folded(Object value, boolean caseSensitive) {
        return !caseSensitive && value instanceof Text text ? Strings.lower(text, budget) : value;
    }

    private record Keyed(Object key, Object item) {}

    private List<Object> sorted(
            List<Object> items, boolean descending, boolean caseSensitive, @Nullable Object attribute) {
        List<Keyed> keyed = new ArrayList<>();
        for (Object item : items) {
            keyed.add(new Keyed(key(item, caseSensitive, attribute), item));
        }
        Comparator<Keyed> order = (a, b) -> Values.compare(a.key, b.key, budget);
        try {
            keyed.sort(descending ? order.reversed() : order);
        } catch (IllegalArgumentException _) {
            throw budget.error("the values to sort have no consistent order");
        }
        return new ArrayList<>(keyed.stream().map(Keyed::item).toList());
    }

    /** What items are sorted by; several attributes, with commas between them, make a list. */
    private Object key(Object item, boolean caseSensitive, @Nullable Object attribute) {
        if (attribute instanceof Text text && text.chars().indexOf(',') >= 0) {
            budget.scan(text.length());
            List<Object> parts = new ArrayList<>();
            for (String name : text.chars().split(",", -1)) {
                parts.add(folded(attribute(item, Text.of(name)), caseSensitive));
            }
            return parts;
        }
        return folded(attribute == null ? item : attribute(item, attribute), caseSensitive);
    }

    private Object extreme(Object value, Arguments arguments, boolean greatest) {
        arguments.bind("case_sensitive", "attribute");
        boolean caseSensitive = arguments.flag("case_sensitive", false);
        Object attribute = arguments.given("attribute");
        Object best = null;
        Object bestKey = Values.NONE;
        for (Object item : Values.elements(value, budget)) {
            Object key = key(item, caseSensitive, attribute);
            boolean better = best == null
                    || (greatest ? Values.compare(key, bestKey, budget) > 0 : Values.compare(key, bestKey, budget) < 0);
            if (better) {
                best = item;
                bestKey = key;
            }
        }
        return best == null ? new Values.Undefined("there is no item: the sequence is empty") : best;
    }

    private Object unique(Object value, Arguments arguments) {
        arguments.bind("case_sensitive", "attribute");
        boolean caseSensitive = arguments.flag("case_sensitive", false);
        Object attribute = arguments.given("attribute");
        Map<Object, Object> seen = new HashMap<>();
        List<Object> kept = new ArrayList<>();
        for (Object item : Values.elements(value, budget)) {
            Object key = Values.key(key(item, caseSensitive, attribute), budget);
            if (Values.find(seen, key) == null) {
                seen.put(key, item);
                kept.add(item);
            }
        }
        return new Values.Stream(kept);
    }

    private Object dictsort(Object value, Arguments arguments) {
        arguments.bind("case_sensitive", "by", "reverse");
        if (!(value instanceof Map<?, ?> map)) {
            throw Values.misused(
                    value,
                    value,
                    budget,
                    "the filter \"dictsort\" wants a dict, not a value of type " + Values.type(value));
        }
        long position = switch (arguments.text("by", "key").chars()) {
            case "key" -> 0;
            case "value" -> 1;
            default -> throw budget.error("the filter \"dictsort\" sorts by key or by value");
        };
        return sorted(
                Members.pairs(map, budget),
                arguments.flag("reverse", false),
                arguments.flag("case_sensitive", false),
                position);
    }
}
