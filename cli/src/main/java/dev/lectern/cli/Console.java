package dev.lectern.cli;

import dev.lectern.LecternException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;

/**
 * The standard streams of one run. Standard output carries answers, always in UTF-8; everything else goes to standard
 * error, where on a terminal the last line may be a status that is overwritten again and again.
 */
final class Console {
    /** Whoever read standard output has gone ({@code | head}): there is nobody to tell, so the program ends quietly. */
    static final class ReaderGoneException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        ReaderGoneException(IOException cause) {
            super(cause);
        }
    }

    /** Which of the streams are terminals. */
    record Terminals(boolean in, boolean out, boolean err) {
        static final Terminals NONE = new Terminals(false, false, false);

        /** As the launcher script says: Java itself cannot tell for each stream. */
        static Terminals told(String digits) {
            return new Terminals(digits.contains("0"), digits.contains("1"), digits.contains("2"));
        }
    }

    private final StandardInput in;
    private final OutputStream out;
    private final PrintStream err;
    private final Terminals terminals;
    private final boolean colour;
    private boolean status;

    /**
     * @param out written without a buffer between, so that an answer is seen while it grows
     * @param colour whether text on a terminal may be dimmed
     */
    Console(InputStream in, OutputStream out, PrintStream err, Terminals terminals, boolean colour) {
        this(new StandardInput(in), out, err, terminals, colour);
    }

    private Console(StandardInput in, OutputStream out, PrintStream err, Terminals terminals, boolean colour) {
        this.in = in;
        this.out = out;
        this.err = err;
        this.terminals = terminals;
        this.colour = colour;
    }

    /** One without streams. */
    static Console silent() {
        return new Console(
                InputStream.nullInputStream(),
                OutputStream.nullOutputStream(),
                new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8),
                Terminals.NONE,
                false);
    }

    /** The same without standard output. */
    Console quiet() {
        return new Console(in, OutputStream.nullOutputStream(), err, terminals, colour);
    }

    StandardInput in() {
        return in;
    }

    Terminals terminals() {
        return terminals;
    }

    boolean colour() {
        return colour;
    }

    /**
     * Writes to standard output.
     *
     * @throws ReaderGoneException if it is a pipe that nobody reads any more
     * @throws LecternException of kind {@code NO_SPACE} if it is a file on a full disk
     */
    synchronized void print(String text) {
        if (text.isEmpty()) {
            return;
        }
        clearStatus();
        try {
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
        } catch (IOException e) {
            String reason = String.valueOf(e.getMessage());
            String lower = reason.toLowerCase(Locale.ROOT);
            if (lower.contains("pipe") || lower.contains("connection reset") || lower.contains("stream closed")) {
                throw new ReaderGoneException(e);
            }
            throw new LecternException(
                    LecternException.Kind.NO_SPACE,
                    "Standard output cannot be written (" + reason + "): make room, or send it elsewhere.",
                    e);
        }
    }

    void printLine(String line) {
        print(line + "\n");
    }

    /** A line on standard error. */
    synchronized void note(String line) {
        clearStatus();
        err.print(line + "\n");
        err.flush();
    }

    /** Says that a file was written. */
    void wrote(Path file) {
        note("wrote " + file);
    }

    void warn(String sentence) {
        note("lectern: warning: " + sentence);
    }

    /** Text on standard error that is less important than the answer; its lines are not ended. */
    synchronized void aside(String text) {
        clearStatus();
        err.print(colour && terminals.err() ? "\u001b[2m" + text + "\u001b[0m" : text);
        err.flush();
    }

    /** Replaces the status line; only on a terminal. */
    synchronized void status(String line) {
        if (terminals.err()) {
            err.print("\r" + line + "\u001b[K");
            err.flush();
            status = true;
        }
    }

    synchronized void clearStatus() {
        if (status) {
            err.print("\r\u001b[K");
            err.flush();
            status = false;
        }
    }
}
