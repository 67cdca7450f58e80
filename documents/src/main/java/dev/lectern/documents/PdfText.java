package dev.lectern.documents;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.pdfbox.Loader;
import org.apache.pdfbox.io.MemoryUsageSetting;
import org.apache.pdfbox.io.RandomAccessRead;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.encryption.AccessPermission;
import org.apache.pdfbox.pdmodel.encryption.InvalidPasswordException;

/**
 * The text layer of a PDF, page by page; {@link PdfPages} says in which order.
 *
 * <p>The outline (bookmarks) gives the heading marks. A page without text has a mark too, so that labels are the numbers
 * that a viewer shows; see {@link Document#pagesWithoutText()}.
 *
 * <p>Permissions: a document that opens without a password is read even if its author forbids copying, as long as
 * extraction for accessibility is allowed, since Lectern reads the text to its user and does not hand it on; one that
 * forbids both is refused.
 *
 * <p>Limits: what the parser unpacks goes to a temporary file beyond 64 MiB, of at most 2 GiB; the work per page and the text in all are
 * bounded in {@link PdfPages}; deep recursion and lack of memory inside the parser end in a refusal.
 */
final class PdfText {
    private static final long BUFFER_BYTES = 64L << 20;
    private static final long SCRATCH_BYTES = 2L << 30;

    /** The header may stand behind a little of something else, PDF 1.7 specification, appendix H, note 13. */
    private static final int HEADER_WITHIN = 1024;

    /** Twice what the same appendix asks of readers, note 18. */
    private static final int END_WITHIN = 2048;

    /**
     * The parser reports every oddity to its log, and by default that is the user's terminal; what matters to a user is in
     * our exceptions. The loggers are held because the log manager forgets those that nobody holds. A level that the
     * program around us has chosen is left alone.
     */
    private static final List<Logger> QUIET =
            List.of(Logger.getLogger("org.apache.pdfbox"), Logger.getLogger("org.apache.fontbox"));

    static {
        for (Logger logger : QUIET) {
            if (logger.getLevel() == null) {
                logger.setLevel(Level.OFF);
            }
        }
        BundledFont.install();
    }

    private PdfText() {}

    /**
     * @param source the document, closed at the end
     * @param start at least its first {@link Format#HEAD_BYTES}
     */
    static Document read(
            String name, RandomAccessRead source, byte[] start, Progress progress, Cancellation cancellation) {
        int looked = Math.min(start.length, HEADER_WITHIN);
        if (!new String(start, 0, looked, StandardCharsets.ISO_8859_1).contains("%PDF-")) {
            String remedy = Format.looksLikeHtml(start)
                    ? "it is a web page, perhaps an error page of a download: look at it in a browser and fetch it again."
                    : "it is damaged or has the wrong ending: fetch it again, or rename it.";
            throw Documents.refused(name, "this is called a PDF but does not begin like one; " + remedy);
        }
        try (source) {
            refuseCut(name, source);
            return pages(name, source, progress, cancellation);
        } catch (InvalidPasswordException e) {
            throw new LecternException(
                    LecternException.Kind.BAD_DOCUMENT,
                    name
                            + ": this PDF is encrypted and opens with a password only; make a copy without it, for example:"
                            + " qpdf --decrypt --password=PASSWORD FILE NEW.pdf",
                    e);
        } catch (OutOfMemoryError e) {
            throw new LecternException(
                    LecternException.Kind.NO_MEMORY,
                    name
                            + ": a part of this PDF needs more memory than there is (%d MiB); it is damaged or made to do harm"
                                    .formatted(Runtime.getRuntime().maxMemory() >> 20)
                            + ", or Java needs a larger heap (-Xmx).",
                    e);
        } catch (LecternException e) {
            throw e;
        } catch (IOException | RuntimeException | StackOverflowError e) {
            throw new LecternException(
                    LecternException.Kind.BAD_DOCUMENT,
                    name + ": this PDF is damaged (" + reason(e)
                            + "); fetch it again, or let another program rewrite it,"
                            + " for example: qpdf FILE NEW.pdf",
                    e);
        }
    }

    private static Document pages(String name, RandomAccessRead source, Progress progress, Cancellation cancellation)
            throws IOException {
        var cache = MemoryUsageSetting.setupMixed(BUFFER_BYTES, SCRATCH_BYTES).streamCache;
        try (PDDocument pdf = Loader.loadPDF(source, "", cache)) {
            refuseForbidden(name, pdf.getCurrentAccessPermission());
            Document document = new PdfPages(name, pdf, progress, cancellation).read();
            if (TextBytes.isBlank(document.text(), 0, document.text().length())) {
                throw Documents.refused(
                        name,
                        "this PDF has no text layer, its pages are pictures (a scan); add one with text recognition, for"
                                + " example: ocrmypdf FILE NEW.pdf");
            }
            return document;
        }
    }

    /**
     * A PDF ends with a line that says so. The parser can piece together one that was cut off before it, but then pages may
     * be missing without a trace.
     */
    private static void refuseCut(String name, RandomAccessRead source) throws IOException {
        byte[] end = new byte[(int) Math.min(source.length(), END_WITHIN)];
        source.seek(source.length() - end.length);
        int read = 0;
        while (read < end.length) {
            int more = source.read(end, read, end.length - read);
            if (more <= 0) {
                break;
            }
            read += more;
        }
        source.seek(0);
        if (!new String(end, StandardCharsets.ISO_8859_1).contains("%%EOF")) {
            throw Documents.refused(
                    name,
                    "this PDF has no end mark (%%EOF), so it was cut short or damaged and pages may be missing; fetch it again,"
                            + " or save what is left: qpdf FILE NEW.pdf");
        }
    }

    private static void refuseForbidden(String name, AccessPermission permission) {
        if (!permission.canExtractContent() && !permission.canExtractForAccessibility()) {
            throw Documents.refused(
                    name,
                    "the author of this PDF forbids extracting its text, for reading aloud too; ask for a copy that allows"
                            + " it.");
        }
    }

    private static String reason(Throwable e) {
        String message = e instanceof IOException ? e.getMessage() : null;
        if (message == null || message.isBlank()) {
            return e instanceof StackOverflowError ? "nested too deeply" : "an impossible value inside";
        }
        String line = TextBytes.clean(message).lines().findFirst().orElse("").strip();
        return line.length() <= 160 ? line : line.substring(0, 160) + "…";
    }
}
