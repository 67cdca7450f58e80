package dev.lectern.text.jinja;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/** How Python prints values: {@code str()} and {@code repr()}. */
final class Representation {
    private Representation() {}

    static Text string(Object value, Budget budget) {
        return value instanceof Text text ? text : of(value, budget, false);
    }

    static Text repr(Object value, Budget budget) {
        return of(value, budget, true);
    }

    private static Text of(Object value, Budget budget, boolean quoted) {
        Text.Builder out = new Text.Builder(budget);
        write(value, out, budget, 0, quoted);
        return out.text();
    }

    private static void write(Object value, Text.Builder out, Budget budget, int depth, boolean quoted) {
        budget.steps(1);
        budget.valueDepth(depth);
        switch (value) {
            case Text text -> quoted(text, out);
            case Boolean b -> out.append(b ? "True" : "False");
            case Long n -> out.append(n.toString());
            case Double d -> out.append(real(d));
            case List<?> list -> items("[", list, "]", out, budget, depth);
            case Values.Tuple tuple ->
                items("(", tuple.items(), tuple.items().size() == 1 ? ",)" : ")", out, budget, depth);
            case Values.Range range -> {
                out.append("range(" + range.start() + ", " + range.stop());
                out.append(range.step() == 1 ? ")" : ", " + range.step() + ")");
            }
            case Map<?, ?> map -> dict(map, out, budget, depth);
            case Values.View view -> items(view.name() + "([", view.items(), "])", out, budget, depth);
            case Values.Namespace namespace -> {
                out.append("<Namespace ");
                Map<Object, Object> members = new java.util.LinkedHashMap<>();
                namespace.members().forEach((name, member) -> members.put(Text.of(name), member));
                dict(members, out, budget, depth);
                out.append(">");
            }
            case Values.None _ -> out.append("None");
            case Values.Undefined _ -> out.append(quoted ? "Undefined" : "");
            default -> throw budget.error("a value of type " + Values.type(value) + " cannot be printed");
        }
    }

    private static void items(String open, List<?> items, String close, Text.Builder out, Budget budget, int depth) {
        out.append(open);
        boolean first = true;
        for (Object item : items) {
            out.append(first ? "" : ", ");
            first = false;
            write(item, out, budget, depth + 1, true);
        }
        out.append(close);
    }

    private static void dict(Map<?, ?> map, Text.Builder out, Budget budget, int depth) {
        out.append("{");
        boolean first = true;
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            out.append(first ? "" : ", ");
            first = false;
            write(entry.getKey(), out, budget, depth + 1, true);
            out.append(": ");
            write(entry.getValue(), out, budget, depth + 1, true);
        }
        out.append("}");
    }

    private static void quoted(Text text, Text.Builder out) {
        String chars = text.chars();
        String quote = chars.indexOf('\'') >= 0 && chars.indexOf('"') < 0 ? "\"" : "'";
        out.append(quote);
        for (int i = 0; i < chars.length(); ) {
            int c = chars.codePointAt(i);
            int end = i + Character.charCount(c);
            String escape = switch (c) {
                case '\n' -> "\\n";
                case '\r' -> "\\r";
                case '\t' -> "\\t";
                case '\\' -> "\\\\";
                default -> c == quote.charAt(0) ? "\\" + quote : printable(c) ? "" : escape(c);
            };
            if (escape.isEmpty()) {
                out.append(text, i, end);
            } else {
                out.appendFor(escape, text, i);
            }
            i = end;
        }
        out.append(quote);
    }

    private static String escape(int c) {
        return c < 0x100 ? "\\x%02x".formatted(c) : c < 0x10000 ? "\\u%04x".formatted(c) : "\\U%08x".formatted(c);
    }

    private static boolean printable(int c) {
        if (c < 0x7f) {
            return c >= 0x20;
        }
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SPACE_SEPARATOR -> false;
            default -> true;
        };
    }

    /** The shortest digits that read back as the same number, in Python's form. */
    static String real(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        if (value == 0) {
            return 1 / value < 0 ? "-0.0" : "0.0";
        }
        BigDecimal shortest = new BigDecimal(Double.toString(value)).stripTrailingZeros();
        String digits = shortest.unscaledValue().abs().toString();
        int exponent = digits.length() - shortest.scale() - 1;
        String sign = value < 0 ? "-" : "";
        if (exponent >= -4 && exponent < 16) {
            String plain = shortest.abs().toPlainString();
            return sign + plain + (plain.indexOf('.') < 0 ? ".0" : "");
        }
        String mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
        int size = Math.abs(exponent);
        return sign + mantissa + (exponent < 0 ? "e-" : "e+") + (size < 10 ? "0" : "") + size;
    }
}
