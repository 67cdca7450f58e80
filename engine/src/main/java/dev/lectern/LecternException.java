package dev.lectern;

import org.jspecify.annotations.Nullable;

/**
 * Something that a user can understand and act on. The message is a sentence that says what was wrong, where (the file,
 * the offset, the option) and what would fix it; a program decides by {@link #kind()}.
 */
public class LecternException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What went wrong, as a stable name, and whose turn it is to act. */
    public enum Kind {
        /** A model file, tokenizer or template that is damaged, lies about itself or is not supported. */
        BAD_MODEL_FILE("bad-model-file", 1),
        /** An option or argument that cannot be used as given. */
        BAD_OPTION("bad-option", 2),
        /** A document that cannot be read as text: empty, binary, encrypted, not in the encoding it claims. */
        BAD_DOCUMENT("bad-document", 2),
        /** A prompt that is longer than the model's context. */
        TOO_LONG("too-long", 2),
        /** A file, model or name that does not exist. */
        NOT_FOUND("not-found", 2),
        /** Not enough memory for what was asked. */
        NO_MEMORY("no-memory", 1),
        /** Not enough room on a disk. */
        NO_SPACE("no-space", 1),
        /** No source could be reached. */
        NO_NETWORK("no-network", 1),
        /** One of several ranks that work together failed, vanished or was waited for in vain. */
        LOST_HOST("lost-host", 1),
        /** Bytes that do not have the checksum they should have. */
        CHECKSUM("checksum", 1),
        /** Stopped because the user asked for it. */
        CANCELLED("cancelled", 130),
        /** A fault of Lectern itself. */
        INTERNAL("internal", 1);

        private final String code;
        private final int exitCode;

        Kind(String code, int exitCode) {
            this.code = code;
            this.exitCode = exitCode;
        }

        /** The stable kebab-case name, as printed under {@code --json}. */
        public String code() {
            return code;
        }

        /** The exit code of a command that ends with this error: 1 failure, 2 the user's input, 130 interrupted. */
        public int exitCode() {
            return exitCode;
        }
    }

    private final Kind kind;

    public LecternException(Kind kind, String message) {
        this(kind, message, null);
    }

    public LecternException(Kind kind, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    public final Kind kind() {
        return kind;
    }
}
