package dev.lectern.documents;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A document as the model reads it.
 *
 * @param name what the user called it: the path as given, or {@code standard input}
 * @param text its text; lines end with {@code \n}, and no other control character than tab is in it
 * @param marks where pages and sections begin, in ascending order of offset; a page stands before a heading at the same
 *     offset
 */
public record Document(String name, String text, List<Mark> marks) {
    public Document {
        marks = List.copyOf(marks);
        int last = 0;
        for (Mark mark : marks) {
            if (mark.offset() < last || mark.offset() > text.length()) {
                throw new IllegalArgumentException(
                        "mark at " + mark.offset() + " is out of order or outside a text of " + text.length());
            }
            last = mark.offset();
        }
    }

    /** The page on which the character at this offset stands; empty if the document has no pages. */
    public Optional<Mark> pageAt(int offset) {
        for (int i = marksUpTo(offset) - 1; i >= 0; i--) {
            if (marks.get(i).kind() == Mark.Kind.PAGE) {
                return Optional.of(marks.get(i));
            }
        }
        return Optional.empty();
    }

    /** The headings above the character at this offset, the outermost first; empty before the first heading. */
    public List<Mark> headingsAt(int offset) {
        var open = new ArrayDeque<Mark>();
        for (Mark mark : marks.subList(0, marksUpTo(offset))) {
            if (mark.kind() == Mark.Kind.HEADING) {
                while (!open.isEmpty() && open.getLast().level() >= mark.level()) {
                    open.removeLast();
                }
                open.addLast(mark);
            }
        }
        return List.copyOf(open);
    }

    /**
     * The pages that hold no text at all: blank ones, and the scanned ones of a document that is only partly text. The
     * model does not see what is on them, so a caller should say so.
     */
    public List<Mark> pagesWithoutText() {
        List<Mark> pages =
                marks.stream().filter(m -> m.kind() == Mark.Kind.PAGE).toList();
        var empty = new ArrayList<Mark>();
        for (int i = 0; i < pages.size(); i++) {
            int end = i + 1 < pages.size() ? pages.get(i + 1).offset() : text.length();
            if (TextBytes.isBlank(text, pages.get(i).offset(), end)) {
                empty.add(pages.get(i));
            }
        }
        return List.copyOf(empty);
    }

    /** How many marks stand at or before the offset. */
    private int marksUpTo(int offset) {
        int low = 0;
        int high = marks.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (marks.get(middle).offset() <= offset) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
}
