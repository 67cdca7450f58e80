package dev.lectern.documents;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.pdfbox.cos.COSName;
import org.apache.pdfbox.pdfwriter.compress.CompressParameters;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.PDPage;
import org.apache.pdfbox.pdmodel.PDPageContentStream;
import org.apache.pdfbox.pdmodel.PDResources;
import org.apache.pdfbox.pdmodel.common.PDRectangle;
import org.apache.pdfbox.pdmodel.common.PDStream;
import org.apache.pdfbox.pdmodel.encryption.AccessPermission;
import org.apache.pdfbox.pdmodel.encryption.StandardProtectionPolicy;
import org.apache.pdfbox.pdmodel.font.PDFont;
import org.apache.pdfbox.pdmodel.font.PDType1Font;
import org.apache.pdfbox.pdmodel.font.Standard14Fonts;
import org.apache.pdfbox.pdmodel.graphics.form.PDFormXObject;
import org.apache.pdfbox.pdmodel.graphics.image.LosslessFactory;
import org.apache.pdfbox.pdmodel.interactive.documentnavigation.destination.PDPageFitDestination;
import org.apache.pdfbox.pdmodel.interactive.documentnavigation.outline.PDDocumentOutline;
import org.apache.pdfbox.pdmodel.interactive.documentnavigation.outline.PDOutlineItem;

/** Small PDFs that the tests are about. */
final class PdfSamples {
    private PdfSamples() {}

    /** Draws one page. */
    interface Drawing {
        void draw(PDPageContentStream page) throws IOException;
    }

    /** A line of text and where its left end stands, in points from the lower left corner. */
    record Line(float x, float y, String text) {}

    static PDFont font() {
        return new PDType1Font(Standard14Fonts.FontName.HELVETICA);
    }

    /** One page of lines per list, drawn in the order given. */
    @SafeVarargs
    static PDDocument document(List<Line>... pages) {
        var pdf = new PDDocument();
        for (List<Line> lines : pages) {
            addPage(pdf, content -> {
                for (Line line : lines) {
                    content.beginText();
                    content.setFont(font(), 11);
                    content.newLineAtOffset(line.x(), line.y());
                    content.showText(line.text());
                    content.endText();
                }
            });
        }
        return pdf;
    }

    /** Lines one below the other, from the top of a page, at this distance from its left edge. */
    static List<Line> column(float x, String... lines) {
        var column = new ArrayList<Line>();
        for (int i = 0; i < lines.length; i++) {
            column.add(new Line(x, 780 - 14f * i, lines[i]));
        }
        return column;
    }

    static PDPage addPage(PDDocument pdf, Drawing drawing) {
        var page = new PDPage(PDRectangle.A4);
        pdf.addPage(page);
        try (var content = new PDPageContentStream(pdf, page)) {
            drawing.draw(content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return page;
    }

    static void addPicture(PDDocument pdf) {
        addPage(
                pdf,
                content -> content.drawImage(
                        LosslessFactory.createFromImage(pdf, new BufferedImage(40, 60, BufferedImage.TYPE_INT_RGB)),
                        0,
                        0,
                        500,
                        700));
    }

    static PDOutlineItem entry(String title, PDPage page) {
        var destination = new PDPageFitDestination();
        destination.setPage(page);
        var item = new PDOutlineItem();
        item.setTitle(title);
        item.setDestination(destination);
        return item;
    }

    /** Three pages with an outline of two chapters, the second with a section. */
    static PDDocument book() {
        PDDocument pdf = document(
                column(60, "The Tower", "It was built of granite.", "Nobody remembers why."),
                column(60, "It has a stair of 212 steps."),
                column(60, "The Keepers", "There were three.", "Their duties", "They trimmed the wick."));
        var outline = new PDDocumentOutline();
        var keepers = entry("The Keepers", pdf.getPage(2));
        outline.addLast(entry("The Tower", pdf.getPage(0)));
        outline.addLast(keepers);
        keepers.addLast(entry("Their  duties", pdf.getPage(2)));
        pdf.getDocumentCatalog().setDocumentOutline(outline);
        return pdf;
    }

    static void protect(PDDocument pdf, String userPassword, AccessPermission permission) {
        try {
            pdf.protect(new StandardProtectionPolicy("owner", userPassword, permission));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A form that draws the next one twice, so many deep: twice as much work for every level. */
    static PDDocument doublingForms(int depth) throws IOException {
        var pdf = new PDDocument();
        PDPage page = addPage(pdf, content -> {});
        PDFormXObject inner = null;
        for (int i = 0; i < depth; i++) {
            var form = new PDFormXObject(pdf);
            form.setBBox(PDRectangle.A4);
            var resources = new PDResources();
            String content = "BT ET";
            if (inner != null) {
                resources.put(COSName.getPDFName("F"), inner);
                content = "/F Do /F Do";
            }
            form.setResources(resources);
            try (var out = form.getStream().createOutputStream()) {
                out.write(content.getBytes(StandardCharsets.US_ASCII));
            }
            inner = form;
        }
        var outermost = Objects.requireNonNull(inner);
        var resources = new PDResources();
        resources.put(COSName.getPDFName("F"), outermost);
        page.setResources(resources);
        var contents = new PDStream(pdf);
        try (var out = contents.createOutputStream()) {
            out.write("/F Do".getBytes(StandardCharsets.US_ASCII));
        }
        page.setContents(contents);
        return pdf;
    }

    /** The bytes of a document, which is closed; its objects stand in the open, as in files before PDF 1.5. */
    static byte[] plainBytes(PDDocument pdf) {
        try (pdf) {
            var out = new ByteArrayOutputStream();
            pdf.save(out, CompressParameters.NO_COMPRESSION);
            return out.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The bytes of a document, which is closed; most objects stand in compressed streams. */
    static byte[] bytes(PDDocument pdf) {
        try (pdf) {
            var out = new ByteArrayOutputStream();
            pdf.save(out);
            return out.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
