package dev.lectern.attention;

import dev.lectern.options.NamedOptions;

/**
 * The tokens of the highest scores, whatever the search for them would cost: the best that methods can find which search for heavy tokens. What the others weigh is
 * lost, so the result is biased towards the heavy ones, the more the flatter the softmax is.
 *
 * <p>Source: the baseline "TopK" of Chen et al., "MagicPIG" (arXiv 2410.16179), section 3.1.
 */
final class TopK extends OracleChoice {
    private final Budget budget;

    TopK(NamedOptions options) {
        this(options, Budget.of(options));
    }

    private TopK(NamedOptions options, Budget budget) {
        super(options, "budget=" + budget);
        this.budget = budget;
    }

    @Override
    void choose(Scores scores, Selection into) {
        scores.takeHighest(budget.of(scores.middle().count()), scores.sorted(), into);
    }
}
