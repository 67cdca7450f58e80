package dev.lectern.json;

import org.jspecify.annotations.Nullable;

/** Text that is not JSON. The message says what is wrong and where; the caller knows the file and adds its name. */
public final class MalformedJsonException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    MalformedJsonException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
