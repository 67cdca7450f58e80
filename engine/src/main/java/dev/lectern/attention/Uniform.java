package dev.lectern.attention;

import dev.lectern.options.NamedOptions;

/**
 * Draws tokens without looking at them, each with the same probability π = m/n, without replacement, and lets each stand for 1/π: what sampling is worth without knowing scores.
 *
 * <p>Source: the control of Chen et al., "MagicPIG" (arXiv 2410.16179), section 3.2; drawn by Knuth's algorithm S (The Art of Computer Programming, volume 2, section 3.4.2).
 */
final class Uniform extends TokenChoice {
    private final Budget budget;
    private final int seed;

    Uniform(NamedOptions options) {
        this(options, Budget.of(options), options.whole("seed", 1, 0, Integer.MAX_VALUE));
    }

    private Uniform(NamedOptions options, Budget budget, int seed) {
        super(options, "budget=" + budget + ":seed=" + seed);
        this.budget = budget;
        this.seed = seed;
    }

    @Override
    int sets(Heads heads) {
        return heads.heads();
    }

    @Override
    void choose(Middle middle, Selection into, int worker) {
        int count = middle.count(), draws = budget.of(count);
        float logWeight = (float) Math.log((double) count / draws);
        SplitMix random = new SplitMix();
        random.begin(seed, middle.layer, middle.set, middle.place);
        int left = draws;
        for (int i = 0; i < count && left > 0; i++) {
            if (random.next() * (count - i) < left) {
                into.add(middle.from + i, logWeight);
                left--;
            }
        }
    }
}
