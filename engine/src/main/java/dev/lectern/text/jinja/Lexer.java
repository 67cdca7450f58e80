package dev.lectern.text.jinja;

import dev.lectern.text.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a template into tokens, with the whitespace rules that transformers sets: {@code trim_blocks} (the first newline
 * after a block or comment is dropped), {@code lstrip_blocks} (blanks between the start of a line and a block or comment are
 * dropped), {@code -} and {@code +} beside a delimiter, one newline at the very end dropped.
 */
final class Lexer {
    private static final List<String> OPERATORS = List.of(
            "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<",
            "=", ".", ":", "|", ",", ";");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private final StringBuilder brackets = new StringBuilder(); // the closing brackets still expected, innermost last
    private int at;
    private int line = 1;
    private int counted; // newlines before this index are in line

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String text) {
        String source = text.replace("\r\n", "\n").replace('\r', '\n');
        if (source.endsWith("\n")) {
            source = source.substring(0, source.length() - 1);
        }
        Lexer lexer = new Lexer(source);
        lexer.run();
        return lexer.tokens;
    }

    private void run() {
        boolean lineStarting = true;
        while (at < source.length()) {
            int tag = nextTag(at);
            if (tag < 0) {
                data(source.substring(at), at);
                break;
            }
            char type = source.charAt(tag + 1);
            char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
            String before = source.substring(at, tag);
            if (sign == '-') {
                before = stripEnd(before);
            } else if (sign != '+' && type != '{') {
                before = stripIndent(before, lineStarting);
            }
            data(before, at);
            int inside = tag + (sign == '-' || sign == '+' ? 3 : 2);
            switch (type) {
                case '#' -> comment(tag, inside);
                case '{' -> code(tag, inside, Kind.PRINT_BEGIN, Kind.PRINT_END);
                default -> {
                    int raw = afterWord(inside, "raw");
                    if (raw >= 0) {
                        raw(tag, raw);
                    } else {
                        code(tag, inside, Kind.BLOCK_BEGIN, Kind.BLOCK_END);
                    }
                }
            }
            lineStarting = at > 0 && source.charAt(at - 1) == '\n';
        }
        tokens.add(new Token(Kind.END, "", lineAt(source.length())));
    }

    private int nextTag(int from) {
        for (int i = source.indexOf('{', from); i >= 0 && i + 1 < source.length(); i = source.indexOf('{', i + 1)) {
            char next = source.charAt(i + 1);
            if (next == '{' || next == '%' || next == '#') {
                return i;
            }
        }
        return -1;
    }

    private void comment(int tag, int inside) {
        int end = source.indexOf("#}", inside);
        if (end < 0) {
            throw JinjaException.template(lineAt(tag), "the comment that starts here has no end: \"#}\" is missing");
        }
        char sign = end > inside ? source.charAt(end - 1) : ' ';
        at = afterEnd(end + 2, sign, true);
    }

    /** Raw text: from {@code from}, just behind the opening tag's delimiter, to the tag {@code endraw}. */
    private void raw(int tag, int from) {
        for (int i = source.indexOf("{%", from); i >= 0; i = source.indexOf("{%", i + 1)) {
            int inside = i + 2;
            char sign = inside < source.length() ? source.charAt(inside) : ' ';
            int behind = afterWord(sign == '-' || sign == '+' ? inside + 1 : inside, "endraw");
            if (behind >= 0) {
                String body = source.substring(from, i);
                if (sign == '-') {
                    body = stripEnd(body);
                } else if (sign != '+') {
                    body = stripIndent(body, source.charAt(from - 1) == '\n');
                }
                data(body, from);
                boolean plain = source.charAt(behind - 1) == '}'
                        && source.charAt(behind - 3) != '-'
                        && source.charAt(behind - 3) != '+';
                at = plain && behind < source.length() && source.charAt(behind) == '\n' ? behind + 1 : behind;
                return;
            }
        }
        throw JinjaException.template(
                lineAt(tag), "the raw block that starts here has no end: \"{% endraw %}\" is missing");
    }

    /** Index behind {@code WORD %}} if it stands here, blanks swallowed after a minus; otherwise −1. */
    private int afterWord(int from, String word) {
        int i = skipBlanks(from);
        if (!source.startsWith(word, i)) {
            return -1;
        }
        i = skipBlanks(i + word.length());
        if (source.startsWith("-%}", i)) {
            return skipBlanks(i + 3);
        }
        if (word.equals("endraw") && source.startsWith("+%}", i)) {
            return i + 3;
        }
        return source.startsWith("%}", i) ? i + 2 : -1;
    }

    private int afterEnd(int behind, char sign, boolean trims) {
        if (sign == '-') {
            return skipBlanks(behind);
        }
        boolean newline = trims && sign != '+' && behind < source.length() && source.charAt(behind) == '\n';
        return newline ? behind + 1 : behind;
    }

    private void code(int tag, int inside, Kind begin, Kind end) {
        String close = end == Kind.BLOCK_END ? "%}" : "}}";
        add(begin, begin == Kind.BLOCK_BEGIN ? "{%" : "{{", tag);
        brackets.setLength(0);
        at = inside;
        while (true) {
            at = skipBlanks(at);
            if (at >= source.length()) {
                throw JinjaException.template(
                        lineAt(tag), "the tag that starts here has no end: \"" + close + "\" is missing");
            }
            if (brackets.isEmpty()) {
                char sign = source.charAt(at);
                boolean signed =
                        (sign == '-' || (sign == '+' && end == Kind.BLOCK_END)) && source.startsWith(close, at + 1);
                if (signed || source.startsWith(close, at)) {
                    add(end, close, at);
                    at = afterEnd(at + (signed ? 3 : 2), signed ? sign : ' ', end == Kind.BLOCK_END);
                    return;
                }
            }
            token();
        }
    }

    private void token() {
        char c = source.charAt(at);
        int start = at;
        if (c == '\'' || c == '"') {
            int end = StringLiteral.end(source, at);
            if (end < 0) {
                throw JinjaException.template(lineAt(start), "the string that starts here has no closing quote");
            }
            add(Kind.STRING, StringLiteral.value(source.substring(at + 1, end - 1), lineAt(start)), start);
            at = end;
        } else if (c >= '0' && c <= '9') {
            number();
        } else if (Character.isUnicodeIdentifierStart(source.codePointAt(at)) || c == '_') {
            int end = at;
            while (end < source.length() && wordPart(source.codePointAt(end))) {
                end += Character.charCount(source.codePointAt(end));
            }
            add(Kind.NAME, source.substring(at, end), start);
            at = end;
        } else {
            operator();
        }
    }

    private static boolean wordPart(int c) {
        return c == '_' || (Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c));
    }

    private void operator() {
        for (String operator : OPERATORS) {
            if (source.startsWith(operator, at)) {
                switch (operator) {
                    case "(" -> brackets.append(')');
                    case "[" -> brackets.append(']');
                    case "{" -> brackets.append('}');
                    case ")", "]", "}" -> {
                        int last = brackets.length() - 1;
                        if (last < 0 || brackets.charAt(last) != operator.charAt(0)) {
                            throw JinjaException.template(lineAt(at), "unexpected \"" + operator + "\"");
                        }
                        brackets.setLength(last);
                    }
                    default -> {}
                }
                add(Kind.OPERATOR, operator, at);
                at += operator.length();
                return;
            }
        }
        throw JinjaException.template(
                lineAt(at), "unexpected character \"" + Character.toString(source.codePointAt(at)) + "\"");
    }

    private void number() {
        int start = at;
        String prefix = source.substring(at, Math.min(at + 2, source.length())).toLowerCase(java.util.Locale.ROOT);
        int radix = switch (prefix) {
            case "0x" -> 16;
            case "0o" -> 8;
            case "0b" -> 2;
            default -> 10;
        };
        if (radix != 10) {
            int end = digits(at + 2, radix);
            if (end > at + 2) {
                add(Kind.INTEGER, decimal(source.substring(at + 2, end).replace("_", ""), radix), start);
                at = end;
                return;
            }
        }
        int end = digits(at, 10);
        boolean real = false;
        boolean afterDot = start > 0 && source.charAt(start - 1) == '.';
        if (!afterDot) {
            if (end + 1 < source.length() && source.charAt(end) == '.' && digits(end + 1, 10) > end + 1) {
                end = digits(end + 1, 10);
                real = true;
            }
            if (end < source.length() && (source.charAt(end) == 'e' || source.charAt(end) == 'E')) {
                int exponent = end + 1;
                if (exponent < source.length() && (source.charAt(exponent) == '+' || source.charAt(exponent) == '-')) {
                    exponent++;
                }
                if (digits(exponent, 10) > exponent) {
                    end = digits(exponent, 10);
                    real = true;
                }
            }
        }
        String written = source.substring(start, end).replace("_", "");
        add(real ? Kind.FLOAT : Kind.INTEGER, real ? written : decimal(written, 10), start);
        at = end;
    }

    private String decimal(String digits, int radix) {
        try {
            return Long.toString(Long.parseLong(digits, radix));
        } catch (NumberFormatException e) {
            throw JinjaException.template(lineAt(at), "the number " + digits + " is too large: 64 bits are supported");
        }
    }

    private int digits(int from, int radix) {
        int i = from;
        while (i < source.length()) {
            char c = source.charAt(i);
            boolean digit = c < 128 && Character.digit(c, radix) >= 0;
            boolean separator = c == '_'
                    && i > from
                    && i + 1 < source.length()
                    && source.charAt(i + 1) < 128
                    && Character.digit(source.charAt(i + 1), radix) >= 0;
            if (!digit && !separator) {
                break;
            }
            i++;
        }
        return i;
    }

    private void data(String text, int start) {
        if (!text.isEmpty()) {
            add(Kind.DATA, text, start);
        }
    }

    private void add(Kind kind, String text, int start) {
        tokens.add(new Token(kind, text, lineAt(start)));
    }

    private int lineAt(int index) {
        if (index < counted) {
            int newlines = 0;
            for (int i = index; i < counted; i++) {
                newlines += source.charAt(i) == '\n' ? 1 : 0;
            }
            return line - newlines;
        }
        for (; counted < index; counted++) {
            line += source.charAt(counted) == '\n' ? 1 : 0;
        }
        return line;
    }

    private int skipBlanks(int from) {
        int i = from;
        while (i < source.length() && Strings.space(source.charAt(i))) {
            i++;
        }
        return i;
    }

    private static String stripEnd(String text) {
        int end = text.length();
        while (end > 0 && Strings.space(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(0, end);
    }

    /** Without the blanks after the last newline, if there is nothing else behind it. */
    private static String stripIndent(String text, boolean lineStarting) {
        int start = text.lastIndexOf('\n') + 1;
        if (start == 0 && !lineStarting) {
            return text;
        }
        for (int i = start; i < text.length(); i++) {
            if (!Strings.space(text.charAt(i))) {
                return text;
            }
        }
        return text.substring(0, start);
    }
}
