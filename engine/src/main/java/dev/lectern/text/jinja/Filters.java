package dev.lectern.text.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What stands behind {@code |}: filters of one value. Those of sequences are in {@link SequenceFilters}. */
final class Filters {
    private static final Set<String> NAMES = Set.of(
            "abs",
            "attr",
            "capitalize",
            "count",
            "d",
            "default",
            "float",
            "format",
            "indent",
            "int",
            "items",
            "join",
            "length",
            "lower",
            "replace",
            "round",
            "safe",
            "string",
            "title",
            "tojson",
            "trim",
            "upper");

    private final Budget budget;
    private final Members members;
    private final SequenceFilters sequences;

    Filters(Budget budget, Members members) {
        this.budget = budget;
        this.members = members;
        this.sequences = new SequenceFilters(budget, members, this);
    }

    static boolean exists(String name) {
        return NAMES.contains(name) || SequenceFilters.NAMES.contains(name);
    }

    Object apply(String name, Object value, Arguments arguments) {
        if (SequenceFilters.NAMES.contains(name)) {
            return sequences.apply(name, value, arguments);
        }
        return switch (name) {
            case "abs" -> absolute(value, arguments);
            case "attr" -> members.attribute(value, arguments.bind("name").text("name"));
            case "capitalize" -> Strings.capitalized(string(value, arguments.bind()), budget);
            case "count", "length" -> length(value, arguments);
            case "d", "default" -> {
                arguments.bind("default_value", "boolean");
                boolean missing =
                        value instanceof Values.Undefined || (arguments.flag("boolean", false) && !Values.truth(value));
                yield missing ? arguments.get("default_value", Text.EMPTY) : value;
            }
            case "float" -> real(value, arguments);
            case "format" ->
                Operators.percent(string(value, arguments), new Values.Tuple(arguments.positional()), budget);
            case "indent" -> indent(value, arguments);
            case "int" -> integer(value, arguments);
            case "items" -> items(value, arguments);
            case "join" -> {
                arguments.bind("d", "attribute");
                Object attribute = arguments.given("attribute");
                List<Object> items = Values.elements(value, budget);
                yield Strings.join(
                        attribute == null ? items : sequences.attributes(items, attribute),
                        Representation.string(arguments.get("d", Text.EMPTY), budget),
                        budget);
            }
            case "lower" -> Strings.lower(string(value, arguments.bind()), budget);
            case "replace" -> {
                arguments.bind("old", "new", "count");
                long limit = arguments.given("count") == null ? -1 : arguments.integer("count", -1);
                yield Strings.replace(
                        string(value, arguments), arguments.text("old"), arguments.text("new"), limit, budget);
            }
            case "round" -> round(value, arguments);
            case "safe", "string" -> string(value, arguments.bind());
            case "title" -> Strings.titledWords(string(value, arguments.bind()), budget);
            case "tojson" -> json(value, arguments);
            case "trim" -> {
                arguments.bind("chars");
                String set = arguments.given("chars") == null
                        ? ""
                        : arguments.text("chars").chars();
                boolean nothing = arguments.given("chars") != null && set.isEmpty();
                Text text = string(value, arguments);
                yield nothing ? text : Strings.strip(text, set, true, true, budget);
            }
            case "upper" -> Strings.upper(string(value, arguments.bind()), budget);
            default -> throw budget.error("the filter \"" + Members.shortened(name) + "\" is not supported");
        };
    }

    private Text string(Object value, Arguments arguments) {
        return Representation.string(value, arguments.budget());
    }

    private Object absolute(Object value, Arguments arguments) {
        arguments.bind();
        Long integer = Values.integer(value);
        if (integer != null) {
            return integer < 0 ? Operators.apply("-", 0L, integer, budget) : integer;
        }
        if (value instanceof Double number) {
            return Math.abs(number);
        }
        throw Values.misused(value, value, budget, "a value of type " + Values.type(value) + " has no absolute value");
    }

    private Object length(Object value, Arguments arguments) {
        arguments.bind();
        if (value instanceof Text text) {
            budget.scan(text.length());
        }
        int size = Values.size(value);
        if (size < 0) {
            throw budget.error("a value of type " + Values.type(value) + " has no length");
        }
        return (long) size;
    }

    private Object items(Object value, Arguments arguments) {
        arguments.bind();
        return switch (value) {
            case Values.Undefined _ -> new Values.Stream(List.of());
            case Map<?, ?> map -> new Values.Stream(Members.pairs(map, budget));
            default ->
                throw budget.error("the filter \"items\" wants a dict, not a value of type " + Values.type(value));
        };
    }

    private Text indent(Object value, Arguments arguments) {
        arguments.bind("width", "first", "blank");
        Text margin = arguments.get("width") instanceof Text text
                ? text
                : Strings.repeated(Text.of(" "), arguments.integer("width", 4), budget);
        return Strings.indented(
                string(value, arguments),
                margin,
                arguments.flag("first", false),
                arguments.flag("blank", false),
                budget);
    }

    private Object json(Object value, Arguments arguments) {
        arguments.bind("ensure_ascii", "indent", "separators", "sort_keys");
        Object indent = arguments.given("indent");
        String margin = indent == null
                ? null
                : indent instanceof Text text
                        ? text.chars()
                        : Strings.repeated(Text.of(" "), arguments.integer("indent", 0), budget)
                                .chars();
        String itemSeparator = margin == null ? ", " : ",";
        String keySeparator = ": ";
        Object separators = arguments.given("separators");
        if (separators != null) {
            List<Object> pair = Values.elements(separators, budget);
            if (pair.size() != 2 || !(pair.get(0) instanceof Text first) || !(pair.get(1) instanceof Text second)) {
                throw budget.error("tojson wants two strings as \"separators\"");
            }
            itemSeparator = first.chars();
            keySeparator = second.chars();
        }
        boolean ascii = arguments.flag("ensure_ascii", false);
        boolean sorted = arguments.flag("sort_keys", false);
        return new JsonText(ascii, margin, itemSeparator, keySeparator, sorted, budget).of(value);
    }

    private Object integer(Object value, Arguments arguments) {
        arguments.bind("default", "base");
        Object fallback = arguments.get("default", 0L);
        return switch (value) {
            case Long n -> n;
            case Boolean b -> b ? 1L : 0L;
            case Double d -> truncated(d, fallback);
            case Text text -> {
                Long parsed = parse(text.chars(), arguments.integer("base", 10));
                if (parsed != null) {
                    yield parsed;
                }
                Double number = parseReal(text.chars());
                yield number == null ? fallback : truncated(number, fallback);
            }
            case Values.Undefined undefined -> throw budget.error(undefined.problem());
            default -> fallback;
        };
    }

    private Object truncated(double value, Object fallback) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return fallback;
        }
        if (Math.abs(value) >= 0x1p63) {
            throw budget.error("a number is too large: integers of 64 bits are supported");
        }
        return (long) value;
    }

    private @Nullable Long parse(String text, long base) {
        String digits = stripped(text)
                .replaceAll("(?<=[0-9a-zA-Z])_(?=[0-9a-zA-Z])", "")
                .toLowerCase(Locale.ROOT);
        boolean signed = digits.startsWith("-") || digits.startsWith("+");
        String body = signed ? digits.substring(1) : digits;
        String prefix = base == 16 ? "0x" : base == 8 ? "0o" : base == 2 ? "0b" : "-";
        if (body.startsWith(prefix)) {
            body = body.substring(2);
        }
        if (base < 2 || base > 36 || body.isEmpty() || body.startsWith("-") || body.startsWith("+")) {
            return null;
        }
        for (int i = 0; i < body.length(); i++) {
            if (Character.digit(body.charAt(i), (int) base) < 0) {
                return null;
            }
        }
        try {
            return Long.parseLong(digits.startsWith("-") ? "-" + body : body, (int) base);
        } catch (NumberFormatException _) {
            throw budget.error("a number is too large: integers of 64 bits are supported");
        }
    }

    private @Nullable Double parseReal(String text) {
        String digits = stripped(text).replaceAll("(?<=[0-9])_(?=[0-9])", "").toLowerCase(Locale.ROOT);
        if (digits.length() < 400 && digits.matches("[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)(e[+-]?[0-9]+)?")) {
            return Double.valueOf(digits);
        }
        return switch (digits.replaceFirst("^[+-]", "")) {
            case "inf", "infinity" -> digits.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
            case "nan" -> Double.NaN;
            default -> null;
        };
    }

    private String stripped(String text) {
        budget.steps(1 + text.length() / 4L);
        return Strings.strip(Text.of(text), "", true, true, budget).chars();
    }

    private Object real(Object value, Arguments arguments) {
        Object fallback = arguments.bind("default").get("default", 0.0);
        if (Values.number(value)) {
            return Values.real(value);
        }
        if (value instanceof Values.Undefined undefined) {
            throw budget.error(undefined.problem());
        }
        Double parsed = value instanceof Text text ? parseReal(text.chars()) : null;
        return parsed == null ? fallback : parsed;
    }

    private Object round(Object value, Arguments arguments) {
        arguments.bind("precision", "method");
        int precision = (int) Math.clamp(arguments.integer("precision", 0), -400L, 400L);
        RoundingMode mode = switch (arguments.text("method", "common").chars()) {
            case "common" -> RoundingMode.HALF_EVEN;
            case "ceil" -> RoundingMode.CEILING;
            case "floor" -> RoundingMode.FLOOR;
            default -> throw budget.error("the filter \"round\" knows the methods common, ceil and floor");
        };
        if (!Values.number(value)) {
            throw Values.misused(value, value, budget, "a value of type " + Values.type(value) + " cannot be rounded");
        }
        double number = Values.real(value);
        if (Double.isNaN(number) || Double.isInfinite(number)) {
            return number;
        }
        double rounded = new BigDecimal(number).setScale(precision, mode).doubleValue();
        Long integer = Values.integer(value);
        return integer != null && mode == RoundingMode.HALF_EVEN ? (Object) (long) rounded : (Object) rounded;
    }

    List<Object> mapped(List<Object> items, String filter, Arguments arguments) {
        List<Object> results = new ArrayList<>();
        for (Object item : items) {
            budget.steps(1);
            results.add(apply(filter, item, arguments.behind(0, filter)));
        }
        return results;
    }
}
