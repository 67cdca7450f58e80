package dev.lectern.attention;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KvCache;
import dev.lectern.options.NamedOptions;
import java.util.Arrays;

/**
 * The tokens that all queries of a text together looked at most, the <em>heavy hitters</em>, and the latest ones, half of each.
 *
 * <p>Source: Zhang et al., "H2O: Heavy-hitter oracle for efficient generative inference of large language models" (arXiv 2306.14048), section 4, algorithm 1. Deviations: tokens are evicted once, when the
 * text is read, where the paper evicts at every token from the first on, so that the sums here are those of exact attention; an answer's tokens all stay; heads that share a kv head evict together.
 */
final class H2o implements Retention {
    private static final Budget USUAL = new Budget(0.2, 0);
    private static final double RECENT = 0.5;

    private final String name;
    private final Budget budget;
    private final double recent;

    H2o(NamedOptions options) {
        budget = Budget.of(options, USUAL);
        recent = options.share("recent", RECENT);
        name = options.name() + ":budget=" + budget + ":recent=" + recent;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean needsSums() {
        return true;
    }

    @Override
    public int[][] kept(Workers workers, int layer, Heads heads, KvCache cache, Cancellation cancellation) {
        int length = cache.length(), stay = Math.max(1, budget.of(length));
        AttentionSums sums = AttentionSums.of(cache);
        int latest = Math.clamp(Math.round(recent * stay), 1, stay), from = length - latest;
        if (!sums.areWhole(layer, from)) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--keep " + name + " wants to have seen all of the text being read, and some was found on the"
                            + " disk: read it anew with --no-cache.");
        }
        int[][] kept = new int[heads.kvHeads()][];
        Arrays.setAll(
                kept,
                head -> Highest.and(Arrays.copyOf(sums.of(layer, head, length), from), stay - latest, from, length));
        return kept;
    }
}
