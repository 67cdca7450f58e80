package dev.lectern.generate;

import dev.lectern.LecternException;
import dev.lectern.Sampling;
import java.util.Arrays;

/**
 * Chooses tokens of one answer. The draw for a step depends on (seed, stream, step) alone, so a run can be repeated, and answers of one batch
 * differ only by their stream.
 */
public final class Sampler {
    private final Sampling sampling;
    private final int stream;
    private long step;
    private int[] seen = {}; // tokens of the answer, sorted by nothing, without repetition
    private int seenCount;
    private long[] candidates = {}; // (descending order key of the logit) << 32 | id
    private double[] weights = {};

    /** @param stream which answer of a batch, from 0 */
    public Sampler(Sampling sampling, int stream) {
        this.sampling = sampling;
        this.stream = stream;
    }

    /**
     * The next token.
     *
     * @param logits {@code [vocabulary]} from at; may be overwritten
     */
    public int next(float[] logits, int at, int vocabulary) {
        penalise(logits, at);
        int likeliest = likeliest(logits, at, vocabulary);
        if (!Float.isFinite(logits[at + likeliest])) {
            throw notNumbers();
        }
        int token = sampling.isGreedy() ? likeliest : draw(logits, at, vocabulary, logits[at + likeliest]);
        remember(token);
        step++;
        return token;
    }

    private void penalise(float[] logits, int at) {
        float penalty = (float) sampling.repeatPenalty();
        if (penalty == 1) {
            return;
        }
        for (int i = 0; i < seenCount; i++) {
            float logit = logits[at + seen[i]];
            logits[at + seen[i]] = logit > 0 ? logit / penalty : logit * penalty;
        }
    }

    private void remember(int token) {
        if (sampling.repeatPenalty() == 1) {
            return;
        }
        for (int i = 0; i < seenCount; i++) {
            if (seen[i] == token) {
                return;
            }
        }
        if (seenCount == seen.length) {
            seen = Arrays.copyOf(seen, Math.max(16, 2 * seenCount));
        }
        seen[seenCount++] = token;
    }

    /** The likeliest token; of equals the one with the lowest id. */
    public static int likeliest(float[] logits, int at, int vocabulary) {
        int best = 0;
        for (int i = 1; i < vocabulary; i++) {
            if (logits[at + i] > logits[at + best]) {
                best = i;
            }
        }
        return best;
    }

    private static LecternException notNumbers() {
        return new LecternException(
                LecternException.Kind.BAD_MODEL_FILE,
                "The model computes values that are not numbers: its file is damaged, or was made so; pull it again.");
    }

    private int draw(float[] logits, int at, int vocabulary, double max) {
        double total = 0;
        for (int i = 0; i < vocabulary; i++) {
            total += Math.exp((logits[at + i] - max) / sampling.temperature());
        }
        if (!Double.isFinite(total)) {
            throw notNumbers();
        }
        boolean some = sampling.topK() > 0 && sampling.topK() < vocabulary;
        int count = some ? likeliestFew(logits, at, vocabulary) : likeEnough(logits, at, vocabulary, max, total);
        weights = weights.length >= count ? weights : new double[candidates.length];
        double kept = 0;
        for (int i = 0; i < count; i++) {
            weights[i] = Math.exp((logits[at + (int) candidates[i]] - max) / sampling.temperature());
            kept += weights[i];
        }
        // With top-k the probabilities that top-p adds up are those among the k; without it they are those of the whole
        // vocabulary.
        double goal = sampling.topP() * (some ? kept : total);
        double sum = 0;
        int n = 0;
        while (n < count && (n == 0 || sum < goal) && weights[n] >= sampling.minP()) {
            sum += weights[n++];
        }
        double point = uniform(sampling.seed(), stream, step) * sum;
        for (int i = 0; i < n; i++) {
            point -= weights[i];
            if (point < 0) {
                return (int) candidates[i];
            }
        }
        return (int) candidates[n - 1];
    }

    /** Makes the candidates the topK likeliest tokens, descending by logit, ascending by id. */
    private int likeliestFew(float[] logits, int at, int vocabulary) {
        int k = sampling.topK();
        int room = (int) Math.min(2L * k, vocabulary);
        if (candidates.length < room) {
            candidates = new long[room];
        }
        int count = 0;
        long worst = Long.MAX_VALUE;
        for (int i = 0; i < vocabulary; i++) {
            long candidate = candidate(logits[at + i], i);
            if (candidate > worst) {
                continue;
            }
            if (count == candidates.length) {
                Arrays.sort(candidates);
                count = k;
                worst = candidates[k - 1];
            }
            candidates[count++] = candidate;
        }
        Arrays.sort(candidates, 0, count);
        return Math.min(count, k);
    }

    /** Makes the candidates those tokens that top-p and min-p may keep, descending by logit, ascending by id. */
    private int likeEnough(float[] logits, int at, int vocabulary, double max, double total) {
        // What is less likely than this cannot be needed: all such tokens together have less than 1 − topP, or less
        // than
        // minP each.
        double floor = Math.max(sampling.minP(), (1 - sampling.topP()) * total / vocabulary);
        int count = 0;
        for (int i = 0; i < vocabulary; i++) {
            if (Math.exp((logits[at + i] - max) / sampling.temperature()) >= floor) {
                if (count == candidates.length) {
                    candidates = Arrays.copyOf(candidates, Math.max(64, 2 * count));
                }
                candidates[count++] = candidate(logits[at + i], i);
            }
        }
        Arrays.sort(candidates, 0, count);
        return count;
    }

    private static long candidate(float logit, int id) {
        return (long) descending(logit) << 32 | id;
    }

    /** An integer that falls where the float rises. */
    private static int descending(float value) {
        int bits = Float.floatToIntBits(value);
        return ~(bits ^ (bits >> 31 & 0x7fffffff));
    }

    /** A number in [0, 1) from the counters: two rounds of the SplitMix64 finaliser (Steele et al., 2014). */
    static double uniform(long seed, int stream, long step) {
        long x = mix(seed + 0x9e3779b97f4a7c15L * (stream + 1L));
        x = mix(x + 0x9e3779b97f4a7c15L * (step + 1));
        return (x >>> 11) * 0x1p-53;
    }

    private static long mix(long z) {
        z = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
        z = (z ^ z >>> 27) * 0x94d049bb133111ebL;
        return z ^ z >>> 31;
    }
}
