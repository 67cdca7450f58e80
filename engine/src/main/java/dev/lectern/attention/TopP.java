package dev.lectern.attention;

import dev.lectern.options.NamedOptions;

/**
 * As few tokens of the highest scores as together have a share p of the softmax; what is always read counts. The budget follows the shape of the softmax: few tokens where it is peaked, many where it is flat.
 *
 * <p>Source: Lin et al., "Twilight: Adaptive attention sparsity with hierarchical top-p pruning" (arXiv 2502.02770), section 4.1; over exact scores.
 */
final class TopP extends OracleChoice {
    private static final double P = 0.95;

    private final double p;

    TopP(NamedOptions options) {
        this(options, options.share("p", P));
    }

    private TopP(NamedOptions options, double p) {
        super(options, "p=" + p);
        this.p = p;
    }

    @Override
    void choose(Scores scores, Selection into) {
        int count = scores.middle().count();
        float highest = scores.highest();
        float[] sorted = scores.sorted();
        double taken = scores.outside(highest), all = taken;
        for (int i = 0; i < count; i++) {
            all += Scores.power(sorted[i], highest);
        }
        int tokens = 0;
        // Of everything, the sum in another order may stay below the sum by rounding.
        while (tokens < count && (taken < p * all || p == 1)) {
            tokens++;
            taken += Scores.power(sorted[count - tokens], highest);
        }
        if (tokens > 0) {
            scores.takeHighest(tokens, sorted, into);
        }
    }
}
