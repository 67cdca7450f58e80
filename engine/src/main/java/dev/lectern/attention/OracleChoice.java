package dev.lectern.attention;

import dev.lectern.options.NamedOptions;
import java.util.Arrays;

/** Methods that know all scores before each query head chooses. They show what choosing can be worth at best, and cost more than reading everything. */
abstract class OracleChoice extends TokenChoice {
    private float[] scores = {}; // [rows][heads][stride]
    private int stride;
    private int heads;
    private Scores[] views = {}; // [workers]

    /** @param described the method's own options, as they are named in results */
    OracleChoice(NamedOptions options, String described) {
        super(options, described);
    }

    /** Chooses; all tokens of the middle are given to it where it has any. */
    abstract void choose(Scores scores, Selection into);

    @Override
    final int sets(Heads heads) {
        return heads.heads();
    }

    @Override
    public final long bytes(Heads heads, int rows, long tokens) {
        long perToken = 2L * Float.BYTES + Double.BYTES; // a score, once more where they are sorted, and its power
        return Math.addExact(
                super.bytes(heads, rows, tokens),
                Math.multiplyExact(Math.multiplyExact((long) rows * heads.heads(), tokens), perToken));
    }

    @Override
    final void prepare(Step step) {
        stride = step.stride();
        heads = step.heads().heads();
        scores = Shares.grown(scores, Math.multiplyExact(step.rows() * heads, stride));
        step.exact().scores(step.heads(), step.layer(), step.caches(), step.q(), scores, stride, step.cancellation());
        if (views.length < step.exact().workers().threads()) {
            views = new Scores[step.exact().workers().threads()];
            Arrays.setAll(views, i -> new Scores());
        }
    }

    @Override
    final void choose(Middle middle, Selection into, int worker) {
        Scores view = views[worker];
        view.scores = scores;
        view.at = (middle.row * heads + middle.set) * stride;
        view.middle = middle;
        choose(view, into);
    }

    /** The scores of a query head. */
    static final class Scores {
        private static final double LN_2 = Math.log(2);

        private float[] scores = {};
        private int at;
        private Middle middle = new Middle();
        private float[] sorted = {};
        private double[] powers = {};

        /** What may be chosen from. */
        Middle middle() {
            return middle;
        }

        /** A token's score: the binary logarithm of its weight in the softmax, up to a constant. */
        float score(int token) {
            return scores[at + token];
        }

        /** The middle's scores, ascending; as many as it has tokens count. */
        float[] sorted() {
            sorted = Shares.grown(sorted, middle.count());
            System.arraycopy(scores, at + middle.from, sorted, 0, middle.count());
            Arrays.sort(sorted, 0, middle.count());
            return sorted;
        }

        /** What all scores are relative to in {@link #power}: the highest of the sequence. */
        float highest() {
            float highest = Float.NEGATIVE_INFINITY;
            for (int token = middle.first; token < middle.tokens; token++) {
                highest = Math.max(highest, score(token));
            }
            return highest;
        }

        static double power(float score, float highest) {
            return Math.exp((score - highest) * LN_2);
        }

        /** {@code Σ 2^(score − highest)} of the tokens outside the middle. */
        double outside(float highest) {
            double sum = 0;
            for (int token = middle.first;
                    token < middle.tokens;
                    token = token + 1 == middle.from ? middle.to : token + 1) {
                sum += power(score(token), highest);
            }
            return sum;
        }

        /** {@code 2^(score − highest)} of each token of the middle. */
        double[] powers(float highest) {
            if (powers.length < middle.count()) {
                powers = new double[middle.count()];
            }
            for (int i = 0; i < middle.count(); i++) {
                powers[i] = power(score(middle.from + i), highest);
            }
            return powers;
        }

        /**
         * Takes the tokens of the highest scores, so many of them; of equal ones the first.
         *
         * @param sorted what {@link #sorted} gave
         */
        void takeHighest(int tokens, float[] sorted, Selection into) {
            float least = sorted[middle.count() - tokens];
            int ties = tokens;
            for (int token = middle.from; token < middle.to; token++) {
                ties -= score(token) > least ? 1 : 0;
            }
            for (int token = middle.from; token < middle.to; token++) {
                if (score(token) > least || (score(token) == least && ties-- > 0)) {
                    into.add(token, 0);
                }
            }
        }
    }
}
