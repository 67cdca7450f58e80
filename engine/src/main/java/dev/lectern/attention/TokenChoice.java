package dev.lectern.attention;

import dev.lectern.Cancellation;
import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kv.KvCache;
import dev.lectern.options.NamedOptions;
import java.util.Arrays;

/**
 * Methods that choose, for each query head by itself, some tokens of those between the first few (the sinks of attention) and the last few (the local
 * window), which are always read.
 *
 * <p>The methods here know all scores before they choose. So they show what choosing can be worth at best, and cost more than reading everything.
 */
abstract class TokenChoice implements DecodeAttention {
    /** What published comparisons take: 4 and 64 (MagicPIG, arXiv 2410.16179, section 5). */
    private static final int SINKS = 4;

    private static final int WINDOW = 64;
    private static final int MOST = 1 << 20;

    private final String name;
    private final int sinks;
    private final int window;

    private float[] scores = {};
    private Selection[] selections = {};
    private Segments[] segments = {};
    private Middle[] middles = {};

    /**
     * @param described the method's own options, as they are named in results
     */
    TokenChoice(NamedOptions options, String described) {
        sinks = options.whole("sinks", SINKS, 0, MOST);
        window = options.whole("window", WINDOW, 1, MOST);
        name = options.name() + ":" + described + ":sinks=" + sinks + ":window=" + window;
    }

    @Override
    public final String name() {
        return name;
    }

    /** Chooses; all tokens of the middle are given to it where it has any. */
    abstract void choose(Middle middle, Selection into);

    /** Whether {@link #choose} looks at scores. */
    boolean needsScores() {
        return true;
    }

    @Override
    public final long bytes(Heads heads, int rows, long tokens) {
        long perToken = needsScores() ? 3 * Float.BYTES + Double.BYTES : 2 * Float.BYTES;
        return Math.multiplyExact(Math.multiplyExact((long) rows * heads.heads(), tokens), perToken);
    }

    @Override
    public final void attend(
            ExactAttention exact,
            int layer,
            Heads heads,
            KvCache[] caches,
            float[] q,
            float[] out,
            Cancellation cancellation) {
        int rows = caches.length, sets = rows * heads.heads();
        int stride = 0;
        segments = segments.length < rows ? new Segments[rows] : segments;
        for (int row = 0; row < rows; row++) {
            int tokens = caches[row].length() + 1;
            segments[row] = Segments.of(caches[row], layer, tokens);
            stride = Math.max(stride, Math.ceilDiv(tokens, AttentionTiles.TILE) * AttentionTiles.TILE);
        }
        if (selections.length < sets) {
            selections = new Selection[sets];
            Arrays.setAll(selections, i -> new Selection());
        }
        if (middles.length < exact.workers().threads()) {
            middles = new Middle[exact.workers().threads()];
            Arrays.setAll(middles, i -> new Middle());
        }
        if (needsScores()) {
            scores = Shares.grown(scores, Math.multiplyExact(sets, stride));
            exact.scores(heads, layer, caches, q, scores, stride, cancellation);
        }
        int width = stride;
        exact.workers().run(sets, cancellation, (set, worker) -> {
            int tokens = caches[set / heads.heads()].length() + 1;
            int first = heads.window() == 0 ? 0 : Math.max(0, tokens - heads.window());
            Middle middle = middles[worker];
            middle.scores = scores;
            middle.at = set * width;
            middle.layer = layer;
            middle.head = set % heads.heads();
            middle.first = first;
            middle.from = Math.min(first + sinks, tokens);
            middle.to = Math.max(middle.from, tokens - window);
            middle.end = tokens;
            Selection selection = selections[set];
            selection.clear();
            selection.addRun(first, middle.from - first, 0);
            if (middle.count() > 0) {
                choose(middle, selection);
            }
            selection.addRun(middle.to, tokens - middle.to, 0);
        });
        exact.gather(heads, rows, heads.heads(), q, segments, selections, out, null, cancellation);
        Arrays.fill(segments, 0, rows, null); // a cache that is closed can go
    }

    /** What one query head may choose from. */
    static final class Middle {
        private static final double LN_2 = Math.log(2);

        private float[] scores = {};
        private int at;
        private int first;
        private int end;
        private float[] sorted = {};
        private double[] powers = {};
        int layer;
        int head;

        /** The first token of the middle. */
        int from;

        /** The first token after it. */
        int to;

        int count() {
            return to - from;
        }

        /** Tokens of the sequence: tells one step from another. */
        int tokens() {
            return end;
        }

        /** A token's score: the binary logarithm of its weight in the softmax, up to a constant. */
        float score(int token) {
            return scores[at + token];
        }

        /** The middle's scores, ascending; {@link #count} of them count. */
        float[] sorted() {
            sorted = Shares.grown(sorted, count());
            System.arraycopy(scores, at + from, sorted, 0, count());
            Arrays.sort(sorted, 0, count());
            return sorted;
        }

        /** What all scores are relative to in {@link #power}: the highest of the sequence. */
        float highest() {
            float highest = Float.NEGATIVE_INFINITY;
            for (int token = first; token < end; token++) {
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
            for (int token = first; token < end; token = token + 1 == from ? to : token + 1) {
                sum += power(score(token), highest);
            }
            return sum;
        }

        /** {@code 2^(score − highest)} of each token of the middle. */
        double[] powers(float highest) {
            if (powers.length < count()) {
                powers = new double[count()];
            }
            for (int i = 0; i < count(); i++) {
                powers[i] = power(score(from + i), highest);
            }
            return powers;
        }

        /**
         * Takes the tokens of the highest scores, so many of them; of equal ones the first.
         *
         * @param sorted what {@link #sorted} gave
         */
        void takeHighest(int tokens, float[] sorted, Selection into) {
            float least = sorted[count() - tokens];
            int ties = tokens;
            for (int token = from; token < to; token++) {
                ties -= score(token) > least ? 1 : 0;
            }
            for (int token = from; token < to; token++) {
                if (score(token) > least || (score(token) == least && ties-- > 0)) {
                    into.add(token, 0);
                }
            }
        }
    }
}
