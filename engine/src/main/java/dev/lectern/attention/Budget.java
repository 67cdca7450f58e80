package dev.lectern.attention;

import java.util.Locale;

/**
 * How many tokens a method may choose: so many, or a share of those that it chooses from.
 *
 * @param share of them, 0 to 1; NaN for a number
 * @param count of tokens, where share is NaN
 */
record Budget(double share, int count) {
    /** What MagicPIG reads of a cache (arXiv 2410.16179, section 5). */
    static final Budget TWO_PERCENT = new Budget(0.02, 0);

    /** Of so many; at least one. */
    int of(int tokens) {
        return Double.isNaN(share)
                ? Math.min(count, tokens)
                : Math.clamp((long) Math.ceil(share * tokens), Math.min(1, tokens), tokens);
    }

    @Override
    public String toString() {
        return Double.isNaN(share) ? Integer.toString(count) : String.format(Locale.ROOT, "%s%%", plain(100 * share));
    }

    private static String plain(double number) {
        double rounded = Math.round(number * 1e9) / 1e9; // 7 % is not 7.000000000000001 %
        return rounded == Math.rint(rounded) ? Long.toString((long) rounded) : Double.toString(rounded);
    }
}
