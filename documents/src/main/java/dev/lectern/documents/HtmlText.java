package dev.lectern.documents;

import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jsoup.Jsoup;
import org.jsoup.nodes.Element;
import org.jsoup.parser.Parser;

/**
 * The readable text of a web page, as {@link HtmlWriter} sets it out.
 *
 * <p>Left out is what a reader of the page would not read as its text: scripts, styles, forms, navigation, what is hidden.
 * If the page has one {@code main} element that holds at least half of what remains, only that is kept: it is how a page
 * says where its content is, and pages that say so wrongly are caught by the half.
 *
 * <p>Encoding: a byte order mark, else what the page declares, else UTF-8; bytes that do not fit are refused. As browsers
 * do, a declared Latin-1 or ASCII is read as Windows-1252.
 */
final class HtmlText {
    private static final String NOT_READ =
            "script, style, noscript, template, nav, svg, iframe, object, select, button, input,"
                    + " textarea, datalist, xml, annotation, annotation-xml, [hidden], [aria-hidden=true], [role=navigation], [role=search],"
                    + " [style~=(?i)display\\s*:\\s*none], [style~=(?i)mso-hide\\s*:\\s*all]";

    /** A declaration counts within this many bytes, as in browsers, with room for the comments some editors write first. */
    private static final int DECLARATION_BYTES = 4096;

    private static final Pattern DECLARED = Pattern.compile(
            "<(?:meta\\b[^>]{0,500}?\\bcharset|\\?xml\\b[^>]{0,500}?\\bencoding)\\s*=\\s*[\"']?\\s*([\\w.:+-]+)",
            Pattern.CASE_INSENSITIVE);

    private HtmlText() {}

    static Document read(String name, byte[] bytes) {
        String source = decode(name, bytes);
        boolean xml = source.stripLeading().startsWith("<?xml") && source.contains("http://www.w3.org/1999/xhtml");
        var page = xml ? Jsoup.parse(source, "", Parser.xmlParser()) : Jsoup.parse(source);
        String title = page.title();
        page.select(NOT_READ).remove();
        Element body = page.selectFirst("body");
        Element whole = body == null ? page : body;
        var document = HtmlWriter.write(name, title, content(whole));
        if (TextBytes.isBlank(document.text(), 0, document.text().length())) {
            throw Documents.refused(
                    name,
                    "this HTML page has no text; if a browser shows some, scripts put it there: print the page to a PDF and"
                            + " read that.");
        }
        return document;
    }

    private static Element content(Element whole) {
        var main = whole.select("main, [role=main]");
        if (main.size() == 1
                && main.getFirst().text().length() * 2L >= whole.text().length()) {
            return main.getFirst();
        }
        return whole;
    }

    private static String decode(String name, byte[] bytes) {
        if (TextBytes.byteOrderMark(bytes) != null) {
            return TextBytes.decode(name, bytes);
        }
        TextBytes.refuseBinary(name, bytes);
        return TextBytes.clean(TextBytes.decode(name, bytes, declared(name, bytes)));
    }

    private static Charset declared(String name, byte[] bytes) {
        byte[] head = Arrays.copyOf(bytes, Math.min(bytes.length, DECLARATION_BYTES));
        Matcher declaration = DECLARED.matcher(new String(head, StandardCharsets.ISO_8859_1));
        if (!declaration.find()) {
            return StandardCharsets.UTF_8;
        }
        String charset = declaration.group(1).toLowerCase(Locale.ROOT);
        try {
            return switch (charset) {
                case "iso-8859-1", "iso8859-1", "latin1", "latin-1", "us-ascii", "ascii" ->
                    Charset.forName("windows-1252");
                // Whoever could read this declaration byte by byte did not read UTF-16.
                case "utf-16", "utf-16le", "utf-16be", "unicode" -> StandardCharsets.UTF_8;
                default -> Charset.forName(charset);
            };
        } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
            throw Documents.refused(
                    name,
                    "the page declares the encoding \"" + charset
                            + "\", which Java does not know; convert it to UTF-8 (iconv) and correct"
                            + " the declaration.");
        }
    }
}
