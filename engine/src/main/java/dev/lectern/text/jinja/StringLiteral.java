package dev.lectern.text.jinja;

/** String literals with Python's escapes. */
final class StringLiteral {
    private StringLiteral() {}

    /** Index behind the closing quote of the literal that starts at {@code start}; −1 if it is not closed. */
    static int end(String source, int start) {
        char quote = source.charAt(start);
        for (int i = start + 1; i < source.length(); i++) {
            char c = source.charAt(i);
            if (c == '\\') {
                i++;
            } else if (c == quote) {
                return i + 1;
            }
        }
        return -1;
    }

    static String value(String body, int line) {
        if (body.indexOf('\\') < 0) {
            return body;
        }
        StringBuilder value = new StringBuilder(body.length());
        for (int i = 0; i < body.length(); i++) {
            char c = body.charAt(i);
            if (c != '\\' || i + 1 == body.length()) {
                value.append(c);
                continue;
            }
            char escape = body.charAt(++i);
            switch (escape) {
                case '\n' -> {}
                case '\\', '\'', '"' -> value.append(escape);
                case 'n' -> value.append('\n');
                case 't' -> value.append('\t');
                case 'r' -> value.append('\r');
                case 'b' -> value.append('\b');
                case 'f' -> value.append('\f');
                case 'a' -> value.append('\u0007');
                case 'v' -> value.append('\u000b');
                case 'x' -> i = hex(body, i, 2, value, line);
                case 'u' -> i = hex(body, i, 4, value, line);
                case 'U' -> i = hex(body, i, 8, value, line);
                case 'N' -> throw JinjaException.template(line, "string escapes by name (\\N{…}) are not supported");
                case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                    int code = 0;
                    int end = Math.min(i + 3, body.length());
                    while (i < end && body.charAt(i) >= '0' && body.charAt(i) <= '7') {
                        code = code * 8 + (body.charAt(i++) - '0');
                    }
                    i--;
                    value.append((char) code);
                }
                default -> value.append('\\').append(escape);
            }
        }
        return value.toString();
    }

    private static int hex(String body, int at, int digits, StringBuilder value, int line) {
        int code = 0;
        for (int i = at + 1; i <= at + digits; i++) {
            int digit = i < body.length() && body.charAt(i) < 128 ? Character.digit(body.charAt(i), 16) : -1;
            if (digit < 0 || code > 0x10FFFF) {
                throw JinjaException.template(line, "a string escape needs " + digits + " hexadecimal digits");
            }
            code = code << 4 | digit;
        }
        if (code > 0x10FFFF || code < 0) {
            throw JinjaException.template(line, "a string escape stands for no Unicode character");
        }
        value.appendCodePoint(code);
        return at + digits;
    }
}
