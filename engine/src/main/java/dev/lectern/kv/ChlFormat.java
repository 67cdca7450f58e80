package dev.lectern.kv;

import dev.lectern.kernel.CodePlanes;
import dev.lectern.options.NamedOptions;
import java.util.List;

/**
 * {@code chl-8} … {@code chl-2}: centred, balanced, Hadamard, Lloyd–Max; our own family, for pages that close as a whole.
 *
 * <p>Keys have channels with a large offset that hardly changes, which a scale for each row cannot follow and a rotation only spreads. So the mean of the page is taken off (a softmax does not notice), channels are
 * scaled to balance what keys vary with what queries weigh, and what is left is rotated by a Walsh–Hadamard transform (as QuaRot does, Ashkboos et al., arXiv 2404.00456), after which its
 * numbers are nearly normal and Lloyd–Max levels fit (TurboQuant, Zandieh et al., arXiv 2504.19874). Values are rotated alone: centring gives the many copies of a common word, with small values
 * that attract much attention, the same error, which does not average out.
 *
 * <p>The first {@value #SINKS} tokens stay exact and out of the statistics, and below 8 bits the last {@value #WINDOW}.
 */
final class ChlFormat {
    private static final int SINKS = 4;
    private static final int WINDOW = 128;

    private ChlFormat() {}

    private static KvFormat of(int bits, ScaledRows.Turn turn, CodePlanes planes, NamedOptions options) {
        int usual = bits == 8 ? 0 : WINDOW;
        int sinks = options.whole("sinks", SINKS, 0, Page.TOKENS / 2),
                window = options.whole("window", usual, 0, 1 << 20);
        String name = "chl-" + bits + (sinks == SINKS ? "" : ":sinks=" + sinks)
                + (window == usual ? "" : ":window=" + window);
        return new ScaledFormat(name, ScaledRows.Coding.of(planes, turn), sinks, window);
    }

    /** For keys, whose first bits can be read without the rest. */
    static KvFormat keys(int bits, NamedOptions options) {
        CodePlanes planes = switch (bits) {
            case 2 -> CodePlanes.TWO;
            case 3 -> CodePlanes.TWO_ONE;
            case 4 -> CodePlanes.TWO_TWO;
            case 5 -> CodePlanes.TWO_TWO_ONE;
            case 6 -> CodePlanes.TWO_FOUR;
            default -> CodePlanes.EIGHT;
        };
        return of(bits, ScaledRows.Turn.CENTRED_BALANCED_ROTATED, planes, options);
    }

    /** For values, which are read whole. */
    static KvFormat values(int bits, NamedOptions options) {
        CodePlanes planes = switch (bits) {
            case 2 -> CodePlanes.TWO;
            case 3 -> CodePlanes.TWO_ONE;
            case 4 -> CodePlanes.FOUR;
            case 5 -> CodePlanes.TWO_TWO_ONE;
            case 6 -> CodePlanes.TWO_FOUR;
            default -> CodePlanes.EIGHT;
        };
        return of(bits, ScaledRows.Turn.ROTATED, planes, options);
    }

    /** The numbers of bits that there are. */
    static final List<Integer> BITS = List.of(8, 6, 5, 4, 3, 2);
}
