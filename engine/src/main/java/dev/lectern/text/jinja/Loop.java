package dev.lectern.text.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a template sees as {@code loop}. */
final class Loop {
    private final List<Object> items;
    private int index;
    private @Nullable List<Object> lastChanged;

    Loop(List<Object> items) {
        this.items = items;
    }

    void at(int newIndex) {
        index = newIndex;
    }

    @Nullable
    Object member(String name) {
        int size = items.size();
        return switch (name) {
            case "index" -> index + 1L;
            case "index0" -> (long) index;
            case "revindex" -> (long) size - index;
            case "revindex0" -> size - index - 1L;
            case "first" -> index == 0;
            case "last" -> index == size - 1;
            case "length" -> (long) size;
            // Depth counts levels of recursive loops only, and those are not supported.
            case "depth" -> 1L;
            case "depth0" -> 0L;
            case "previtem" -> index > 0 ? items.get(index - 1) : new Values.Undefined("there is no previous item");
            case "nextitem" -> index < size - 1 ? items.get(index + 1) : new Values.Undefined("there is no next item");
            case "cycle" -> (Values.Function) this::cycle;
            case "changed" -> (Values.Function) this::changed;
            default -> null;
        };
    }

    private Object cycle(Arguments arguments) {
        List<Object> values = arguments.positional();
        if (values.isEmpty()) {
            throw arguments.budget().error("loop.cycle() needs at least one value");
        }
        return values.get(index % values.size());
    }

    private Object changed(Arguments arguments) {
        List<Object> values = arguments.positional();
        boolean same = lastChanged != null && Values.equal(lastChanged, values, arguments.budget());
        lastChanged = values;
        return !same;
    }
}
