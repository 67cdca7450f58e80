package dev.lectern.measure;

import dev.lectern.LecternException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A Markdown document with sections that commands write and people do not. A section stands between two comments:
 *
 * <pre>{@code
 * <!-- begin bench kv-cache (written by the command) -->
 * …
 * <!-- end bench kv-cache -->
 * }</pre>
 *
 * Everything outside is left as it is.
 */
public final class Measurements {
    private final Path document;

    /** @param document made where it is missing */
    public Measurements(Path document) {
        this.document = document;
    }

    /**
     * Replaces a section; a document that has none of this name gets it at its end.
     *
     * @param section the command that writes it, without options: {@code bench kv-cache}
     * @throws LecternException of kind {@code BAD_OPTION} if one of the two comments is missing, stands twice, or before the other
     */
    public void replace(String section, String markdown) {
        String beginning = "<!-- begin " + section + " (written by the command) -->";
        String end = "<!-- end " + section + " -->";
        String text = text();
        int from = only(text, beginning);
        int to = only(text, end);
        String body = beginning + "\n" + markdown.strip() + "\n" + end;
        String changed;
        if (from < 0 && to < 0) {
            changed = (text.isBlank() ? "" : text.stripTrailing() + "\n\n") + body + "\n";
        } else if (from < 0 || to < from) {
            throw damaged("has \"" + end + "\" without \"" + beginning + "\" before it", section);
        } else {
            changed = text.substring(0, from) + body + text.substring(to + end.length());
        }
        AtomicFile.write(document, changed.getBytes(StandardCharsets.UTF_8));
    }

    private String text() {
        try {
            return Files.exists(document) ? Files.readString(document) : "";
        } catch (IOException e) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    document + " cannot be read as a UTF-8 text (" + e.getMessage() + "): name another document.",
                    e);
        }
    }

    /** Where the comment stands, or −1. */
    private int only(String text, String comment) {
        int at = text.indexOf(comment);
        if (at >= 0 && text.indexOf(comment, at + 1) >= 0) {
            throw damaged("has \"" + comment + "\" twice", comment);
        }
        return at;
    }

    private LecternException damaged(String problem, String section) {
        return new LecternException(
                LecternException.Kind.BAD_OPTION,
                document + " " + problem + ": put one pair of comments around the section of " + section
                        + ", or take both away.");
    }
}
