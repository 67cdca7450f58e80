package dev.lectern;

import org.jspecify.annotations.Nullable;

/** A model file, tokenizer or template that is damaged, lies about itself, or needs something Lectern does not have. */
public final class BadModelFileException extends LecternException {
    private static final long serialVersionUID = 1L;

    /**
     * @param file what the user would recognise: a path, or a name such as {@code tokenizer.json}
     * @param problem the rest of the sentence: the field or tensor, the offset in bytes where one is known, what is wrong
     *     with it, and the remedy where there is one
     */
    public BadModelFileException(String file, String problem) {
        this(file, problem, null);
    }

    public BadModelFileException(String file, String problem, @Nullable Throwable cause) {
        super(Kind.BAD_MODEL_FILE, file + ": " + problem, cause);
    }
}
