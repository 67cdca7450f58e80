package dev.lectern.documents;

import dev.lectern.Cancellation;
import dev.lectern.Progress;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.InflaterInputStream;
import java.util.zip.ZipException;
import org.apache.pdfbox.contentstream.operator.Operator;
import org.apache.pdfbox.cos.COSArray;
import org.apache.pdfbox.cos.COSBase;
import org.apache.pdfbox.cos.COSDictionary;
import org.apache.pdfbox.cos.COSName;
import org.apache.pdfbox.cos.COSStream;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.PDPage;
import org.apache.pdfbox.pdmodel.graphics.form.PDFormXObject;
import org.apache.pdfbox.pdmodel.graphics.form.PDTransparencyGroup;
import org.apache.pdfbox.text.PDFTextStripper;
import org.apache.pdfbox.text.TextPosition;

/**
 * Reads the pages of a PDF in the order of the tree.
 *
 * <p>Order on a page: the order in which it was drawn. Nearly every program draws text as it is read, and this keeps columns
 * apart, which sorting by position would weave together; where the author has marked the columns of articles (beads), they are
 * read in that order. A page that was drawn up and down at random, more than once in four
 * lines upwards, is sorted from top to bottom. Lines are kept, words divided at a line's end stay divided; paragraphs that the
 * layout shows are parted by a blank line.
 *
 * <p>Hostile documents: a form may draw other forms twice each, thirty deep; so the operations of a page are counted, and so is
 * the text; what a page's streams unpack to is bounded; and beads are passed over where they are too many.
 */
final class PdfPages extends PDFTextStripper {
    /** The densest maps have about a million operations. */
    private static final int MAX_PAGE_OPERATIONS = 5_000_000;

    private static final int MAX_PAGE_FORMS = 50_000;

    /** A page of a newspaper has 50 000. */
    private static final int MAX_PAGE_CHARACTERS = 2_000_000;

    /** Columns of articles that the author has marked; the parser looks through them for every character. A page of a newspaper has 50. */
    private static final int MAX_PAGE_BEADS = 200;

    private static final long MAX_UNPACKED = 256L << 20;

    /** One byte of a deflated stream can stand for so many (zlib's technical details). */
    private static final long DEFLATE_FACTOR = 1032;

    private static final int MAX_CHARACTERS = 64 << 20;

    /** Upward jumps that every page may have: columns, a footer drawn first, notes. */
    private static final int USUAL_JUMPS = 6;

    private final String name;
    private final PDDocument pdf;
    private final Progress progress;
    private final Cancellation cancellation;
    private final Map<COSDictionary, Integer> numbers = new IdentityHashMap<>();
    private final Set<COSStream> unpacked = Collections.newSetFromMap(new IdentityHashMap<>());
    private final StringBuilder text = new StringBuilder();
    private final List<Mark> marks = new ArrayList<>();
    private StringWriter page = new StringWriter();
    private int total;
    private int operations;
    private int forms;
    private int characters;

    PdfPages(String name, PDDocument pdf, Progress progress, Cancellation cancellation) {
        this.name = name;
        this.pdf = pdf;
        this.progress = progress;
        this.cancellation = cancellation;
        setLineSeparator("\n");
        setParagraphEnd("\n");
        setPageEnd("");
    }

    Document read() throws IOException {
        for (PDPage each : pdf.getPages()) {
            numbers.putIfAbsent(each.getCOSObject(), ++total);
        }
        int declared = pdf.getNumberOfPages();
        if (total == 0 || total < declared) {
            throw Documents.refused(
                    name,
                    "this PDF is damaged: it declares %,d pages, but only %,d can be found; it was cut short: fetch it again."
                            .formatted(declared, total));
        }
        writeText(pdf, page);
        markPagesUpTo(total);
        marks.addAll(PdfOutline.headings(pdf, numbers, text, marks, cancellation));
        marks.sort(Comparator.comparingInt(Mark::offset).thenComparing(Mark::kind));
        return new Document(name, text.toString(), marks);
    }

    @Override
    public void processPage(PDPage each) throws IOException {
        cancellation.check();
        operations = 0;
        forms = 0;
        characters = 0;
        int number = getCurrentPageNo();
        markPagesUpTo(number - 1);
        var contents = each.getContentStreams();
        while (contents.hasNext()) {
            refuseBomb(contents.next().getCOSObject());
        }
        COSArray beads = each.getCOSObject().getCOSArray(COSName.B);
        setShouldSeparateByBeads(beads == null || beads.size() <= MAX_PAGE_BEADS);
        super.processPage(each);
        String cleaned = TextBytes.clean(getOutput().toString()).strip();
        if (text.length() + (long) cleaned.length() > MAX_CHARACTERS) {
            throw Documents.refused(
                    name, "this PDF holds more than %,d characters; split it into parts.".formatted(MAX_CHARACTERS));
        }
        if (!text.isEmpty() && !cleaned.isEmpty()) {
            text.append("\n\n");
        }
        marks.add(Mark.page(text.length(), number));
        text.append(cleaned);
        page = new StringWriter();
        output = page;
        progress.report(number, total);
    }

    @Override
    public void showForm(PDFormXObject form) throws IOException {
        refuseBomb(form.getCOSObject());
        super.showForm(form);
    }

    @Override
    public void showTransparencyGroup(PDTransparencyGroup form) throws IOException {
        refuseBomb(form.getCOSObject());
        super.showTransparencyGroup(form);
    }

    /** Refuses a stream that unpacks to more than any page's drawing; looks only at those that could. */
    private void refuseBomb(COSStream stream) throws IOException {
        List<COSName> filters = filters(stream);
        boolean small = filters.size() <= 1 && stream.getLength() <= MAX_UNPACKED / DEFLATE_FACTOR;
        if (small || !unpacked.add(stream)) {
            return;
        }
        long bytes = 0;
        byte[] buffer = new byte[1 << 16];
        try (InputStream in = inflated(stream, filters)) {
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                cancellation.check();
                bytes += read;
                if (bytes > MAX_UNPACKED) {
                    throw tooMuch("bytes, once unpacked,");
                }
            }
        } catch (ZipException | EOFException e) {
            // Damaged after fewer bytes than the limit: the parser decides what it can use of it.
            return;
        }
    }

    /** The stream without its outer layers of deflation; no other filter multiplies so much. */
    private static InputStream inflated(COSStream stream, List<COSName> filters) throws IOException {
        InputStream in = stream.createRawInputStream();
        for (COSName filter : filters) {
            if (!filter.equals(COSName.FLATE_DECODE) && !filter.equals(COSName.FLATE_DECODE_ABBREVIATION)) {
                break;
            }
            in = new InflaterInputStream(in);
        }
        return in;
    }

    private static List<COSName> filters(COSStream stream) {
        return switch (stream.getFilters()) {
            case COSName one -> List.of(one);
            case COSArray several -> {
                var names = new ArrayList<COSName>();
                for (int i = 0; i < several.size(); i++) {
                    if (several.getObject(i) instanceof COSName name) {
                        names.add(name);
                    }
                }
                yield names;
            }
            case null, default -> List.of();
        };
    }

    /** The parser skips pages without any content; they keep their number. */
    private void markPagesUpTo(int number) {
        while (marks.size() < number) {
            marks.add(Mark.page(text.length(), marks.size() + 1));
        }
    }

    @Override
    protected void processOperator(Operator operator, List<COSBase> operands) throws IOException {
        if (++operations > MAX_PAGE_OPERATIONS || operator.getName().equals("Do") && ++forms > MAX_PAGE_FORMS) {
            throw tooMuch("operations");
        }
        if ((operations & 1023) == 0) {
            cancellation.check();
        }
        super.processOperator(operator, operands);
    }

    @Override
    protected void processTextPosition(TextPosition position) {
        if (++characters > MAX_PAGE_CHARACTERS) {
            throw tooMuch("characters");
        }
        if ((characters & 1023) == 0) {
            cancellation.check();
        }
        super.processTextPosition(position);
    }

    private RuntimeException tooMuch(String what) {
        return Documents.refused(
                name,
                "page %,d of this PDF has too many %s to be read; it is damaged, or made to do harm."
                        .formatted(getCurrentPageNo(), what));
    }

    @Override
    protected void writePage() throws IOException {
        setSortByPosition(isShuffled());
        super.writePage();
    }

    /** Whether the page was drawn up and down at random, and not line by line or column by column. */
    private boolean isShuffled() {
        int lines = 0;
        int jumps = 0;
        float last = Float.NaN;
        for (List<TextPosition> article : charactersByArticle) {
            for (TextPosition position : article) {
                float y = position.getYDirAdj();
                float height = Math.max(1, position.getHeightDir());
                if (Float.isNaN(last) || Math.abs(y - last) > height / 2) {
                    lines++;
                    // Raised and lowered characters move by less than a line.
                    if (y < last - 1.5f * height) {
                        jumps++;
                    }
                    last = y;
                }
            }
        }
        return jumps > USUAL_JUMPS && jumps * 4 > lines;
    }
}
