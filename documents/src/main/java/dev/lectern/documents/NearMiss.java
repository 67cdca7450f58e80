package dev.lectern.documents;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Says that a file is missing, and which one beside it may have been meant. */
final class NearMiss {
    /** A folder with more files than this is only searched in part: the sentence must come at once. */
    private static final int MAX_NEIGHBOURS = 5_000;

    private NearMiss() {}

    static String message(Path missing) {
        Path folder = missing.toAbsolutePath().normalize().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            return missing + ": no such file; its folder does not exist either.";
        }
        String near = nearest(folder, missing.getFileName().toString());
        if (near.isEmpty()) {
            return missing + ": no such file.";
        }
        return missing + ": no such file; did you mean " + missing.resolveSibling(near) + "?";
    }

    /** The neighbour with the fewest edits, if they are few for the length of the name; otherwise empty. */
    private static String nearest(Path folder, String wanted) {
        String best = "";
        int fewest = Math.max(2, wanted.length() / 4) + 1;
        try (var neighbours = Files.newDirectoryStream(folder)) {
            int seen = 0;
            for (Path neighbour : neighbours) {
                if (++seen > MAX_NEIGHBOURS) {
                    break;
                }
                String candidate = neighbour.getFileName().toString();
                int edits = edits(wanted.toLowerCase(Locale.ROOT), candidate.toLowerCase(Locale.ROOT));
                boolean earlier = edits == fewest && !best.isEmpty() && candidate.compareTo(best) < 0;
                if ((edits < fewest || earlier) && edits < wanted.length() && !Files.isDirectory(neighbour)) {
                    best = candidate;
                    fewest = edits;
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            return "";
        }
        return best;
    }

    /** Levenshtein's distance: insertions, deletions and replacements of one character. */
    static int edits(String a, String b) {
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }
}
