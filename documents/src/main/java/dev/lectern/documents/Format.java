package dev.lectern.documents;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.regex.Pattern;

/** The formats that can be read, how each is recognised, and how large a file of it may be. */
enum Format {
    /** Limits: 64 MiB of text are some 16 million tokens, more than any model's context holds. */
    TEXT(64L << 20),
    MARKDOWN(64L << 20),
    HTML(64L << 20),
    /** Most bytes of a large PDF are pictures, which are never decoded. */
    PDF(512L << 20);

    /** How much of a file is looked at to recognise it. A PDF may begin with up to 1 024 bytes of anything. */
    static final int HEAD_BYTES = 2048;

    private static final Pattern HTML_START = Pattern.compile(
            "\\A(?:\\s|<!--.*?-->|<\\?xml[^>]*>)*<(?:!doctype\\s+html|html)\\b",
            Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

    private final long limitBytes;

    Format(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    long limitBytes() {
        return limitBytes;
    }

    /**
     * The format of a document. The first bytes of a PDF speak for themselves; the ending of the name decides between
     * the others, and where it says nothing, the first characters do.
     *
     * @param head the first {@link #HEAD_BYTES} of the document, or all of a shorter one
     */
    static Format of(String name, byte[] head) {
        String start = new String(head, StandardCharsets.ISO_8859_1);
        if (start.startsWith("%PDF-")) {
            return PDF;
        }
        String lower = name.toLowerCase(Locale.ROOT);
        String ending = lower.substring(lower.lastIndexOf('.') + 1);
        return switch (ending) {
            case "md", "markdown" -> MARKDOWN;
            case "html", "htm", "xhtml" -> HTML;
            case "pdf" -> PDF;
            case "txt", "text" -> TEXT;
            default -> looksLikeHtml(head) ? HTML : TEXT;
        };
    }

    static boolean looksLikeHtml(byte[] head) {
        return HTML_START.matcher(TextBytes.peek(head)).find();
    }
}
