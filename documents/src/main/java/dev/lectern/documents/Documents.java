package dev.lectern.documents;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import org.apache.pdfbox.io.RandomAccessReadBuffer;
import org.apache.pdfbox.io.RandomAccessReadBufferedFile;

/**
 * Reads documents into text: {@code .txt}, {@code .md}, {@code .html}, {@code .htm}, {@code .xhtml}, {@code .pdf}, and
 * anything else whose first bytes say that it is one of these.
 *
 * <p>A document that cannot be read as text is refused with an exception of kind {@code BAD_DOCUMENT} whose message
 * names the document, the reason and a remedy: empty, binary, not UTF-8, encrypted, scanned without a text layer, damaged, a
 * folder, without permission, or too large (64 MiB of text or HTML, 512 MiB of PDF). A missing file is {@code NOT_FOUND}.
 */
public final class Documents {
    private static final String STANDARD_INPUT = "standard input";

    private Documents() {}

    /** Like {@link #read(Path, Progress, Cancellation)}, without a report and without a way to stop. */
    public static Document read(Path path) {
        return read(path, Progress.NONE, new Cancellation());
    }

    /** Like {@link #read(InputStream, String, Progress, Cancellation)}, without a report and without a way to stop. */
    public static Document read(InputStream in, String name) {
        return read(in, name, Progress.NONE, new Cancellation());
    }

    /**
     * Reads one document.
     *
     * @param path the file; {@code -} reads standard input to its end (a file of that name is {@code ./-})
     * @param progress told the pages done and in all while a PDF is read; the other formats take no time worth telling
     * @param cancellation looked at between the operations of a page
     * @throws LecternException as the class comment says; {@code CANCELLED} if it was asked to stop
     */
    public static Document read(Path path, Progress progress, Cancellation cancellation) {
        String name = path.toString();
        if (name.equals("-")) {
            return read(System.in, STANDARD_INPUT, progress, cancellation);
        }
        try {
            var attributes = Files.readAttributes(path, BasicFileAttributes.class);
            if (attributes.isDirectory()) {
                throw refused(name, "this is a folder, not a document; name the files in it instead.");
            }
            // Pipes and devices have no size and cannot be read twice.
            if (attributes.isRegularFile()) {
                Format format = Format.of(name, head(path));
                refuseLarge(name, format, attributes.size());
                if (format == Format.PDF && attributes.size() > 0) {
                    var source = new RandomAccessReadBufferedFile(path);
                    return PdfText.read(name, source, head(path), progress, cancellation);
                }
            }
            try (InputStream in = Files.newInputStream(path)) {
                return read(in, name, progress, cancellation);
            }
        } catch (NoSuchFileException | NotDirectoryException e) {
            throw new LecternException(LecternException.Kind.NOT_FOUND, NearMiss.message(path), e);
        } catch (AccessDeniedException e) {
            throw new LecternException(
                    LecternException.Kind.BAD_DOCUMENT,
                    name + ": may not be read by this user; its owner can allow it (chmod +r FILE).",
                    e);
        } catch (IOException e) {
            throw unreadable(name, e);
        }
    }

    /**
     * Reads one document from a stream, to its end; the stream is not closed.
     *
     * @param name what the document is called in messages; its ending tells the format, without one the first bytes do
     * @param progress as for {@link #read(Path, Progress, Cancellation)}
     * @param cancellation as for {@link #read(Path, Progress, Cancellation)}
     * @throws LecternException as the class comment says; {@code CANCELLED} if it was asked to stop
     */
    public static Document read(InputStream in, String name, Progress progress, Cancellation cancellation) {
        byte[] bytes;
        Format format;
        try {
            byte[] head = in.readNBytes(Format.HEAD_BYTES);
            format = Format.of(name, head);
            int atMost = Math.toIntExact(format.limitBytes() + 1);
            bytes = new SequenceInputStream(new ByteArrayInputStream(head), in).readNBytes(atMost);
        } catch (IOException e) {
            throw unreadable(name, e);
        }
        cancellation.check();
        refuseLarge(name, format, bytes.length);
        if (bytes.length == 0) {
            throw refused(name, "the document is empty.");
        }
        try {
            return switch (format) {
                case PDF -> PdfText.read(name, new RandomAccessReadBuffer(bytes), bytes, progress, cancellation);
                case HTML -> HtmlText.read(name, bytes);
                case MARKDOWN -> MarkdownText.read(name, seen(name, TextBytes.decode(name, bytes)));
                case TEXT -> new Document(name, seen(name, TextBytes.decode(name, bytes)), List.of());
            };
        } catch (StackOverflowError e) {
            throw new LecternException(
                    LecternException.Kind.BAD_DOCUMENT,
                    name + ": the document is nested too deeply to be read; it is damaged, or made to do harm.",
                    e);
        }
    }

    /** The refusal of a document: its name and the rest of the sentence. */
    static LecternException refused(String name, String problem) {
        return new LecternException(LecternException.Kind.BAD_DOCUMENT, name + ": " + problem);
    }

    private static String seen(String name, String text) {
        if (TextBytes.isBlank(text, 0, text.length())) {
            throw refused(name, "the document holds nothing but white space.");
        }
        return text;
    }

    private static byte[] head(Path path) throws IOException {
        try (InputStream in = Files.newInputStream(path)) {
            return in.readNBytes(Format.HEAD_BYTES);
        }
    }

    private static void refuseLarge(String name, Format format, long bytes) {
        if (bytes > format.limitBytes()) {
            throw refused(
                    name,
                    "the document is larger than %d MiB, the most that is read of %s; split it into parts."
                            .formatted(format.limitBytes() >> 20, format == Format.PDF ? "a PDF" : "a text"));
        }
    }

    private static LecternException unreadable(String name, IOException cause) {
        return new LecternException(
                LecternException.Kind.BAD_DOCUMENT, name + ": cannot be read: " + cause.getMessage() + ".", cause);
    }
}
