package dev.lectern.attention;

import dev.lectern.options.NamedOptions;
import java.util.Locale;
import java.util.Optional;

/**
 * How many tokens a method may choose, or bytes it may read: so many, or a share of all.
 *
 * @param share of them, 0 to 1; NaN for a number
 * @param count of them, where share is NaN
 */
record Budget(double share, int count) {
    /** What MagicPIG reads of a cache (arXiv 2410.16179, section 5). */
    static final Budget TWO_PERCENT = new Budget(0.02, 0);

    /** The option {@code budget}: a number of tokens, or a share in per cent. */
    static Budget of(NamedOptions options) {
        return of(options, TWO_PERCENT);
    }

    /** The same, with another one unless it is given. */
    static Budget of(NamedOptions options, Budget unlessGiven) {
        return given(options, "budget", "tokens (budget=128) or a share of them (budget=2%)")
                .orElse(unlessGiven);
    }

    /** The option {@code bytes}, if it is given: what a token may read in a layer, or the share of what it reads in dense attention, in per cent. */
    static Optional<Budget> ofBytes(NamedOptions options) {
        return given(
                options,
                "bytes",
                "bytes for a token in a layer (bytes=100000) or a share of those of dense attention (bytes=12%)");
    }

    private static Optional<Budget> given(NamedOptions options, String option, String takes) {
        return options.text(option).map(text -> {
            if (text.endsWith("%")) {
                double percent = number(text.substring(0, text.length() - 1));
                if (percent > 0 && percent <= 100) {
                    return new Budget(percent / 100, 0);
                }
            } else {
                double count = number(text);
                if (count >= 1 && count <= Integer.MAX_VALUE && count == Math.rint(count)) {
                    return new Budget(Double.NaN, (int) count);
                }
            }
            throw options.bad(option + " is " + text + ", but it takes " + takes);
        });
    }

    private static double number(String text) {
        try {
            return Double.parseDouble(text);
        } catch (NumberFormatException e) {
            return Double.NaN;
        }
    }

    /** Of so many; at least one. */
    int of(int tokens) {
        return Double.isNaN(share)
                ? Math.min(count, tokens)
                : Math.clamp((long) Math.ceil(share * tokens), Math.min(1, tokens), tokens);
    }

    /** Of so many bytes; it may be more than all. */
    double ofBytes(long all) {
        return Double.isNaN(share) ? count : share * all;
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
