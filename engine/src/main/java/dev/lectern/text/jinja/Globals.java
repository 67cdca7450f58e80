package dev.lectern.text.jinja;

import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The functions that every template finds. */
final class Globals {
    /** The sandbox of jinja2 has the same limit. */
    private static final int MAX_RANGE = 100_000;

    private Globals() {}

    static void define(Scope scope) {
        scope.set("range", (Values.Function) Globals::range);
        scope.set("namespace", (Values.Function) Globals::namespace);
        scope.set("dict", (Values.Function) Globals::dict);
        scope.set("raise_exception", (Values.Function) Globals::refuse);
        scope.set("strftime_now", (Values.Function) Globals::now);
        for (String name : List.of("cycler", "joiner", "lipsum")) {
            scope.set(name, (Values.Function) arguments -> {
                throw arguments.budget().error("the function " + name + "() is not supported");
            });
        }
    }

    private static Object range(Arguments arguments) {
        Budget budget = arguments.budget();
        List<Object> given = arguments.positional();
        if (given.isEmpty() || given.size() > 3 || !arguments.named().isEmpty()) {
            throw budget.error("range() wants one to three integers");
        }
        long[] numbers = new long[3];
        for (int i = 0; i < given.size(); i++) {
            Object value = given.get(i);
            Long number = Values.integer(value);
            if (number == null || Math.abs((double) number) > 0x1p60) {
                throw Values.misused(value, value, budget, "range() wants integers");
            }
            numbers[i] = number;
        }
        long start = given.size() == 1 ? 0 : numbers[0];
        long stop = given.size() == 1 ? numbers[0] : numbers[1];
        long step = given.size() == 3 ? numbers[2] : 1;
        if (step == 0) {
            throw budget.error("range() cannot have the step 0");
        }
        long size = step > 0 ? Math.ceilDiv(stop - start, step) : Math.ceilDiv(start - stop, -step);
        if (size > MAX_RANGE) {
            throw budget.limit("range() is longer than " + MAX_RANGE);
        }
        return new Values.Range(start, stop, step, (int) Math.max(0, size));
    }

    private static Map<Object, Object> members(Arguments arguments, String callee) {
        Budget budget = arguments.budget();
        budget.steps(16);
        Map<Object, Object> members = new LinkedHashMap<>();
        if (arguments.positional().size() > 1) {
            throw budget.error(callee + " takes at most one value without a name");
        }
        for (Object value : arguments.positional()) {
            if (value instanceof Map<?, ?> map) {
                budget.steps(4L * map.size());
                members.putAll(map);
                continue;
            }
            for (Object pair : Values.elements(value, budget)) {
                List<Object> both = Values.elements(pair, budget);
                if (both.size() != 2) {
                    throw budget.error(callee + " wants a dict or a list of pairs");
                }
                Values.put(members, Values.key(both.get(0), budget), both.get(1));
            }
        }
        arguments.named().forEach((name, value) -> members.put(Text.of(name), value));
        return members;
    }

    private static Object dict(Arguments arguments) {
        return members(arguments, "dict()");
    }

    private static Object namespace(Arguments arguments) {
        Map<String, Object> named = new LinkedHashMap<>();
        members(arguments, "namespace()").forEach((name, value) -> {
            if (!(name instanceof Text text)) {
                throw arguments.budget().error("the members of a namespace have names");
            }
            named.put(checked(text.chars(), arguments.budget()), value);
        });
        return new Values.Namespace(named);
    }

    /** A name that a member of a namespace may have. */
    static String checked(String name, Budget budget) {
        if (name.startsWith("_")) {
            throw budget.error("a member of a namespace may not begin with \"_\": " + Members.shortened(name));
        }
        return name;
    }

    private static Object refuse(Arguments arguments) {
        Text message = Representation.string(arguments.bind("message").require("message"), arguments.budget());
        throw new JinjaException(
                JinjaException.Reason.REFUSED,
                arguments.budget().line(),
                Members.shortened(message.chars().strip()));
    }

    private static Object now(Arguments arguments) {
        String format = arguments.bind("format").text("format").chars();
        LocalDateTime now = LocalDateTime.now(ZoneId.systemDefault());
        Text.Builder out = new Text.Builder(arguments.budget());
        for (int i = 0; i < format.length(); i++) {
            if (format.charAt(i) != '%' || i + 1 == format.length()) {
                out.append(format.substring(i, i + 1));
                continue;
            }
            i++;
            boolean short1 = format.charAt(i) == '-' && i + 1 < format.length();
            char directive = format.charAt(short1 ? ++i : i);
            String pattern = pattern(directive);
            if (pattern == null) {
                throw arguments.budget().error("strftime_now() does not know the directive \"%" + directive + "\"");
            }
            String written =
                    DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(now);
            out.append(short1 ? written.replaceFirst("^0+(?=.)", "") : written);
        }
        return out.text();
    }

    private static @Nullable String pattern(char directive) {
        return switch (directive) {
            case 'Y' -> "yyyy";
            case 'y' -> "yy";
            case 'm' -> "MM";
            case 'd' -> "dd";
            case 'H' -> "HH";
            case 'I' -> "hh";
            case 'M' -> "mm";
            case 'S' -> "ss";
            case 'p' -> "a";
            case 'B' -> "MMMM";
            case 'b', 'h' -> "MMM";
            case 'A' -> "EEEE";
            case 'a' -> "EEE";
            case 'j' -> "DDD";
            case 'F' -> "yyyy-MM-dd";
            case 'T' -> "HH:mm:ss";
            case '%' -> "'%'";
            default -> null;
        };
    }
}
