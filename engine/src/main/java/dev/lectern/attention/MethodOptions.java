package dev.lectern.attention;

import dev.lectern.LecternException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What is written after a method's name: {@code NAME:option=value:option=value}. Each option is asked for once; {@link #finish} refuses the others. */
final class MethodOptions {
    private final String method;
    private final Map<String, String> given = new LinkedHashMap<>();
    private final List<String> known = new ArrayList<>();

    MethodOptions(String spec) {
        String[] parts = spec.split(":", -1);
        method = parts[0];
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            if (equals < 1 || given.put(parts[i].substring(0, equals), parts[i].substring(equals + 1)) != null) {
                throw bad("\"" + parts[i] + "\" in " + spec + " is not one option=value of its own");
            }
        }
    }

    String method() {
        return method;
    }

    int whole(String option, int unlessGiven, int least, int most) {
        String text = taken(option);
        if (text == null) {
            return unlessGiven;
        }
        try {
            int value = Integer.parseInt(text);
            if (value >= least && value <= most) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw bad(option + " is " + text + ", but it takes a whole number from " + least + " to " + most);
    }

    /** A number above 0, up to 1. */
    double share(String option, double unlessGiven) {
        String text = taken(option);
        if (text == null) {
            return unlessGiven;
        }
        double value = number(text);
        if (value > 0 && value <= 1) {
            return value;
        }
        throw bad(option + " is " + text + ", but it takes a number above 0, up to 1");
    }

    /** {@code budget}: a number of tokens, or a share in per cent. */
    Budget budget() {
        String text = taken("budget");
        if (text == null) {
            return Budget.TWO_PERCENT;
        }
        if (text.endsWith("%")) {
            double percent = number(text.substring(0, text.length() - 1));
            if (percent > 0 && percent <= 100) {
                return new Budget(percent / 100, 0);
            }
        } else if (number(text) >= 1 && number(text) <= Integer.MAX_VALUE && number(text) == Math.rint(number(text))) {
            return new Budget(Double.NaN, (int) number(text));
        }
        throw bad("budget is " + text + ", but it takes tokens (budget=128) or a share of them (budget=2%)");
    }

    private static double number(String text) {
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException e) {
            return Double.NaN;
        }
    }

    private @Nullable String taken(String option) {
        known.add(option);
        return given.remove(option);
    }

    /** @throws LecternException if something was given that nobody asked for */
    void finish() {
        if (!given.isEmpty()) {
            String options = known.isEmpty() ? "it takes no options" : "it takes " + String.join(", ", known);
            throw bad("it has no option \"" + given.keySet().iterator().next() + "\"; " + options);
        }
    }

    private LecternException bad(String problem) {
        return new LecternException(
                LecternException.Kind.BAD_OPTION, "Attention method " + method + ": " + problem + ".");
    }
}
