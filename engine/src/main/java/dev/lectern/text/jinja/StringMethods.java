package dev.lectern.text.jinja;

import dev.lectern.text.jinja.Values.Function;
import java.util.List;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** The methods that strings have in Python, as far as chat templates use them. */
final class StringMethods {
    private StringMethods() {}

    static @Nullable Function of(Text text, String name) {
        return switch (name) {
            case "strip" -> arguments -> strip(text, arguments, true, true);
            case "lstrip" -> arguments -> strip(text, arguments, true, false);
            case "rstrip" -> arguments -> strip(text, arguments, false, true);
            case "upper" -> arguments -> Strings.upper(text, arguments.bind().budget());
            case "lower" -> arguments -> Strings.lower(text, arguments.bind().budget());
            case "title" -> arguments -> Strings.title(text, arguments.bind().budget());
            case "capitalize" ->
                arguments -> Strings.capitalized(text, arguments.bind().budget());
            case "startswith" -> arguments -> affix(text, arguments, true);
            case "endswith" -> arguments -> affix(text, arguments, false);
            case "removeprefix" ->
                arguments -> {
                    Text prefix = arguments.bind("prefix").text("prefix");
                    return text.chars().startsWith(prefix.chars())
                            ? text.substring(prefix.length(), text.length())
                            : text;
                };
            case "removesuffix" ->
                arguments -> {
                    Text suffix = arguments.bind("suffix").text("suffix");
                    return text.chars().endsWith(suffix.chars())
                            ? text.substring(0, text.length() - suffix.length())
                            : text;
                };
            case "split" -> arguments -> split(text, arguments, false);
            case "rsplit" -> arguments -> split(text, arguments, true);
            case "splitlines" ->
                arguments -> {
                    boolean keep = arguments.bind("keepends").flag("keepends", false);
                    return List.<Object>copyOf(Strings.lines(text, keep, arguments.budget()));
                };
            case "partition", "rpartition" -> arguments -> partition(text, arguments, name.equals("rpartition"));
            case "replace" ->
                arguments -> {
                    arguments.bind("old", "new", "count");
                    return Strings.replace(
                            text,
                            arguments.text("old"),
                            arguments.text("new"),
                            arguments.integer("count", -1),
                            arguments.budget());
                };
            case "join" ->
                arguments -> {
                    Budget budget = arguments.budget();
                    List<Object> items =
                            Values.elements(arguments.bind("iterable").require("iterable"), budget);
                    for (Object item : items) {
                        if (!(item instanceof Text)) {
                            throw budget.error("join() wants strings, not a value of type " + Values.type(item));
                        }
                    }
                    return Strings.join(items, text, budget);
                };
            case "find", "rfind", "index", "rindex" -> arguments -> find(text, arguments, name);
            case "count" ->
                arguments -> {
                    Text part = arguments.bind("sub").text("sub");
                    return part.isEmpty()
                            ? (Object) (text.codePoints() + 1L)
                            : (Object) (Strings.split(text, part, -1, arguments.budget())
                                            .size()
                                    - 1L);
                };
            case "isdigit" -> arguments -> all(text, arguments, Character::isDigit);
            case "isalpha" -> arguments -> all(text, arguments, Character::isLetter);
            case "isalnum" -> arguments -> all(text, arguments, Character::isLetterOrDigit);
            case "isspace" -> arguments -> all(text, arguments, Strings::space);
            case "isupper" -> arguments -> cased(text, arguments, Strings.upper(text, arguments.budget()));
            case "islower" -> arguments -> cased(text, arguments, Strings.lower(text, arguments.budget()));
            default -> null;
        };
    }

    private static Text strip(Text text, Arguments arguments, boolean left, boolean right) {
        arguments.bind("chars");
        String set =
                arguments.given("chars") == null ? "" : arguments.text("chars").chars();
        boolean nothing = arguments.given("chars") != null && set.isEmpty();
        return nothing ? text : Strings.strip(text, set, left, right, arguments.budget());
    }

    private static Object affix(Text text, Arguments arguments, boolean start) {
        Object wanted = arguments.bind("affix").require("affix");
        List<Object> all = wanted instanceof Values.Tuple tuple ? tuple.items() : List.of(arguments.text("affix"));
        for (Object one : all) {
            if (!(one instanceof Text affix)) {
                throw arguments.budget().error("startswith() and endswith() want strings");
            }
            arguments.budget().scan(affix.length());
            if (start ? text.chars().startsWith(affix.chars()) : text.chars().endsWith(affix.chars())) {
                return true;
            }
        }
        return false;
    }

    private static Object split(Text text, Arguments arguments, boolean fromEnd) {
        arguments.bind("sep", "maxsplit");
        Budget budget = arguments.budget();
        long limit = arguments.integer("maxsplit", -1);
        if (arguments.given("sep") == null) {
            if (fromEnd && limit >= 0) {
                throw budget.error("rsplit() at blanks with a limit is not supported");
            }
            return Strings.words(text, limit, budget);
        }
        Text separator = arguments.text("sep");
        if (separator.isEmpty()) {
            throw budget.error("split() cannot split at an empty string");
        }
        return fromEnd
                ? Strings.splitFromEnd(text, separator, limit, budget)
                : Strings.split(text, separator, limit, budget);
    }

    private static Object partition(Text text, Arguments arguments, boolean fromEnd) {
        Text separator = arguments.bind("sep").text("sep");
        if (separator.isEmpty()) {
            throw arguments.budget().error("partition() cannot split at an empty string");
        }
        List<Object> pieces = fromEnd
                ? Strings.splitFromEnd(text, separator, 1, arguments.budget())
                : Strings.split(text, separator, 1, arguments.budget());
        if (pieces.size() == 2) {
            return new Values.Tuple(List.of(pieces.getFirst(), separator, pieces.getLast()));
        }
        return new Values.Tuple(
                fromEnd ? List.of(Text.EMPTY, Text.EMPTY, text) : List.of(text, Text.EMPTY, Text.EMPTY));
    }

    private static Object find(Text text, Arguments arguments, String name) {
        Text part = arguments.bind("sub").text("sub");
        int found = name.startsWith("r")
                ? Strings.lastIndexOf(text.chars(), part.chars(), text.length(), arguments.budget())
                : Strings.indexOf(text.chars(), part.chars(), 0, arguments.budget());
        if (found < 0 && name.endsWith("index")) {
            throw arguments.budget().error("the string that " + name + "() looks for is not there");
        }
        return found < 0 ? -1L : (long) text.chars().codePointCount(0, found);
    }

    private static Object all(Text text, Arguments arguments, IntPredicate is) {
        arguments.bind().budget().scan(text.length());
        return !text.isEmpty() && text.chars().codePoints().allMatch(is);
    }

    private static Object cased(Text text, Arguments arguments, Text converted) {
        arguments.bind();
        boolean letters = text.chars().codePoints().anyMatch(c -> Character.isUpperCase(c) || Character.isLowerCase(c));
        return letters && text.equals(converted);
    }
}
