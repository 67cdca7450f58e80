package dev.lectern.documents;

/**
 * A place in a document's text where a page or a section begins.
 *
 * @param offset where it begins, in characters (UTF-16 units) from the start of {@link Document#text()}
 * @param kind what begins here
 * @param level the depth of a heading, 1 for the outermost; 0 for a page
 * @param label the heading's words, or the page's number as a viewer counts it, from 1
 */
public record Mark(int offset, Kind kind, int level, String label) {
    /** What begins at a mark. */
    public enum Kind {
        PAGE,
        HEADING
    }

    static Mark page(int offset, int number) {
        return new Mark(offset, Kind.PAGE, 0, Integer.toString(number));
    }

    static Mark heading(int offset, int level, String label) {
        return new Mark(offset, Kind.HEADING, level, label);
    }
}
