package dev.lectern.documents;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.apache.pdfbox.cos.COSName;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.PDPage;
import org.apache.pdfbox.pdmodel.common.PDRectangle;
import org.apache.pdfbox.pdmodel.common.PDStream;
import org.apache.pdfbox.pdmodel.encryption.AccessPermission;
import org.apache.pdfbox.pdmodel.interactive.documentnavigation.outline.PDDocumentOutline;
import org.apache.pdfbox.pdmodel.interactive.pagenavigation.PDThreadBead;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class PdfTextTest {
    private static Document read(PDDocument pdf) {
        return read(PdfSamples.bytes(pdf));
    }

    private static Document read(byte[] bytes) {
        return Documents.read(new ByteArrayInputStream(bytes), "book.pdf");
    }

    private static LecternException refusal(byte[] bytes) {
        return catchThrowableOfType(LecternException.class, () -> read(bytes));
    }

    @Test
    void pagesAndOutlineBecomeMarks() {
        Document book = read(PdfSamples.book());
        assertThat(book.text())
                .isEqualTo("The Tower\nIt was built of granite.\nNobody remembers why.\n\n"
                        + "It has a stair of 212 steps.\n\n"
                        + "The Keepers\nThere were three.\nTheir duties\nThey trimmed the wick.");
        int stair = book.text().indexOf("212");
        int wick = book.text().indexOf("wick");
        assertThat(book.pageAt(stair)).get().extracting(Mark::label).isEqualTo("2");
        assertThat(book.pageAt(wick)).get().extracting(Mark::label).isEqualTo("3");
        assertThat(book.headingsAt(stair)).extracting(Mark::label).containsExactly("The Tower");
        assertThat(book.headingsAt(wick)).extracting(Mark::label).containsExactly("The Keepers", "Their duties");
        assertThat(book.headingsAt(wick).getLast().offset())
                .isEqualTo(book.text().indexOf("Their duties"));
        assertThat(book.pagesWithoutText()).isEmpty();
    }

    @Test
    void columnsAreReadOneAfterTheOther() {
        var left = PdfSamples.column(60, "In the left column", "stands the begin-", "ning of the text,");
        var right = PdfSamples.column(320, "and in the right one", "stands the end", "of it.");
        var lines = new ArrayList<>(left);
        lines.addAll(right);
        assertThat(read(PdfSamples.document(lines)).text().split("\n+"))
                .containsExactly(
                        "In the left column",
                        "stands the begin-",
                        "ning of the text,",
                        "and in the right one",
                        "stands the end",
                        "of it.");
    }

    private static PDThreadBead bead(float x, float y, float width, float height) {
        var bead = new PDThreadBead();
        bead.setRectangle(new PDRectangle(x, y, width, height));
        return bead;
    }

    @Test
    void articlesThatTheAuthorHasMarkedAreReadOneAfterTheOther() {
        var left = PdfSamples.column(60, "one", "two", "three");
        var right = PdfSamples.column(320, "four", "five", "six");
        var acrossBoth = new ArrayList<PdfSamples.Line>();
        for (int i = 0; i < left.size(); i++) {
            acrossBoth.add(left.get(i));
            acrossBoth.add(right.get(i));
        }
        PDDocument pdf = PdfSamples.document(acrossBoth);
        pdf.getPage(0).setThreadBeads(List.of(bead(50, 0, 200, 842), bead(310, 0, 200, 842)));
        assertThat(read(pdf).text().split("\n+")).containsExactly("one", "two", "three", "four", "five", "six");
    }

    @Test
    @Timeout(60)
    void aPageOfManyBeadsIsReadAsIfItHadNone() {
        PDDocument pdf = PdfSamples.document(List.of(new PdfSamples.Line(60, 700, "a".repeat(300_000))));
        pdf.getPage(0).setThreadBeads(Collections.nCopies(200_000, bead(0, 0, 1, 1)));
        assertThat(read(pdf).text().replaceAll("\\s", "")).hasSize(300_000);
    }

    @Test
    void aPageDrawnAtRandomIsSortedFromTopToBottom() {
        var inOrder = new ArrayList<PdfSamples.Line>();
        for (int i = 0; i < 40; i++) {
            inOrder.add(new PdfSamples.Line(60, 780 - 14f * i, "line number " + i));
        }
        var drawn = new ArrayList<PdfSamples.Line>();
        for (int i = 0; i < 40; i++) {
            drawn.add(inOrder.get(i * 17 % 40));
        }
        assertThat(read(PdfSamples.document(drawn)).text())
                .isEqualTo(read(PdfSamples.document(inOrder)).text());
    }

    @Test
    void aWiderGapBetweenLinesPartsParagraphs() {
        var lines = List.of(
                new PdfSamples.Line(60, 700, "The first paragraph"),
                new PdfSamples.Line(60, 686, "has two lines."),
                new PdfSamples.Line(60, 640, "The second has one."));
        assertThat(read(PdfSamples.document(lines)).text())
                .isEqualTo("The first paragraph\nhas two lines.\n\nThe second has one.");
    }

    @Test
    void pagesWithoutTextKeepTheirNumbersAndAreNamed() {
        PDDocument pdf = PdfSamples.document(PdfSamples.column(60, "first"));
        PdfSamples.addPicture(pdf);
        pdf.addPage(new PDPage());
        PdfSamples.addPage(pdf, content -> {
            content.beginText();
            content.setFont(PdfSamples.font(), 11);
            content.newLineAtOffset(60, 700);
            content.showText("fourth");
            content.endText();
        });
        pdf.addPage(new PDPage());
        Document read = read(pdf);
        assertThat(read.text()).isEqualTo("first\n\nfourth");
        assertThat(read.pageAt(read.text().indexOf("fourth")))
                .get()
                .extracting(Mark::label)
                .isEqualTo("4");
        assertThat(read.marks()).hasSize(5);
        assertThat(read.pagesWithoutText()).extracting(Mark::label).containsExactly("2", "3", "5");
    }

    @Test
    void progressCountsPagesAndCancellationStops() {
        byte[] book = PdfSamples.bytes(PdfSamples.book());
        var told = new ArrayList<String>();
        Documents.read(
                new ByteArrayInputStream(book), "-", (done, total) -> told.add(done + "/" + total), new Cancellation());
        assertThat(told).containsExactly("1/3", "2/3", "3/3");
        var stop = new Cancellation();
        Progress stopAtOne = (done, total) -> stop.cancel();
        assertThatThrownBy(() -> Documents.read(new ByteArrayInputStream(book), "book.pdf", stopAtOne, stop))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED));
    }

    @Test
    void aPasswordIsAskedForInASentence() {
        PDDocument pdf = PdfSamples.book();
        PdfSamples.protect(pdf, "secret", new AccessPermission());
        LecternException refusal = refusal(PdfSamples.bytes(pdf));
        assertThat(refusal.kind()).isEqualTo(LecternException.Kind.BAD_DOCUMENT);
        assertThat(refusal)
                .hasMessageStartingWith("book.pdf: ")
                .hasMessageContainingAll("encrypted", "password", "qpdf");
    }

    @Test
    void aDocumentThatOnlyForbidsCopyingIsRead() {
        PDDocument pdf = PdfSamples.book();
        var permission = new AccessPermission();
        permission.setCanExtractContent(false);
        PdfSamples.protect(pdf, "", permission);
        assertThat(read(pdf).text()).contains("212 steps");
    }

    @Test
    void aDocumentThatForbidsReadingAloudTooIsRefused() {
        PDDocument pdf = PdfSamples.book();
        var permission = new AccessPermission();
        permission.setCanExtractContent(false);
        permission.setCanExtractForAccessibility(false);
        PdfSamples.protect(pdf, "", permission);
        assertThat(refusal(PdfSamples.bytes(pdf))).hasMessageContaining("forbids extracting");
    }

    @Test
    void aScanIsRefusedWithARemedy() {
        var pdf = new PDDocument();
        PdfSamples.addPicture(pdf);
        assertThat(refusal(PdfSamples.bytes(pdf))).hasMessageContainingAll("no text layer", "ocrmypdf");
    }

    @Test
    void whatIsNoPdfIsRefusedWhateverItsName() {
        assertThat(refusal("<!DOCTYPE html><title>404</title>".getBytes(US_ASCII)))
                .hasMessageContaining("web page");
        assertThat(refusal("Dear reader".getBytes(US_ASCII))).hasMessageContaining("does not begin like one");
    }

    @Test
    void aPdfIsReadWhateverItsName(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("download.txt");
        Files.write(file, PdfSamples.bytes(PdfSamples.book()));
        assertThat(Documents.read(file).text()).contains("212 steps");
        assertThat(Documents.read(file).name()).isEqualTo(file.toString());
    }

    @Test
    void aPdfThatWasCutShortIsRefusedOrWhole() {
        for (byte[] whole : List.of(PdfSamples.bytes(PdfSamples.book()), PdfSamples.plainBytes(PdfSamples.book()))) {
            for (int length = 0; length < whole.length; length += 37) {
                byte[] cut = Arrays.copyOf(whole, length);
                try {
                    assertThat(read(cut).text()).as("cut at " + length).contains("212 steps", "wick");
                } catch (LecternException e) {
                    assertThat(e.kind()).isEqualTo(LecternException.Kind.BAD_DOCUMENT);
                    assertThat(e).hasMessageStartingWith("book.pdf: ");
                }
            }
        }
    }

    @Test
    void aDeclaredPageThatIsMissingIsNotPassedOver() {
        String source = new String(PdfSamples.plainBytes(PdfSamples.book()), ISO_8859_1);
        String lying = source.replaceFirst("/Count 3", "/Count 7");
        assertThat(lying).isNotEqualTo(source);
        assertThat(refusal(lying.getBytes(ISO_8859_1))).hasMessageContainingAll("declares 7 pages", "only 3");
    }

    @Test
    void aCircularOutlineEnds() {
        PDDocument pdf = PdfSamples.document(PdfSamples.column(60, "The Tower"));
        var outline = new PDDocumentOutline();
        var item = PdfSamples.entry("The Tower", pdf.getPage(0));
        outline.addLast(item);
        item.getCOSObject().setItem("Next", item.getCOSObject());
        item.getCOSObject().setItem("First", item.getCOSObject());
        pdf.getDocumentCatalog().setDocumentOutline(outline);
        assertThat(read(pdf).headingsAt(3)).extracting(Mark::label).containsExactly("The Tower");
    }

    @Test
    void aLongTitleIsCutAndFound() {
        String line = "The Tower and its stair of 212 steps ".repeat(10);
        PDDocument pdf = PdfSamples.document(PdfSamples.column(60, "Before", line));
        var outline = new PDDocumentOutline();
        outline.addLast(PdfSamples.entry("\uD83D\uDDFC".repeat(150), pdf.getPage(0)));
        outline.addLast(PdfSamples.entry(line, pdf.getPage(0)));
        pdf.getDocumentCatalog().setDocumentOutline(outline);
        Document read = read(pdf);
        List<Mark> headings = read.marks().stream()
                .filter(mark -> mark.kind() == Mark.Kind.HEADING)
                .toList();
        assertThat(headings)
                .extracting(Mark::label)
                .containsExactly(
                        "\uD83D\uDDFC".repeat(100), line.substring(0, 200).strip());
        assertThat(headings.getLast().offset()).isEqualTo(read.text().indexOf("The Tower"));
    }

    @Test
    @Timeout(60)
    void longTitlesThatAreNowhereOnALongPageAreSoughtForSecondsOnly() {
        PDDocument pdf = PdfSamples.document(List.of(new PdfSamples.Line(60, 700, "a".repeat(200_000))));
        var outline = new PDDocumentOutline();
        for (int i = 0; i < 1000; i++) {
            outline.addLast(PdfSamples.entry("a".repeat(i % 2 == 0 ? 5000 : 199) + "b", pdf.getPage(0)));
        }
        pdf.getDocumentCatalog().setDocumentOutline(outline);
        assertThat(read(pdf).marks()).hasSize(1001).extracting(Mark::offset).containsOnly(0);
    }

    @Test
    void cancellationStopsBetweenTheEntriesOfAnOutline() {
        byte[] book = PdfSamples.bytes(PdfSamples.book());
        var stop = new Cancellation();
        Progress stopAtLast = (done, total) -> {
            if (done == total) {
                stop.cancel();
            }
        };
        assertThatThrownBy(() -> Documents.read(new ByteArrayInputStream(book), "book.pdf", stopAtLast, stop))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED));
    }

    @Test
    @Timeout(60)
    void formsThatDrawEachOtherTwiceAreStopped() throws IOException {
        assertThat(refusal(PdfSamples.bytes(PdfSamples.doublingForms(40)))).hasMessageContaining("too many operations");
    }

    @Test
    @Timeout(60)
    void aSmallStreamThatUnpacksToGigabytesIsStopped() throws IOException {
        var pdf = new PDDocument();
        PDPage page = PdfSamples.addPage(pdf, content -> {});
        var contents = new PDStream(pdf);
        try (var out = contents.createOutputStream(COSName.FLATE_DECODE)) {
            byte[] spaces = " ".repeat(1 << 20).getBytes(US_ASCII);
            for (int i = 0; i < 300; i++) {
                out.write(spaces);
            }
        }
        page.setContents(contents);
        assertThat(refusal(PdfSamples.bytes(pdf))).hasMessageContaining("too many bytes, once unpacked");
    }

    @Test
    void theParserIsSilent() {
        var heard = new ArrayList<String>();
        var listener = new Handler() {
            @Override
            public void publish(LogRecord entry) {
                heard.add(entry.getLoggerName() + ": " + entry.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        Logger root = Logger.getLogger("");
        root.addHandler(listener);
        try {
            byte[] whole = PdfSamples.plainBytes(PdfSamples.book());
            refusal(Arrays.copyOf(whole, whole.length / 2));
            read(new String(whole, ISO_8859_1).replace("startxref", "startxxxx").getBytes(ISO_8859_1));
        } finally {
            root.removeHandler(listener);
        }
        assertThat(heard).isEmpty();
    }
}
