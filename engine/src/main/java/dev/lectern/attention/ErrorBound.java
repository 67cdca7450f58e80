package dev.lectern.attention;

import dev.lectern.Traffic;
import java.util.Arrays;

/**
 * How many tokens each set of query heads draws: a budget at first, and with a bound on the relative error more, drawn anew, as long as {@link SampleError} is above it for one of the heads: twice as many, or as many times more
 * as the error is too large, which is not yet what an error needs that falls with the root of the number. Instead of half or more of all tokens, all are read. A sample that is looked at again and again is believed more easily where its estimate happens to be small: the bound is for estimates, not a promise.
 */
final class ErrorBound {
    private final double bound; // NaN for none
    private int[] wanted = {}; // [rows][kvHeads]: tokens
    private int[] first = {}; // [rows][kvHeads]: of these at first
    private int[] all = {}; // [rows][kvHeads]
    private double[] errors = {}; // [rows][kvHeads]: estimated last
    private int[] sampled = {}; // [rows][kvHeads]: tokens that were looked at for it
    private SampleError[] estimates = {}; // [workers]

    /** Fills the selection of a set with as many tokens as it wants. */
    @FunctionalInterface
    interface Refill {
        void fill(int set, Selection selection, int worker);
    }

    /** @param bound of the relative error; NaN for none */
    ErrorBound(double bound) {
        this.bound = bound;
    }

    /** Makes room for the sets of a step. */
    void begin(int sets, int threads) {
        if (wanted.length < sets) {
            wanted = new int[sets];
            first = new int[sets];
            all = new int[sets];
            errors = new double[sets];
            sampled = new int[sets];
        }
        if (estimates.length < threads) {
            estimates = new SampleError[threads];
            Arrays.setAll(estimates, i -> new SampleError());
        }
    }

    /** Has a set want so many tokens of all at first. */
    void want(int set, int tokens, int all) {
        wanted[set] = tokens;
        first[set] = tokens;
        this.all[set] = all;
    }

    int wanted(int set) {
        return wanted[set];
    }

    /** Whether a set wants more than at first. */
    boolean isEnlarged(int set) {
        return wanted[set] > first[set];
    }

    /**
     * Settles selections whose outputs are within the bound, and has the others filled with more; when all are settled, notes what became of them.
     *
     * @param segments {@code [rows]}
     * @param selections {@code [rows][kvHeads]}
     * @param out {@code [rows][heads][headDim]}
     * @param logSumExp {@code [rows][heads]}
     * @return whether some are not settled
     */
    boolean wantsMore(
            Step step, Segments[] segments, Selection[] selections, float[] out, float[] logSumExp, Refill refill) {
        if (Double.isNaN(bound)) {
            return false;
        }
        int kvHeads = step.heads().kvHeads(), sets = step.rows() * kvHeads;
        step.exact().workers().run(sets, step.cancellation(), (set, worker) -> {
            Selection chosen = selections[set];
            sampled[set] = 0;
            if (chosen.isSettled()) {
                return;
            }
            estimate(step, set, segments[set / kvHeads], chosen, out, logSumExp, estimates[worker]);
            if (errors[set] <= bound) {
                chosen.settle();
            } else {
                double more = wanted[set] * Math.max(2, errors[set] / bound);
                wanted[set] = 2 * more >= all[set] ? all[set] : (int) more;
                refill.fill(set, chosen, worker);
            }
        });
        boolean more = false;
        for (int set = 0; set < sets; set++) {
            if (sampled[set] > 0) { // a host may hold no page
                step.exact().noteRead(sampled[set] * Segments.rowBytes(segments[set / kvHeads].page(0)));
            }
            more |= !selections[set].isSettled();
        }
        if (!more) {
            note(step.exact(), sets);
        }
        return more;
    }

    private void estimate(
            Step step, int set, Segments source, Selection chosen, float[] out, float[] logSumExp, SampleError error) {
        Heads heads = step.heads();
        int head = set * heads.group(), kvHead = set % heads.kvHeads();
        errors[set] = error.of(heads, source, kvHead, chosen, step.q(), head * heads.headDim(), out, logSumExp, head);
        sampled[set] = error.sampled();
    }

    private void note(ExactAttention exact, int sets) {
        long choices = 0, enlarged = 0, dense = 0;
        double sum = 0;
        for (int set = 0; set < sets; set++) {
            if (first[set] < all[set]) {
                choices++;
                enlarged += wanted[set] > first[set] ? 1 : 0;
                dense += wanted[set] == all[set] ? 1 : 0;
                sum += errors[set];
            }
        }
        exact.note(new Traffic.Bounded(choices, enlarged, dense, sum));
    }
}
