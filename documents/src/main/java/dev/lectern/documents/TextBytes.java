package dev.lectern.documents;

import dev.lectern.LecternException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * From bytes to text, strictly: what cannot be decoded is refused with its place, never replaced in silence.
 *
 * <p>What is changed: a byte order mark at the beginning is dropped; {@code \r\n} and {@code \r} become {@code \n}; so do form
 * feed, vertical tab and NEL, which break lines too; all other control characters but tab are removed, since no reader
 * sees them and no tokenizer was trained on them. Everything else stays, the no-break space included.
 */
final class TextBytes {
    private TextBytes() {}

    /** The text of a file without a declared encoding: UTF-8, or UTF-16 with a byte order mark. */
    static String decode(String name, byte[] bytes) {
        Charset charset = byteOrderMark(bytes);
        if (charset == null) {
            refuseBinary(name, bytes);
            charset = StandardCharsets.UTF_8;
        }
        String text = decode(name, bytes, charset);
        if (!charset.equals(StandardCharsets.UTF_8) && text.indexOf('\0') >= 0) {
            throw binary(name, bytes);
        }
        return clean(text);
    }

    /** Decodes with this encoding, which refuses what it cannot read; the control characters are still there. */
    static String decode(String name, byte[] bytes, Charset charset) {
        var in = ByteBuffer.wrap(bytes);
        var decoder = charset.newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        var out = CharBuffer.allocate((int) Math.ceil(bytes.length * (double) decoder.maxCharsPerByte()) + 1);
        var result = decoder.decode(in, out, true);
        if (!result.isError()) {
            result = decoder.flush(out);
        }
        if (result.isError()) {
            int offset = in.position();
            throw Documents.refused(
                    name,
                    "this is not %s text: the byte 0x%02X at offset %,d cannot be decoded; if it is in another encoding, convert it"
                                    .formatted(charset.name(), bytes[offset], offset)
                            + " (iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW), otherwise it is damaged.");
        }
        out.flip();
        return out.length() > 0 && out.charAt(0) == '\uFEFF'
                ? out.subSequence(1, out.length()).toString()
                : out.toString();
    }

    /** The encoding that a byte order mark announces, or null without one. */
    static @Nullable Charset byteOrderMark(byte[] bytes) {
        if (bytes.length >= 3 && bytes[0] == (byte) 0xEF && bytes[1] == (byte) 0xBB && bytes[2] == (byte) 0xBF) {
            return StandardCharsets.UTF_8;
        }
        if (bytes.length >= 2 && bytes[0] == (byte) 0xFF && bytes[1] == (byte) 0xFE) {
            return StandardCharsets.UTF_16LE;
        }
        if (bytes.length >= 2 && bytes[0] == (byte) 0xFE && bytes[1] == (byte) 0xFF) {
            return StandardCharsets.UTF_16BE;
        }
        return null;
    }

    /** The first characters of a document, good enough to look for ASCII words in it. */
    static String peek(byte[] head) {
        Charset mark = byteOrderMark(head);
        if (mark == null) {
            return new String(head, StandardCharsets.ISO_8859_1);
        }
        String text = new String(head, mark);
        return text.substring(Math.min(1, text.length()));
    }

    /**
     * Refuses bytes that are no text in any 8-bit encoding: a NUL, or more than one control byte in twenty. Random bytes
     * have two in twenty; text with terminal escapes or form feeds is far below.
     */
    static void refuseBinary(String name, byte[] bytes) {
        long controls = 0;
        for (byte b : bytes) {
            if (b == 0) {
                throw binary(name, bytes);
            }
            boolean common = b == '\t' || b == '\n' || b == '\r' || b == '\f' || b == '\b' || b == 0x1B;
            if (b >= 0 && b < 0x20 && !common || b == 0x7F) {
                controls++;
            }
        }
        if (controls * 20 > bytes.length || startsWith(bytes, "{\\rtf")) {
            throw binary(name, bytes);
        }
    }

    private static LecternException binary(String name, byte[] bytes) {
        String what;
        if (startsWith(bytes, "PK\3\4")) {
            what =
                    "this is a ZIP archive or an office document (.docx, .odt, .epub), not text: save it as PDF, or convert it"
                            + " (pandoc FILE -t markdown -o NEW.md).";
        } else if (startsWith(bytes, "\u00D0\u00CF\u0011\u00E0")) {
            what = "this is an old office document (.doc, .xls, .ppt), not text: save it as PDF.";
        } else if (startsWith(bytes, "{\\rtf")) {
            what = "this is a Rich Text document, not plain text: save it as PDF, or convert it"
                    + " (pandoc FILE -t markdown -o NEW.md).";
        } else if (startsWith(bytes, "\u001F\u008B")) {
            what = "this is compressed with gzip: unpack it first (gunzip FILE).";
        } else if (startsWith(bytes, "\u0089PNG") || startsWith(bytes, "\u00FF\u00D8\u00FF")) {
            what =
                    "this is a picture, not text: a program for text recognition (tesseract FILE NEW) can make text of it.";
        } else {
            what = "this is binary, not text; Lectern reads plain text, Markdown, HTML and PDF.";
        }
        return Documents.refused(name, what);
    }

    static boolean startsWith(byte[] bytes, String latin1) {
        byte[] start = latin1.getBytes(StandardCharsets.ISO_8859_1);
        return bytes.length >= start.length && Arrays.equals(bytes, 0, start.length, start, 0, start.length);
    }

    /** The text as the class comment says; a surrogate without its other half becomes U+FFFD. */
    static String clean(String text) {
        int i = 0;
        while (i < text.length() && isPlain(text.charAt(i))) {
            i++;
        }
        if (i == text.length()) {
            return text;
        }
        var cleaned = new StringBuilder(text.length()).append(text, 0, i);
        for (; i < text.length(); i++) {
            char c = text.charAt(i);
            char next = i + 1 < text.length() ? text.charAt(i + 1) : 0;
            if (isPlain(c)) {
                cleaned.append(c);
            } else if (Character.isSurrogate(c)) {
                if (Character.isSurrogatePair(c, next)) {
                    cleaned.append(c).append(next);
                    i++;
                } else {
                    cleaned.append('\uFFFD');
                }
            } else if (c == '\r' && next == '\n') {
                continue;
            } else if (c == '\r' || c == '\f' || c == '\u000B' || c == '\u0085') {
                cleaned.append('\n');
            }
        }
        return cleaned.toString();
    }

    private static boolean isPlain(char c) {
        return c >= ' ' && c < 0x7F || c == '\n' || c == '\t' || c >= 0xA0 && !Character.isSurrogate(c);
    }

    /** Whether a reader would see nothing there: white space, no-break space, soft hyphen, zero-width characters. */
    static boolean isBlank(CharSequence text, int from, int to) {
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            boolean unseen = Character.isWhitespace(c)
                    || Character.isSpaceChar(c)
                    || c == '\u00AD'
                    || c >= '\u200B' && c <= '\u200F'
                    || c == '\u2060'
                    || c == '\uFEFF';
            if (!unseen) {
                return false;
            }
        }
        return true;
    }
}
