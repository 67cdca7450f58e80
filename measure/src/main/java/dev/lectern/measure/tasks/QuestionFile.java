package dev.lectern.measure.tasks;

import dev.lectern.LecternException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * Questions of a file, one JSON object a line, with the members of LongBench (arXiv 2308.14508), InfiniteBench (arXiv 2402.13718) or LongBench v2 (arXiv 2412.15204). Texts that are the same in
 * several lines are held once.
 *
 * @param name of the file, without its folder
 * @param sha256 of its bytes
 * @param questions in the order of the file; at least one
 */
public record QuestionFile(String name, String sha256, List<Question> questions) {
    /** The longest line, in bytes: a text of some 16 million tokens. */
    private static final int MOST_BYTES = 64 << 20;

    private static final int CHUNK = 1 << 16;
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    public QuestionFile {
        questions = List.copyOf(questions);
    }

    /**
     * Reads and checks a whole file.
     *
     * @throws LecternException of kind {@code NOT_FOUND} if there is no such file; {@code BAD_DOCUMENT} with the line and what is wrong with it, or if there is no question at all
     */
    public static QuestionFile read(Path file) {
        return read(file, MOST_BYTES);
    }

    /** @param mostBytes of a line */
    static QuestionFile read(Path file, int mostBytes) {
        try (InputStream in = Files.newInputStream(file)) {
            Lines lines = new Lines(file, mostBytes);
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] chunk = new byte[CHUNK];
            for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
                digest.update(chunk, 0, read);
                lines.add(chunk, read);
            }
            lines.end();
            if (lines.questions.isEmpty()) {
                throw new LecternException(
                        LecternException.Kind.BAD_DOCUMENT,
                        file + ": there is no question in it; write one JSON object on each line.");
            }
            Path name = file.getFileName();
            return new QuestionFile(
                    name == null ? file.toString() : name.toString(),
                    HexFormat.of().formatHex(digest.digest()),
                    lines.questions);
        } catch (NoSuchFileException e) {
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND, file + ": there is no such file; correct the path.", e);
        } catch (IOException e) {
            throw new LecternException(
                    LecternException.Kind.BAD_DOCUMENT, file + ": cannot be read: " + e.getMessage() + ".", e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }

    /** Cuts bytes into lines, and makes questions of them. */
    private static final class Lines {
        private final Path file;
        private final int mostBytes;
        private final ByteArrayOutputStream line = new ByteArrayOutputStream();
        private final Map<String, String> contexts = new HashMap<>();
        private final List<Question> questions = new ArrayList<>();
        private int number = 1;

        Lines(Path file, int mostBytes) {
            this.file = file;
            this.mostBytes = mostBytes;
        }

        void add(byte[] bytes, int length) {
            int from = 0;
            for (int i = 0; i < length; i++) {
                if (bytes[i] == '\n') {
                    grow(bytes, from, i);
                    end();
                    number++;
                    from = i + 1;
                }
            }
            grow(bytes, from, length);
        }

        private void grow(byte[] bytes, int from, int to) {
            line.write(bytes, from, to - from);
            if (line.size() > mostBytes) {
                throw bad("is longer than " + mostBytes + " bytes, the most of a line: shorten its context");
            }
        }

        /** The line is whole. */
        void end() {
            String text = text(line.toByteArray());
            line.reset();
            if (number == 1 && text.startsWith(BYTE_ORDER_MARK)) {
                text = text.substring(1);
            }
            if (!text.isBlank()) {
                try {
                    questions.add(QuestionLine.parse(
                            text, number, context -> contexts.computeIfAbsent(context, same -> same)));
                } catch (IllegalArgumentException e) {
                    throw bad(e.getMessage() + ": correct the line, or take it away");
                }
            }
        }

        private String text(byte[] bytes) {
            CharsetDecoder decoder = StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT);
            ByteBuffer from = ByteBuffer.wrap(bytes);
            CharBuffer to = CharBuffer.allocate(bytes.length);
            if (decoder.decode(from, to, true).isError()) {
                throw bad("is not UTF-8 from its byte " + from.position()
                        + " on: convert the file first (iconv -f ENCODING -t UTF-8)");
            }
            return to.flip().toString();
        }

        private LecternException bad(String what) {
            return new LecternException(
                    LecternException.Kind.BAD_DOCUMENT, file + ", line " + number + ": " + what + ".");
        }
    }
}
