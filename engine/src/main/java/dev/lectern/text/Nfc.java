package dev.lectern.text;

import java.text.Normalizer;
import java.util.Arrays;

/**
 * Unicode's canonical composition, with the place that each character came from. It goes cluster by cluster (a character
 * and the marks that follow it), because nothing composes or changes places across clusters.
 *
 * <p>Hugging Face's composition stays at Unicode 9: marks and composing letters that came later are left as they stand, and
 * so they are here. A cluster of more than {@value #LONGEST_CLUSTER} units is cut, so that a text of marks alone, which no
 * language writes, takes linear time.
 */
final class Nfc {
    private static final int LONGEST_CLUSTER = 128;
    private static final int BLOCK = 2048;

    /** First and last code points, in order, of what Unicode 10 and later gave a combining class or a composition. */
    private static final int[] LATER = {
        0x7FD, 0x7FD, 0x897, 0x89F, 0x8CA, 0x8D3, 0x9FE, 0x9FE, 0xC3C, 0xC3C, 0xD3B, 0xD3C, 0xEBA, 0xEBA, 0x1715,
        0x1715, 0x1ABF, 0x1ACE, 0x1DF6, 0x1DFA, 0xA82C, 0xA82C, 0x105C0, 0x105FF, 0x10D24, 0x10D27, 0x10D69, 0x10D6D,
        0x10EAB, 0x10EAC, 0x10EFD, 0x10EFF, 0x10F46, 0x10F50, 0x10F82, 0x10F85, 0x11070, 0x11070, 0x1133B, 0x1133B,
        0x11380, 0x113FF, 0x1145E, 0x1145E, 0x11839, 0x1183A, 0x11900, 0x1195F, 0x119E0, 0x119E0, 0x11A34, 0x11A34,
        0x11A47, 0x11A47, 0x11A99, 0x11A99, 0x11D42, 0x11D42, 0x11D44, 0x11D45, 0x11D97, 0x11D97, 0x11F41, 0x11F42,
        0x16100, 0x1613F, 0x16D40, 0x16D7F, 0x16FF0, 0x16FF1, 0x1E08F, 0x1E08F, 0x1E130, 0x1E136, 0x1E2AE, 0x1E2AE,
        0x1E2EC, 0x1E2EF, 0x1E4EC, 0x1E4EF, 0x1E5EE, 0x1E5EF
    };

    private final String text;
    private final int base;
    private final StringBuilder composed = new StringBuilder();
    private int[] places;

    private Nfc(Segment segment) {
        text = segment.text();
        base = segment.base();
        places = new int[text.length()];
    }

    /** @param segment taken from the text as it was given: one by one, nothing inserted */
    static Segment normalize(Segment segment) {
        String text = segment.text();
        int plain = 0;
        while (plain < text.length() && text.charAt(plain) < 0x300) {
            plain++;
        }
        return plain == text.length() ? segment : new Nfc(segment).run();
    }

    private Segment run() {
        boolean changed = false;
        for (int from = 0; from < text.length(); ) {
            int to = from;
            do {
                to = clusterEnd(to);
            } while (to < text.length() && to - from < BLOCK);
            if (Normalizer.isNormalized(text.substring(from, to), Normalizer.Form.NFC)) {
                keep(from, to);
            } else {
                changed |= composeClusters(from, to);
            }
            from = to;
        }
        return changed
                ? new Segment(composed.toString(), base, 0, Arrays.copyOf(places, composed.length()))
                : original();
    }

    private Segment original() {
        return new Segment(text, base, 0, null);
    }

    private boolean composeClusters(int from, int to) {
        boolean changed = false;
        for (int i = from; i < to; ) {
            int end = clusterEnd(i);
            String before = text.substring(i, end);
            boolean later = isLater(before.codePointAt(0));
            String after = later ? before : Normalizer.normalize(before, Normalizer.Form.NFC);
            if (after.equals(before)) {
                keep(i, end);
            } else {
                replace(i, before, after);
                changed = true;
            }
            i = end;
        }
        return changed;
    }

    private void keep(int from, int to) {
        reserve(to - from);
        for (int i = from; i < to; i++) {
            places[composed.length() + i - from] = base + i;
        }
        composed.append(text, from, to);
    }

    /** The first composed character comes from the first of the cluster, the others, counted from the end, from theirs. */
    private void replace(int from, String before, String after) {
        reserve(after.length());
        int[] sources = before.codePoints().toArray();
        int[] results = after.codePoints().toArray();
        int[] offsets = new int[sources.length];
        for (int i = 1; i < sources.length; i++) {
            offsets[i] = offsets[i - 1] + Character.charCount(sources[i - 1]);
        }
        for (int i = 0; i < results.length; i++) {
            int source = i == 0 ? 0 : Math.max(0, sources.length - (results.length - i));
            for (int k = 0; k < Character.charCount(results[i]); k++) {
                places[composed.length() + k] = base + from + offsets[source];
            }
            composed.appendCodePoint(results[i]);
        }
    }

    private void reserve(int more) {
        int needed = Math.addExact(composed.length(), more);
        if (needed > places.length) {
            places = Arrays.copyOf(places, Math.max(needed, places.length + (places.length >>> 1)));
        }
    }

    private int clusterEnd(int from) {
        int first = text.codePointAt(from);
        int end = from + Character.charCount(first);
        if (isLater(first)) {
            return end;
        }
        while (end < text.length() && end - from < LONGEST_CLUSTER) {
            int c = text.codePointAt(end);
            if (!extendsCluster(c)) {
                break;
            }
            end += Character.charCount(c);
        }
        return end;
    }

    /** Whether a character may compose with, or change places with, what stands before it: marks, Hangul vowels and finals. */
    private static boolean extendsCluster(int c) {
        if (c < 0x300 || isLater(c)) {
            return false;
        }
        return switch (Character.getType(c)) {
            case Character.NON_SPACING_MARK, Character.ENCLOSING_MARK, Character.COMBINING_SPACING_MARK -> true;
            default -> c >= 0x1160 && c <= 0x11FF;
        };
    }

    private static boolean isLater(int c) {
        if (c < LATER[0]) {
            return false;
        }
        int found = Arrays.binarySearch(LATER, c);
        return found >= 0 || (-found - 1) % 2 == 1;
    }
}
