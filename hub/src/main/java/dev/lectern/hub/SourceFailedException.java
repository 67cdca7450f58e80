package dev.lectern.hub;

import dev.lectern.LecternException;

/** One source cannot give the model; the next may. The message is a clause that follows the source's name. */
final class SourceFailedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final LecternException.Kind kind;

    SourceFailedException(LecternException.Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    LecternException.Kind kind() {
        return kind;
    }

    /** The message, which is never absent. */
    String reason() {
        return String.valueOf(getMessage());
    }
}
