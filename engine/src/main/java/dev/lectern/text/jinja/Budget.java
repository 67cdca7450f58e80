package dev.lectern.text.jinja;

/**
 * What one rendering may cost. Steps are visits of a node, elements of a list handled, and every 64 characters scanned;
 * characters are those of every string built on the way, not of the result alone, so that neither time nor memory can
 * run away. The line that is being run is kept here too, for the sentences of errors.
 */
final class Budget {
    static final long STEPS = 4_000_000;
    static final long CHARS = 64L << 20;
    /** Templates copy a content a few times on its way to the result: this often at most, beyond {@link #CHARS}. */
    static final int COPIES_OF_INPUT = 24;
    /** Nested nodes, calls of macros included: about 1 KB of Java stack each. */
    static final int DEPTH = 300;
    /** Nesting of values that are printed or compared. */
    static final int VALUE_DEPTH = 100;

    private long steps;
    private long chars;
    private int depth;
    private int line;

    Budget(long inputChars) {
        steps = STEPS + inputChars / 8;
        chars = CHARS + COPIES_OF_INPUT * inputChars;
    }

    int line() {
        return line;
    }

    void at(int newLine) {
        line = newLine;
    }

    void enter() {
        if (++depth > DEPTH) {
            throw limit("expressions, blocks and macro calls nest more than " + DEPTH + " deep");
        }
        steps(1);
    }

    void leave() {
        depth--;
    }

    void steps(long count) {
        steps -= count;
        if (steps < 0) {
            throw limit("it takes more than " + STEPS + " steps");
        }
    }

    /** Refuses what would take more steps than are left, before it is begun. */
    void affords(long count) {
        if (count > steps) {
            throw limit("it takes more than " + STEPS + " steps");
        }
    }

    void scan(long length) {
        steps(1 + length / 64);
    }

    void chars(long count) {
        chars -= count;
        if (chars < 0) {
            throw limit("it builds more than " + CHARS + " characters of text");
        }
    }

    void valueDepth(int nested) {
        if (nested > VALUE_DEPTH) {
            throw limit("a list or dict is nested more than " + VALUE_DEPTH + " deep");
        }
    }

    JinjaException limit(String what) {
        return new JinjaException(JinjaException.Reason.LIMIT, line, what);
    }

    JinjaException error(String message) {
        return JinjaException.template(line, message);
    }
}
