package dev.lectern.measure;

/** Fields of comma-separated values (RFC 4180). */
final class Csv {
    private Csv() {}

    /** A text as a field: in quotes where it would end the field otherwise. */
    static String field(String text) {
        boolean plain = text.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
        return plain ? text : '"' + text.replace("\"", "\"\"") + '"';
    }
}
