package dev.lectern.measure;

import dev.lectern.LecternException;
import java.util.Optional;
import java.util.TreeSet;

/** A generated answer, with the likeliest candidates of every step, against which other ways to the same answer are held. */
final class Reference {
    /** Candidates kept per step. A tie of more than so many would be reported as a difference, which is the safe side. */
    private static final int CANDIDATES = 8;

    private final double allowed;
    private final int[][] ids; // [tokens][CANDIDATES], likeliest first
    private final float[][] values; // their logits
    private final TreeSet<Integer> differing = new TreeSet<>();
    private double largest;
    private int length;

    /** @param allowed difference of logits, relative to the largest of their step */
    Reference(int tokens, double allowed) {
        this.allowed = allowed;
        ids = new int[tokens][];
        values = new float[tokens][];
    }

    /**
     * What rounding explains. Sums in another order differ by 1e-5 on a model of a few layers, and ten times that is allowed for depth. In a cache of
     * 16 bits such a difference can also push a key or value to its neighbour, one unit in the last place away (2⁻¹¹ in f16, 2⁻⁸ in bf16).
     */
    static double allowed(String kv) {
        return 1e-4
                + switch (kv) {
                    case "f16" -> 0x1p-11;
                    case "bf16" -> 0x1p-8;
                    default -> 0;
                };
    }

    /** Adds the step that has these logits. */
    void add(float[] logits) {
        int n = Math.min(CANDIDATES, logits.length);
        int[] best = new int[n];
        int filled = 0;
        for (int id = 0; id < logits.length; id++) {
            if (filled == n && logits[id] <= logits[best[n - 1]]) {
                continue;
            }
            int at = filled == n ? n - 1 : filled++;
            while (at > 0 && logits[best[at - 1]] < logits[id]) {
                best[at] = best[at - 1];
                at--;
            }
            best[at] = id;
        }
        float[] bestValues = new float[n];
        for (int i = 0; i < n; i++) {
            bestValues[i] = logits[best[i]];
        }
        ids[length] = best;
        values[length] = bestValues;
        length++;
    }

    int token(int step) {
        return ids[step][0];
    }

    /** Refuses any other token: for a way that computes the same bits. */
    void requireSame(int step, int token) {
        if (token != token(step)) {
            throw new LecternException(
                    LecternException.Kind.INTERNAL,
                    "With the cache, token " + step + " was once " + token(step) + " and once " + token
                            + ", although nothing had changed.");
        }
    }

    /**
     * Compares a step of another way.
     *
     * @param token the likeliest of its logits
     * @throws LecternException of kind {@code INTERNAL} if more than rounding is between them
     */
    void compare(int step, int token, float[] logits) {
        double scale = Double.MIN_NORMAL;
        for (float logit : logits) {
            scale = Math.max(scale, Math.abs(logit));
        }
        int expected = token(step);
        double difference = Math.abs(logits[expected] - values[step][0]) / scale;
        if (token != expected) {
            // Both orders are right if each way sees the other's choice no further below its own than two differences.
            difference = Math.max(difference, (logits[token] - logits[expected]) / scale / 2);
            difference = Math.max(difference, (values[step][0] - value(step, token)) / scale / 2);
            differing.add(step);
        }
        if (!(difference <= allowed)) {
            throw new LecternException(
                    LecternException.Kind.INTERNAL,
                    "Token " + step + " is " + expected + " with the cache and " + token
                            + " without it, and their logits differ by " + difference
                            + " of the largest, where rounding"
                            + " explains " + allowed + ": reading and decoding do not compute the same.");
        }
        largest = Math.max(largest, difference);
    }

    private double value(int step, int token) {
        for (int i = 0; i < ids[step].length; i++) {
            if (ids[step][i] == token) {
                return values[step][i];
            }
        }
        return Double.NEGATIVE_INFINITY;
    }

    /** How well everything agreed that was compared, here and earlier. */
    KvCacheResult.Agreement agreement(Optional<KvCacheResult.Agreement> earlier) {
        TreeSet<Integer> positions = new TreeSet<>(differing);
        earlier.ifPresent(other -> positions.addAll(other.positions()));
        double both =
                Math.max(largest, earlier.map(KvCacheResult.Agreement::largest).orElse(0.0));
        return new KvCacheResult.Agreement(positions.stream().toList(), both, allowed);
    }
}
