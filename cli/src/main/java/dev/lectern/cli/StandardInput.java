package dev.lectern.cli;

import dev.lectern.LecternException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/** Text from standard input and from files: UTF-8, and nothing else is taken for it. */
final class StandardInput {
    private static final String NAME = "standard input";

    /** The longest text that is read, in bytes: some 16 million tokens. */
    private static final int MOST_BYTES = 64 << 20;

    private final InputStream in;
    private long offset;

    StandardInput(InputStream in) {
        this.in = new BufferedInputStream(in);
    }

    /** The stream itself, for what is not text. */
    InputStream stream() {
        return in;
    }

    /** Everything that is left. */
    String all() {
        return readAll(in, NAME);
    }

    /** The next line without its end, the first without a byte order mark; empty at the end of the input. */
    Optional<String> line() {
        try {
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            int b = in.read();
            if (b < 0) {
                return Optional.empty();
            }
            for (; b >= 0 && b != '\n'; b = in.read()) {
                line.write(b);
                if (line.size() > MOST_BYTES) {
                    throw tooLarge(NAME);
                }
            }
            String text = decode(line.toByteArray(), NAME, offset);
            if (offset == 0) {
                text = withoutMark(text);
            }
            offset += line.size() + 1;
            return Optional.of(text.endsWith("\r") ? text.substring(0, text.length() - 1) : text);
        } catch (IOException e) {
            throw unreadable(NAME, e);
        }
    }

    /** The text of a file, exactly; {@code -} is standard input. */
    String file(String name) {
        if (name.equals("-")) {
            return all();
        }
        try (InputStream file = Files.newInputStream(Path.of(name))) {
            return readAll(file, name);
        } catch (NoSuchFileException e) {
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND, name + ": there is no such file; correct the path.", e);
        } catch (IOException | IllegalArgumentException e) {
            throw unreadable(name, e);
        }
    }

    /** A text without the byte order mark that some editors put in front; no part of what is asked. */
    static String withoutMark(String text) {
        return text.startsWith("\uFEFF") ? text.substring(1) : text;
    }

    private static String readAll(InputStream in, String name) {
        try {
            byte[] bytes = in.readNBytes(MOST_BYTES + 1);
            if (bytes.length > MOST_BYTES) {
                throw tooLarge(name);
            }
            return decode(bytes, name, 0);
        } catch (IOException e) {
            throw unreadable(name, e);
        }
    }

    private static String decode(byte[] bytes, String name, long before) {
        CharsetDecoder decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        ByteBuffer from = ByteBuffer.wrap(bytes);
        CharBuffer to = CharBuffer.allocate(bytes.length);
        CoderResult result = decoder.decode(from, to, true);
        if (result.isError()) {
            throw new LecternException(
                    LecternException.Kind.BAD_DOCUMENT,
                    name + ": the text is not UTF-8 from byte " + (before + from.position())
                            + " on: convert it first (iconv -f ENCODING -t UTF-8).");
        }
        return to.flip().toString();
    }

    private static LecternException tooLarge(String name) {
        return new LecternException(
                LecternException.Kind.BAD_DOCUMENT,
                name + ": the text is larger than " + (MOST_BYTES >> 20) + " MiB, the most that is read; split it.");
    }

    private static LecternException unreadable(String name, Exception cause) {
        return new LecternException(
                LecternException.Kind.BAD_DOCUMENT, name + ": cannot be read: " + cause.getMessage() + ".", cause);
    }
}
