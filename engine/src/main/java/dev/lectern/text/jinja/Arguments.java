package dev.lectern.text.jinja;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The arguments of one call, by position and by name. */
final class Arguments {
    private final String callee;
    private final List<Object> positional;
    private final Map<String, Object> named;
    private final Budget budget;
    private final Map<String, Object> bound = new HashMap<>();

    Arguments(String callee, List<Object> positional, Map<String, Object> named, Budget budget) {
        this.callee = callee;
        this.positional = positional;
        this.named = named;
        this.budget = budget;
    }

    Budget budget() {
        return budget;
    }

    List<Object> positional() {
        return positional;
    }

    Map<String, Object> named() {
        return named;
    }

    /** The arguments behind the first ones, for a filter or test that is named by an argument. */
    Arguments behind(int count, String newCallee) {
        return new Arguments(
                newCallee, positional.subList(Math.min(count, positional.size()), positional.size()), named, budget);
    }

    /** Binds them to the names of parameters; nothing may be left over. */
    Arguments bind(String... parameters) {
        if (positional.size() > parameters.length) {
            throw budget.error(callee + " takes at most " + parameters.length + " arguments, not " + positional.size());
        }
        for (int i = 0; i < positional.size(); i++) {
            bound.put(parameters[i], positional.get(i));
        }
        for (Map.Entry<String, Object> entry : named.entrySet()) {
            if (!List.of(parameters).contains(entry.getKey())) {
                throw budget.error(callee + " has no argument \"" + entry.getKey() + "\"");
            }
            if (bound.put(entry.getKey(), entry.getValue()) != null) {
                throw budget.error(callee + " is given the argument \"" + entry.getKey() + "\" twice");
            }
        }
        return this;
    }

    @Nullable
    Object get(String parameter) {
        return bound.get(parameter);
    }

    /** As {@link #get}, with none as good as absent. */
    @Nullable
    Object given(String parameter) {
        Object value = bound.get(parameter);
        return value == Values.NONE ? null : value;
    }

    Object get(String parameter, Object fallback) {
        Object value = bound.get(parameter);
        return value == null ? fallback : value;
    }

    Object require(String parameter) {
        Object value = bound.get(parameter);
        if (value == null) {
            throw budget.error(callee + " needs the argument \"" + parameter + "\"");
        }
        return value;
    }

    Text text(String parameter) {
        if (require(parameter) instanceof Text text) {
            return text;
        }
        throw wrong(parameter, "a string");
    }

    Text text(String parameter, String fallback) {
        return bound.containsKey(parameter) ? text(parameter) : Text.of(fallback);
    }

    boolean flag(String parameter, boolean fallback) {
        Object value = bound.get(parameter);
        return value == null ? fallback : Values.truth(value);
    }

    long integer(String parameter, long fallback) {
        Object value = bound.get(parameter);
        if (value == null) {
            return fallback;
        }
        Long number = Values.integer(value);
        if (number == null) {
            throw wrong(parameter, "an integer");
        }
        return number;
    }

    private JinjaException wrong(String parameter, String wanted) {
        Object value = require(parameter);
        return Values.misused(
                value,
                value,
                budget,
                callee + " wants " + wanted + " as \"" + parameter + "\", not a value of type " + Values.type(value));
    }
}
