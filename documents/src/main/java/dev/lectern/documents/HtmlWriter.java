package dev.lectern.documents;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jsoup.nodes.Element;
import org.jsoup.nodes.Node;
import org.jsoup.nodes.TextNode;
import org.jsoup.select.NodeFilter;
import org.jsoup.select.NodeTraversor;
import org.jspecify.annotations.Nullable;

/**
 * Writes the elements of a page as lines of text.
 *
 * <p>Blocks stand on lines of their own, paragraphs have a blank line between them. Headings begin with as many {@code #}
 * as their level, list items with {@code -} or their number, indented by depth; the cells of a table row stand on one line
 * between {@code |}. Preformatted text is kept as it is; of a link its words, of a picture its description. A raised
 * number keeps a {@code ^}, since 10<sup>6</sup> is not 106.
 *
 * <p>A table that holds headings, lists, preformatted text or another table lays out the page: its cells are written as
 * blocks. The tree is walked without recursion.
 */
final class HtmlWriter implements NodeFilter {
    private static final Set<String> PARAGRAPHS = Set.of(
            "p",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "ul",
            "ol",
            "dl",
            "table",
            "pre",
            "blockquote",
            "figure",
            "section",
            "article",
            "main",
            "hr",
            "details",
            "fieldset");
    private static final Set<String> LINES = Set.of(
            "address",
            "aside",
            "body",
            "caption",
            "center",
            "dd",
            "dialog",
            "dir",
            "div",
            "dt",
            "figcaption",
            "footer",
            "form",
            "header",
            "html",
            "legend",
            "li",
            "summary",
            "tbody",
            "td",
            "tfoot",
            "th",
            "thead",
            "tr");

    private static final String MAKES_LAYOUT = "table, h1, h2, h3, h4, h5, h6, ul, ol, pre";

    private static final Pattern RAISED_NUMBER = Pattern.compile("[-+\u2212\u2013]?\\d+");

    private final StringBuilder out = new StringBuilder();
    private final List<Mark> marks = new ArrayList<>();
    private final Set<Element> layoutTables = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Deque<ListState> lists = new ArrayDeque<>();

    private int pendingNewlines;
    private boolean pendingSpace;
    private String pendingPrefix = "";
    private int preDepth;
    private int rowDepth;
    private int cells;
    private int headingDepth;
    private int headingStart = -1;
    private int headingTextStart;

    private static final class ListState {
        final boolean ordered;
        int next;

        ListState(boolean ordered, int next) {
            this.ordered = ordered;
            this.next = next;
        }
    }

    private HtmlWriter() {}

    /**
     * @param title the page's title, written as a first heading unless the content begins with one that says the same
     * @param content the element whose text is the document
     */
    static Document write(String name, String title, Element content) {
        var writer = new HtmlWriter();
        for (Element element : content.select(MAKES_LAYOUT)) {
            Element table = tableAround(element);
            if (table != null) {
                writer.layoutTables.add(table);
            }
        }
        Element first = content.selectFirst("h1");
        String words = TextBytes.clean(title).strip();
        if (!words.isEmpty()
                && (first == null
                        || first.text().isBlank()
                        || !words.contains(first.text().strip()))) {
            writer.openHeading(1);
            writer.text(words);
            writer.closeHeading(1);
        }
        NodeTraversor.filter(writer, content);
        return new Document(name, writer.out.toString(), writer.marks);
    }

    @Override
    public FilterResult head(Node node, int depth) {
        if (node instanceof TextNode text) {
            if (preDepth > 0 && rowDepth == 0) {
                verbatim(text.getWholeText());
            } else {
                text(text.getWholeText());
            }
            return FilterResult.CONTINUE;
        }
        if (!(node instanceof Element element)) {
            return FilterResult.CONTINUE;
        }
        String tag = element.normalName();
        startBlock(tag);
        switch (tag) {
            case "h1", "h2", "h3", "h4", "h5", "h6" -> openHeading(tag.charAt(1) - '0');
            case "ul", "ol", "menu" -> lists.push(new ListState(tag.equals("ol"), number(element, "start", 1)));
            case "li" -> openItem(element);
            case "dd" -> pendingPrefix = "  ";
            case "pre" -> preDepth++;
            case "br" -> lineBreak();
            case "img" -> picture(element.attr("alt"));
            case "q" -> text("\"");
            case "sup" -> raise(element);
            case "tr" -> {
                if (isDataRow(element)) {
                    String row = element.text();
                    if (TextBytes.isBlank(row, 0, row.length())) {
                        return FilterResult.SKIP_ENTIRELY;
                    }
                    rowDepth++;
                    cells = 0;
                }
            }
            case "td", "th" -> openCell();
            default -> {}
        }
        return FilterResult.CONTINUE;
    }

    @Override
    public FilterResult tail(Node node, int depth) {
        if (!(node instanceof Element element)) {
            return FilterResult.CONTINUE;
        }
        String tag = element.normalName();
        switch (tag) {
            case "h1", "h2", "h3", "h4", "h5", "h6" -> closeHeading(tag.charAt(1) - '0');
            case "ul", "ol", "menu" -> lists.poll();
            case "li", "dd" -> pendingPrefix = "";
            case "pre" -> preDepth--;
            case "q" -> text("\"");
            case "tr" -> {
                if (isDataRow(element)) {
                    rowDepth--;
                }
            }
            default -> {}
        }
        startBlock(tag);
        return FilterResult.CONTINUE;
    }

    private void startBlock(String tag) {
        boolean nested = (tag.equals("ul") || tag.equals("ol")) && !lists.isEmpty();
        if (PARAGRAPHS.contains(tag) && !nested) {
            // A paragraph inside a list item keeps the items together.
            breakLine(lists.isEmpty() ? 2 : 1);
        } else if (nested || LINES.contains(tag)) {
            breakLine(1);
        }
    }

    private void breakLine(int newlines) {
        if (headingDepth > 0 || rowDepth > 0) {
            pendingSpace = true;
        } else {
            pendingNewlines = Math.max(pendingNewlines, newlines);
            pendingSpace = false;
        }
    }

    private void lineBreak() {
        if (headingDepth > 0 || rowDepth > 0) {
            pendingSpace = true;
        } else {
            pendingNewlines = Math.min(2, pendingNewlines + 1);
            pendingSpace = false;
        }
    }

    private void openHeading(int level) {
        if (headingDepth == 0) {
            breakLine(2);
            headingStart = -1;
            pendingPrefix = "#".repeat(level) + " ";
        }
        headingDepth++;
    }

    private void closeHeading(int level) {
        headingDepth--;
        if (headingDepth > 0) {
            return;
        }
        if (headingStart >= 0) {
            marks.add(Mark.heading(headingStart, level, out.substring(headingTextStart)));
        }
        pendingPrefix = "";
        breakLine(2);
    }

    private void openItem(Element item) {
        String indent = "  ".repeat(Math.max(0, Math.min(lists.size(), 32) - 1));
        ListState list = lists.peek();
        if (list == null || !list.ordered) {
            pendingPrefix = indent + "- ";
        } else {
            int number = number(item, "value", list.next);
            list.next = number + 1;
            pendingPrefix = indent + number + ". ";
        }
    }

    /** Cells count in data tables only; in a layout table they are blocks like any other. */
    private void openCell() {
        if (rowDepth > 0) {
            startText();
            if (cells > 0) {
                out.append(" | ");
            }
            pendingSpace = false;
            cells++;
        }
    }

    private boolean isDataRow(Element row) {
        Element table = tableAround(row);
        return table != null && !layoutTables.contains(table);
    }

    private void picture(String description) {
        if (!description.isBlank()) {
            text("[image: " + description.strip() + "]");
        }
    }

    private void raise(Element element) {
        boolean number = element.childNodeSize() == 1
                && element.childNode(0) instanceof TextNode text
                && RAISED_NUMBER.matcher(text.getWholeText()).matches();
        if (number && !pendingSpace) {
            text("^");
        }
    }

    private static @Nullable Element tableAround(Element element) {
        Element around = element.parent();
        while (around != null && !around.normalName().equals("table")) {
            around = around.parent();
        }
        return around;
    }

    private static int number(Element element, String attribute, int otherwise) {
        String value = element.attr(attribute).strip();
        return value.matches("-?\\d{1,8}") ? Integer.parseInt(value) : otherwise;
    }

    /** Text outside of {@code pre}: any run of white space is one space, soft hyphens are not there. */
    private void text(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f') {
                pendingSpace = true;
            } else if (c != '\u00AD' && !Character.isISOControl(c)) {
                startText();
                if (pendingSpace && !out.isEmpty() && !Character.isWhitespace(out.charAt(out.length() - 1))) {
                    out.append(' ');
                }
                pendingSpace = false;
                out.append(c);
            }
        }
    }

    private void verbatim(String text) {
        String cleaned = TextBytes.clean(text);
        if (pendingNewlines > 0 && cleaned.isBlank()) {
            return;
        }
        startText();
        if (pendingSpace) {
            out.append(' ');
        }
        pendingSpace = false;
        out.append(cleaned);
    }

    /** Before the first character of a block: the line breaks and the prefix that it was waiting for. */
    private void startText() {
        if (pendingNewlines > 0 && !out.isEmpty()) {
            int written = 0;
            while (written < 2 && out.length() > written && out.charAt(out.length() - 1 - written) == '\n') {
                written++;
            }
            out.append("\n".repeat(Math.max(0, pendingNewlines - written)));
            pendingSpace = false;
        }
        pendingNewlines = 0;
        boolean first = headingDepth > 0 && headingStart < 0;
        if (first) {
            headingStart = out.length();
        }
        if (!pendingPrefix.isEmpty()) {
            out.append(pendingPrefix);
            pendingPrefix = "";
            pendingSpace = false;
        }
        if (first) {
            headingTextStart = out.length();
        }
    }
}
