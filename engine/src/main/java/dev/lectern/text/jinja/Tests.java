package dev.lectern.text.jinja;

import java.util.List;
import java.util.Map;

/** What stands behind {@code is}. */
final class Tests {
    private Tests() {}

    static boolean exists(String name) {
        return switch (name) {
            case "defined",
                    "undefined",
                    "none",
                    "string",
                    "mapping",
                    "sequence",
                    "iterable",
                    "number",
                    "integer",
                    "float",
                    "boolean",
                    "true",
                    "false",
                    "callable",
                    "odd",
                    "even",
                    "lower",
                    "upper",
                    "divisibleby",
                    "in",
                    "sameas",
                    "filter",
                    "test" -> true;
            default -> !comparison(name).isEmpty();
        };
    }

    static boolean holds(String name, Object value, Arguments arguments) {
        Budget budget = arguments.budget();
        String comparison = comparison(name);
        if (!comparison.isEmpty()) {
            return compare(comparison, value, arguments.bind("other").require("other"), budget);
        }
        return switch (name) {
            case "divisibleby" ->
                integer(Operators.apply("%", value, arguments.bind("num").require("num"), budget)) == 0;
            case "in" -> Values.contains(arguments.bind("seq").require("seq"), value, budget);
            case "sameas" -> same(value, arguments.bind("other").require("other"));
            default -> simple(name, value, arguments.bind().budget());
        };
    }

    private static boolean simple(String name, Object value, Budget budget) {
        return switch (name) {
            case "defined" -> !(value instanceof Values.Undefined);
            case "undefined" -> value instanceof Values.Undefined;
            case "none" -> value == Values.NONE;
            case "string" -> value instanceof Text;
            case "mapping" -> value instanceof Map<?, ?>;
            case "sequence" -> Values.indexed(value) || value instanceof Map<?, ?> || value instanceof Values.Undefined;
            case "iterable" -> value instanceof Values.Stream || value instanceof Loop || Values.size(value) >= 0;
            case "number" -> Values.number(value);
            case "integer" -> value instanceof Long;
            case "float" -> value instanceof Double;
            case "boolean" -> value instanceof Boolean;
            case "true" -> Boolean.TRUE.equals(value);
            case "false" -> Boolean.FALSE.equals(value);
            case "callable" -> value instanceof Values.Function || value instanceof Values.Undefined;
            case "odd" -> integer(Operators.apply("%", value, 2L, budget)) == 1;
            case "even" -> integer(Operators.apply("%", value, 2L, budget)) == 0;
            case "lower" -> cased(value, budget, true);
            case "upper" -> cased(value, budget, false);
            case "filter" -> value instanceof Text text && Filters.exists(text.chars());
            case "test" -> value instanceof Text text && exists(text.chars());
            default -> throw budget.error("the test \"" + Members.shortened(name) + "\" is not supported");
        };
    }

    private static double integer(Object number) {
        return Values.number(number) ? Values.real(number) : Double.NaN;
    }

    private static boolean cased(Object value, Budget budget, boolean lower) {
        Text text = Representation.string(value, budget);
        Text converted = lower ? Strings.lower(text, budget) : Strings.upper(text, budget);
        return converted.equals(text)
                && text.chars().codePoints().anyMatch(c -> Character.isUpperCase(c) || Character.isLowerCase(c));
    }

    private static boolean same(Object a, Object b) {
        return a == b
                || (a.getClass() == b.getClass()
                        && List.of("bool", "int", "str").contains(Values.type(a))
                        && a.equals(b));
    }

    /** The operator that a test's name stands for; empty if it is none. */
    private static String comparison(String name) {
        return switch (name) {
            case "equalto", "eq" -> "==";
            case "ne" -> "!=";
            case "lt", "lessthan" -> "<";
            case "le" -> "<=";
            case "gt", "greaterthan" -> ">";
            case "ge" -> ">=";
            default -> "";
        };
    }

    static boolean compare(String operator, Object a, Object b, Budget budget) {
        return switch (operator) {
            case "==" -> Values.equal(a, b, budget);
            case "!=" -> !Values.equal(a, b, budget);
            case "in" -> Values.contains(b, a, budget);
            case "not in" -> !Values.contains(b, a, budget);
            case "<" -> ordered(a, b) && Values.compare(a, b, budget) < 0;
            case "<=" -> ordered(a, b) && Values.compare(a, b, budget) <= 0;
            case ">" -> ordered(a, b) && Values.compare(a, b, budget) > 0;
            default -> ordered(a, b) && Values.compare(a, b, budget) >= 0;
        };
    }

    /** NaN is neither less nor greater than anything. */
    private static boolean ordered(Object a, Object b) {
        boolean nan = (a instanceof Double x && x.isNaN()) || (b instanceof Double y && y.isNaN());
        return !nan || !Values.number(a) || !Values.number(b);
    }
}
