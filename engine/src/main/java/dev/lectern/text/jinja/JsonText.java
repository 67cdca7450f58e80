package dev.lectern.text.jinja;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The filter {@code tojson} as transformers defines it: Python's {@code json.dumps} without HTML escapes, with
 * {@code ensure_ascii} off unless asked for.
 *
 * @param indent what one level is indented by; null for everything on one line
 */
record JsonText(
        boolean ascii,
        @Nullable String indent,
        String itemSeparator,
        String keySeparator,
        boolean sorted,
        Budget budget) {

    Text of(Object value) {
        Text.Builder out = new Text.Builder(budget);
        write(value, out, 0);
        return out.text();
    }

    private void write(Object value, Text.Builder out, int depth) {
        budget.steps(1);
        budget.valueDepth(depth);
        switch (value) {
            case Text text -> string(text, out);
            case Boolean b -> out.append(b ? "true" : "false");
            case Long n -> out.append(n.toString());
            case Double d -> out.append(real(d));
            case Values.None _ -> out.append("null");
            case List<?> list -> list(list, out, depth);
            case Values.Tuple tuple -> list(tuple.items(), out, depth);
            case Map<?, ?> map -> object(map, out, depth);
            case Values.Undefined undefined -> throw budget.error(undefined.problem());
            default -> throw budget.error("a value of type " + Values.type(value) + " cannot be written as JSON");
        }
    }

    private static String real(double value) {
        return Double.isNaN(value)
                ? "NaN"
                : Double.isInfinite(value) ? (value > 0 ? "Infinity" : "-Infinity") : Representation.real(value);
    }

    private void list(List<?> items, Text.Builder out, int depth) {
        if (items.isEmpty()) {
            out.append("[]");
            return;
        }
        out.append("[");
        boolean first = true;
        for (Object item : items) {
            out.append(first ? "" : itemSeparator);
            first = false;
            newline(out, depth + 1);
            write(item, out, depth + 1);
        }
        newline(out, depth);
        out.append("]");
    }

    private void object(Map<?, ?> map, Text.Builder out, int depth) {
        if (map.isEmpty()) {
            out.append("{}");
            return;
        }
        out.append("{");
        boolean first = true;
        List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
        if (sorted) {
            budget.steps(4L * entries.size());
            entries.sort(Comparator.comparing(Map.Entry::getKey, (a, b) -> Values.compare(a, b, budget)));
        }
        for (Map.Entry<?, ?> entry : entries) {
            out.append(first ? "" : itemSeparator);
            first = false;
            newline(out, depth + 1);
            Object key = entry.getKey();
            if (key instanceof Text text) {
                string(text, out);
            } else {
                out.append("\"");
                write(key, out, depth + 1);
                out.append("\"");
            }
            out.append(keySeparator);
            write(entry.getValue(), out, depth + 1);
        }
        newline(out, depth);
        out.append("}");
    }

    private void newline(Text.Builder out, int depth) {
        if (indent != null) {
            out.append("\n");
            for (int i = 0; i < depth; i++) {
                out.append(indent);
            }
        }
    }

    private void string(Text text, Text.Builder out) {
        out.append("\"");
        String chars = text.chars();
        budget.scan(chars.length());
        int plain = 0;
        for (int i = 0; i < chars.length(); i++) {
            String escape = escape(chars.charAt(i));
            if (!escape.isEmpty()) {
                out.append(text, plain, i).appendFor(escape, text, i);
                plain = i + 1;
            }
        }
        out.append(text, plain, chars.length()).append("\"");
    }

    private String escape(char c) {
        return switch (c) {
            case '"' -> "\\\"";
            case '\\' -> "\\\\";
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            case '\f' -> "\\f";
            case '\b' -> "\\b";
            default -> c < 0x20 || (ascii && c > 0x7e) ? "\\u%04x".formatted((int) c) : "";
        };
    }
}
