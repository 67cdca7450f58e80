package dev.lectern.attention;

import dev.lectern.options.NamedOptions;
import java.util.Arrays;

/**
 * Draws tokens with the probabilities of the softmax itself, with replacement, and takes the mean of their values: {@code o = Σ_outside a_i v_i + A/m · Σ_draws v}, with the weights a_i of the softmax,
 * the share A of the middle and m draws. The mean over all draws is the exact output. It is what sampling by importance could be at best, at no more than the given draws: a token that is
 * drawn twice is read once.
 *
 * <p>Source: Chen et al., "MagicPIG" (arXiv 2410.16179), section 3.2, "oracle sampling". Deviation: sinks and window are exact; a budget of the whole middle reads it.
 */
final class OracleSampling extends OracleChoice {
    private final Budget budget;
    private final int seed;

    OracleSampling(NamedOptions options) {
        this(options, Budget.of(options), options.whole("seed", 1, 0, Integer.MAX_VALUE));
    }

    private OracleSampling(NamedOptions options, Budget budget, int seed) {
        super(options, "budget=" + budget + ":seed=" + seed);
        this.budget = budget;
        this.seed = seed;
    }

    @Override
    void choose(Scores scores, Selection into) {
        Middle middle = scores.middle();
        int count = middle.count(), draws = budget.of(count);
        if (draws == count) {
            into.addRun(middle.from, count, 0);
            return;
        }
        double[] powers = scores.powers(scores.highest());
        double all = 0;
        for (int i = 0; i < count; i++) {
            all += powers[i];
        }
        double[] drawn = new double[draws];
        SplitMix random = new SplitMix();
        random.begin(seed, middle.layer, middle.set, middle.place);
        Arrays.setAll(drawn, i -> random.next());
        Arrays.sort(drawn);
        double sum = 0;
        int next = 0;
        for (int i = 0; i < count && next < draws; i++) {
            sum += powers[i];
            int hits = 0;
            while (next < draws && drawn[next] * all < sum) {
                hits++;
                next++;
            }
            if (hits > 0) {
                // Whatever it weighs, a draw counts all / m.
                into.add(middle.from + i, (float) Math.log(hits * all / (draws * powers[i])));
            }
        }
    }
}
