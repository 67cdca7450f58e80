package dev.lectern.text.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/** Python's string methods, on texts that keep their origins. */
final class Strings {
    private Strings() {}

    /** Whether Python's {@code isspace()} holds; all such characters are in the basic plane. */
    static boolean space(int c) {
        return (c >= 9 && c <= 13)
                || (c >= 0x1c && c <= 0x20)
                || c == 0x85
                || c == 0xa0
                || c == 0x1680
                || (c >= 0x2000 && c <= 0x200a)
                || c == 0x2028
                || c == 0x2029
                || c == 0x202f
                || c == 0x205f
                || c == 0x3000;
    }

    /** Order by code points. */
    static int compare(String a, String b) {
        int limit = Math.min(a.length(), b.length());
        for (int i = 0; i < limit; i++) {
            char x = a.charAt(i);
            char y = b.charAt(i);
            if (x != y) {
                boolean bothHigh = x >= 0xd800 && y >= 0xd800;
                // Surrogates stand for code points above every other char of the basic plane.
                return bothHigh && Character.isSurrogate(x) != Character.isSurrogate(y)
                        ? (Character.isSurrogate(x) ? 1 : -1)
                        : Character.compare(x, y);
            }
        }
        return Integer.compare(a.length(), b.length());
    }

    static int indexOf(String text, String part, int from, Budget budget) {
        affords(text.length() - from, part, budget);
        int found = text.indexOf(part, from);
        searched((found < 0 ? text.length() : found) - from, part, budget);
        return found;
    }

    static int lastIndexOf(String text, String part, int from, Budget budget) {
        affords(from, part, budget);
        int found = text.lastIndexOf(part, from);
        searched(from - Math.max(found, 0), part, budget);
        return found;
    }

    // The JDK's search is quadratic at worst; for short needles its vectorised first step makes it as good as linear.
    private static void affords(long span, String part, Budget budget) {
        budget.affords(part.length() > 32 ? span * Math.min(part.length(), Math.max(0, span)) / 4096 : 0);
    }

    private static void searched(long distance, String part, Budget budget) {
        budget.steps(1 + Math.max(0, distance) / 64 * (1 + part.length() / 64));
    }

    static Text strip(Text text, String set, boolean left, boolean right, Budget budget) {
        String chars = text.chars();
        budget.scan(chars.length() * (1 + set.length() / 16L));
        int start = 0;
        int end = chars.length();
        while (left && start < end && strips(chars.codePointAt(start), set)) {
            start += Character.charCount(chars.codePointAt(start));
        }
        while (right && start < end && strips(chars.codePointBefore(end), set)) {
            end -= Character.charCount(chars.codePointBefore(end));
        }
        return text.substring(start, end);
    }

    private static boolean strips(int c, String set) {
        return set.isEmpty() ? space(c) : set.indexOf(c) >= 0;
    }

    static List<Object> split(Text text, Text separator, long limit, Budget budget) {
        List<Object> pieces = new ArrayList<>();
        int start = 0;
        while (limit < 0 || pieces.size() < limit) {
            int found = indexOf(text.chars(), separator.chars(), start, budget);
            if (found < 0) {
                break;
            }
            pieces.add(piece(text, start, found, budget));
            start = found + separator.length();
        }
        pieces.add(piece(text, start, text.length(), budget));
        return pieces;
    }

    static List<Object> splitFromEnd(Text text, Text separator, long limit, Budget budget) {
        List<Object> pieces = new ArrayList<>();
        int end = text.length();
        while (limit < 0 || pieces.size() < limit) {
            int found = lastIndexOf(text.chars(), separator.chars(), end - separator.length(), budget);
            if (found < 0) {
                break;
            }
            pieces.add(piece(text, found + separator.length(), end, budget));
            end = found;
        }
        pieces.add(piece(text, 0, end, budget));
        Collections.reverse(pieces);
        return pieces;
    }

    static List<Object> words(Text text, long limit, Budget budget) {
        List<Object> pieces = new ArrayList<>();
        String chars = text.chars();
        budget.scan(chars.length());
        int i = 0;
        while (true) {
            while (i < chars.length() && space(chars.charAt(i))) {
                i++;
            }
            if (i == chars.length()) {
                return pieces;
            }
            int start = i;
            if (limit >= 0 && pieces.size() == limit) {
                i = chars.length();
            }
            while (i < chars.length() && !space(chars.charAt(i))) {
                i++;
            }
            pieces.add(piece(text, start, i, budget));
        }
    }

    static List<Text> lines(Text text, boolean keepEnds, Budget budget) {
        List<Text> lines = new ArrayList<>();
        String chars = text.chars();
        int start = 0;
        for (int i = 0; i < chars.length(); i++) {
            char c = chars.charAt(i);
            if ((c >= 10 && c <= 13) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029) {
                int end = c == '\r' && i + 1 < chars.length() && chars.charAt(i + 1) == '\n' ? i + 2 : i + 1;
                lines.add(piece(text, start, keepEnds ? end : i, budget));
                i = end - 1;
                start = end;
            }
        }
        if (start < chars.length()) {
            lines.add(piece(text, start, chars.length(), budget));
        }
        return lines;
    }

    static Text piece(Text text, int start, int end, Budget budget) {
        budget.chars(16L + end - start);
        budget.steps(1);
        return text.substring(start, end);
    }

    static Text replace(Text text, Text old, Text replacement, long limit, Budget budget) {
        Text.Builder result = new Text.Builder(budget);
        String chars = text.chars();
        long left = limit < 0 ? Long.MAX_VALUE : limit;
        int start = 0;
        if (old.isEmpty()) {
            for (; left > 0; left--) {
                result.append(replacement);
                budget.steps(1);
                if (start == chars.length()) {
                    return result.text();
                }
                int next = chars.offsetByCodePoints(start, 1);
                result.append(text, start, next);
                start = next;
            }
        }
        for (; left > 0; left--) {
            int found = indexOf(chars, old.chars(), start, budget);
            if (found < 0) {
                break;
            }
            result.append(text, start, found).append(replacement);
            start = found + old.length();
        }
        return result.append(text, start, text.length()).text();
    }

    static Text upper(Text text, Budget budget) {
        return mapped(text, text.chars().toUpperCase(Locale.ROOT), budget, s -> s.toUpperCase(Locale.ROOT));
    }

    static Text lower(Text text, Budget budget) {
        return mapped(text, text.chars().toLowerCase(Locale.ROOT), budget, s -> s.toLowerCase(Locale.ROOT));
    }

    /** The first character in title case, the others in lower case. */
    static Text capitalized(Text text, Budget budget) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.chars().offsetByCodePoints(0, 1);
        return new Text.Builder(budget)
                .appendFor(titleCase(text.chars().codePointAt(0)), text, 0)
                .append(lower(text.substring(first, text.length()), budget))
                .text();
    }

    /** Python's {@code str.title()}: a letter behind anything that is no letter is in title case. */
    static Text title(Text text, Budget budget) {
        Text.Builder result = new Text.Builder(budget);
        boolean inside = false;
        String chars = text.chars();
        for (int i = 0; i < chars.length(); ) {
            int c = chars.codePointAt(i);
            String one = Character.toString(c);
            result.appendFor(inside ? one.toLowerCase(Locale.ROOT) : titleCase(c), text, i);
            inside = Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
            i += one.length();
        }
        return result.text();
    }

    /** The filter {@code title}: words begin behind blanks, hyphens and opening brackets. */
    static Text titledWords(Text text, Budget budget) {
        Text.Builder result = new Text.Builder(budget);
        boolean inside = false;
        String chars = text.chars();
        for (int i = 0; i < chars.length(); ) {
            int c = chars.codePointAt(i);
            String one = Character.toString(c);
            boolean separator = c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || space(c);
            result.appendFor(inside ? one.toLowerCase(Locale.ROOT) : one.toUpperCase(Locale.ROOT), text, i);
            inside = !separator;
            i += one.length();
        }
        return result.text();
    }

    private static String titleCase(int c) {
        String upper = Character.toString(c).toUpperCase(Locale.ROOT);
        // A letter that becomes several (ß → SS) keeps only its first in capitals.
        return upper.codePointCount(0, upper.length()) > 1
                ? upper.substring(0, upper.offsetByCodePoints(0, 1))
                        + upper.substring(upper.offsetByCodePoints(0, 1)).toLowerCase(Locale.ROOT)
                : Character.toString(Character.toTitleCase(c));
    }

    private static Text mapped(Text text, String whole, Budget budget, java.util.function.UnaryOperator<String> one) {
        String chars = text.chars();
        budget.scan(chars.length());
        if (text.runs().isEmpty() || whole.length() == chars.length()) {
            budget.chars(whole.length());
            return text.withChars(whole);
        }
        Text.Builder result = new Text.Builder(budget);
        for (int i = 0; i < chars.length(); ) {
            int end = chars.offsetByCodePoints(i, 1);
            result.appendFor(one.apply(chars.substring(i, end)), text, i);
            i = end;
        }
        return result.text();
    }

    static Text repeated(Text text, long times, Budget budget) {
        Text.Builder result = new Text.Builder(budget);
        for (long i = 0; i < times && !text.isEmpty(); i++) {
            budget.steps(1);
            result.append(text);
        }
        return result.text();
    }

    static Text join(List<Object> items, Text separator, Budget budget) {
        Text.Builder result = new Text.Builder(budget);
        boolean first = true;
        for (Object item : items) {
            budget.steps(1);
            if (!first) {
                result.append(separator);
            }
            first = false;
            result.append(Representation.string(item, budget));
        }
        return result.text();
    }

    static Text indented(Text text, Text margin, boolean first, boolean blank, Budget budget) {
        Text.Builder result = new Text.Builder(budget);
        // A newline at the end counts as one more, empty line.
        List<Text> lines =
                lines(new Text.Builder(budget).append(text).append("\n").text(), false, budget);
        for (int i = 0; i < lines.size(); i++) {
            if (i > 0) {
                result.append("\n");
            }
            boolean wanted = i == 0 ? first : blank || !lines.get(i).isEmpty();
            if (wanted) {
                result.append(margin);
            }
            result.append(lines.get(i));
        }
        return result.text();
    }
}
