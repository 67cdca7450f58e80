package dev.lectern.hub;

import java.util.regex.Pattern;

/** Which names from outside may become files here. */
final class FileNames {
    // Letters of any script, digits, blanks and the usual signs; no separator, drive, wildcard or control character.
    private static final Pattern SEGMENT = Pattern.compile("[\\p{L}\\p{N}_.+@()\\[\\]=,~ -]{1,200}");

    private FileNames() {}

    /** Whether the name is a relative path of plain segments that stays below the folder it is resolved in. */
    static boolean isSafe(String name) {
        if (name.length() > 500) {
            return false;
        }
        for (String segment : name.split("/", -1)) {
            boolean onlyDots = segment.chars().allMatch(c -> c == '.');
            if (onlyDots || !SEGMENT.matcher(segment).matches() || !segment.equals(segment.strip())) {
                return false;
            }
        }
        return true;
    }

    /** The name with what could disturb a terminal left out, cut to a length that fits into a sentence. */
    static String shown(String name) {
        String plain = name.replaceAll("\\p{C}", "?");
        return plain.length() <= 120 ? plain : plain.substring(0, 117) + "...";
    }
}
