package dev.lectern.options;

import dev.lectern.LecternException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is written after the name of a method or format: {@code NAME:option=value:option=value}. Each option is asked for once; {@link #finish} refuses the others.
 */
public final class NamedOptions {
    private final String kind;
    private final String name;
    private final Map<String, String> given = new LinkedHashMap<>();
    private final List<String> known = new ArrayList<>();

    /**
     * Takes a name and its options apart.
     *
     * @param kind what it names, as errors begin: {@code Attention method}
     * @throws LecternException of kind {@code BAD_OPTION} if an option is not written as one, or is given twice
     */
    public NamedOptions(String kind, String spec) {
        this.kind = kind;
        String[] parts = spec.split(":", -1);
        name = parts[0];
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            if (equals < 1 || given.put(parts[i].substring(0, equals), parts[i].substring(equals + 1)) != null) {
                throw bad("\"" + parts[i] + "\" in " + spec + " is not one option=value of its own");
            }
        }
    }

    /** The name alone. */
    public String name() {
        return name;
    }

    /** A whole number of a range. */
    public int whole(String option, int unlessGiven, int least, int most) {
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

    /** A whole number of a range, or a word that stands for one; this unless given. */
    public int whole(String option, String word, int ofWord, int least, int most) {
        if (word.equals(given.get(option))) {
            taken(option);
            return ofWord;
        }
        return whole(option, ofWord, least, most);
    }

    /** A number above 0, up to 1. */
    public double share(String option, double unlessGiven) {
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

    /** One of some words; the first unless given. */
    public String word(String option, String... words) {
        String text = taken(option);
        if (text == null) {
            return words[0];
        }
        if (List.of(words).contains(text)) {
            return text;
        }
        throw bad(option + " is " + text + ", but it takes " + String.join(" or ", words));
    }

    /** Whether an option was given that nobody has asked for yet. */
    public boolean has(String option) {
        return given.containsKey(option);
    }

    /** What was given, as it is written; empty if it was not. */
    public Optional<String> text(String option) {
        return Optional.ofNullable(taken(option));
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
    public void finish() {
        if (!given.isEmpty()) {
            String options = known.isEmpty() ? "it takes no options" : "it takes " + String.join(", ", known);
            throw bad("it has no option \"" + given.keySet().iterator().next() + "\"; " + options);
        }
    }

    /** An error about an option: kind, name and problem. */
    public LecternException bad(String problem) {
        return new LecternException(LecternException.Kind.BAD_OPTION, kind + " " + name + ": " + problem + ".");
    }
}
