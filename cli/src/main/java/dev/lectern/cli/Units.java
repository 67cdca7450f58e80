package dev.lectern.cli;

import java.util.Locale;

/** Numbers for people. */
final class Units {
    private static final String[] PREFIXES = {"", "k", "M", "G", "T", "P"};

    private Units() {}

    /** {@code 491.4 MB}: decimal, as disks and downloads are sold. */
    static String bytes(double bytes) {
        int prefix = 0;
        double value = bytes;
        while (value >= 999.95 && prefix < PREFIXES.length - 1) {
            value /= 1000;
            prefix++;
        }
        return String.format(Locale.ROOT, prefix == 0 ? "%.0f %sB" : "%.1f %sB", value, PREFIXES[prefix]);
    }

    /** {@code 3.2 s}, {@code 21:54}, {@code 1:02:03}. */
    static String seconds(double seconds) {
        if (seconds < 59.95) {
            return String.format(Locale.ROOT, "%.1f s", seconds);
        }
        return clock(seconds);
    }

    /** {@code 0:07}, {@code 21:54}, {@code 1:02:03}. */
    static String clock(double seconds) {
        long whole = Math.round(Math.max(0, Math.min(seconds, 1e15)));
        long hours = whole / 3600;
        String minutes = String.format(Locale.ROOT, hours > 0 ? "%02d:%02d" : "%d:%02d", whole / 60 % 60, whole % 60);
        return hours > 0 ? hours + ":" + minutes : minutes;
    }

    /** Three digits or more: {@code 9.31}, {@code 42.1}, {@code 118}. */
    static String rate(double perSecond) {
        if (!Double.isFinite(perSecond)) {
            return "?";
        }
        return String.format(Locale.ROOT, perSecond < 10 ? "%.2f" : perSecond < 100 ? "%.1f" : "%.0f", perSecond);
    }
}
