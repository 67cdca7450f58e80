package dev.lectern.text.jinja;

/** A template that cannot be read or run, or that refuses what it was given. The caller knows the file and adds its name. */
public final class JinjaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Whose turn it is to act. */
    public enum Reason {
        /** The template is not well formed, fails while it runs, or needs a construct outside the subset. */
        TEMPLATE,
        /** The template called {@code raise_exception}: it does not accept this conversation. */
        REFUSED,
        /** The template would take more time, memory or depth than any honest one needs. */
        LIMIT
    }

    private final Reason reason;
    private final int line;

    JinjaException(Reason reason, int line, String message) {
        super(message);
        this.reason = reason;
        this.line = line;
    }

    static JinjaException template(int line, String message) {
        return new JinjaException(Reason.TEMPLATE, line, message);
    }

    public Reason reason() {
        return reason;
    }

    /** The line of the template, from 1; 0 where none is known. */
    public int line() {
        return line;
    }
}
