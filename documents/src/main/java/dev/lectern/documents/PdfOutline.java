package dev.lectern.documents;

import dev.lectern.Cancellation;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.pdfbox.cos.COSDictionary;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.PDPage;
import org.apache.pdfbox.pdmodel.interactive.documentnavigation.outline.PDOutlineItem;
import org.jspecify.annotations.Nullable;

/**
 * The outline of a PDF (its bookmarks) as heading marks. A mark stands where the heading's words are found on its page,
 * or at the top of the page. Entries that lead nowhere are left out: a broken outline does not make a document unreadable.
 */
final class PdfOutline {
    /** A hostile outline may be circular in many ways; every entry counts once, and only so many. */
    private static final int MAX_ENTRIES = 20_000;

    /** Characters of a heading; the rest of a longer title is left out, since every entry may have the same long one. */
    private static final int MAX_LABEL = 200;

    /**
     * Comparisons of characters in all searches together, counted as if every place differed in the heading's last character
     * only; 20 000 entries of an ordinary book have as many. Headings beyond stand at the top of their pages.
     */
    private static final long MAX_COMPARISONS = 2L << 30;

    private record Entry(PDOutlineItem item, int level) {}

    private PdfOutline() {}

    /**
     * @param numbers the number, from 1, of every page
     * @param pages one mark per page, in order
     */
    static List<Mark> headings(
            PDDocument pdf,
            Map<COSDictionary, Integer> numbers,
            CharSequence text,
            List<Mark> pages,
            Cancellation cancellation) {
        var headings = new ArrayList<Mark>();
        var outline = pdf.getDocumentCatalog().getDocumentOutline();
        if (outline == null) {
            return headings;
        }
        Set<COSDictionary> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        var open = new ArrayDeque<Entry>();
        push(open, outline.getFirstChild(), 1);
        long comparisons = 0;
        while (!open.isEmpty() && seen.size() < MAX_ENTRIES) {
            cancellation.check();
            Entry entry = open.pop();
            if (!seen.add(entry.item().getCOSObject())) {
                continue;
            }
            push(open, entry.item().getNextSibling(), entry.level());
            push(open, entry.item().getFirstChild(), entry.level() + 1);
            int number = page(entry.item(), pdf, numbers);
            String label = label(entry.item());
            if (number > 0 && !label.isEmpty()) {
                int from = pages.get(number - 1).offset();
                int to = number < pages.size() ? pages.get(number).offset() : text.length();
                comparisons += (long) label.length() * (to - from);
                int offset = comparisons <= MAX_COMPARISONS ? find(label, text, from, to) : from;
                headings.add(Mark.heading(offset, entry.level(), label));
            }
        }
        return headings;
    }

    private static void push(ArrayDeque<Entry> open, @Nullable PDOutlineItem item, int level) {
        if (item != null) {
            open.push(new Entry(item, level));
        }
    }

    /** The number of the page that an entry leads to, 0 if it leads nowhere. */
    private static int page(PDOutlineItem item, PDDocument pdf, Map<COSDictionary, Integer> numbers) {
        try {
            PDPage page = item.findDestinationPage(pdf);
            return page == null ? 0 : numbers.getOrDefault(page.getCOSObject(), 0);
        } catch (IOException | RuntimeException e) {
            return 0;
        }
    }

    private static String label(PDOutlineItem item) {
        String title = item.getTitle();
        if (title == null) {
            return "";
        }
        int end = Math.min(title.length(), MAX_LABEL);
        if (end < title.length() && Character.isHighSurrogate(title.charAt(end - 1))) {
            end--;
        }
        return String.join(" ", TextBytes.clean(title.substring(0, end)).strip().split("\\s+"));
    }

    private static int find(String label, CharSequence text, int from, int to) {
        String words =
                Pattern.compile("\\s+").splitAsStream(label).map(Pattern::quote).collect(Collectors.joining("\\s+"));
        Matcher matcher = Pattern.compile(words, Pattern.CASE_INSENSITIVE).matcher(text);
        return matcher.region(from, to).find() ? matcher.start() : from;
    }
}
