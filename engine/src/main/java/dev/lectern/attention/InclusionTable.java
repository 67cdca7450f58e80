package dev.lectern.attention;

/**
 * The probability that a key is sampled, by its cosine c with the query: with the probability x = (1 − arccos(c)/π)^K to share a code of K bits, that of at least T hits in L independent tables,
 * {@code u = Σ_{j≥T} C(L, j) x^j (1 − x)^{L−j}}; for T = 2 that is {@code 1 − (1 − x)^{L−1} (Lx + 1 − x)}. What is looked up is the weight of a sampled key, {@code −log₂(u + eps)}: {@value #STEPS} steps
 * over the cosine and a line within each, which takes a small part of the time of the functions.
 */
final class InclusionTable {
    private static final int STEPS = 4096;
    private static final double LN_2 = Math.log(2);

    private final float[] logWeights = new float[STEPS + 1];

    InclusionTable(int bits, int tables, int hits, double eps) {
        for (int i = 0; i <= STEPS; i++) {
            double cosine = 2.0 * i / STEPS - 1;
            logWeights[i] = (float) (-Math.log(probability(cosine, bits, tables, hits) + eps) / LN_2);
        }
    }

    /** The probability itself. */
    static double probability(double cosine, int bits, int tables, int hits) {
        double x = Math.pow(1 - Math.acos(cosine) / Math.PI, bits);
        if (x == 0 || x == 1) {
            return x;
        }
        // The sum over the smaller part, because a difference from 1 would lose what is left.
        return tables * x > hits ? 1 - tail(x, tables, 0, hits) : tail(x, tables, hits, tables + 1);
    }

    /** The probability of {@code from … to − 1} hits. */
    private static double tail(double x, int tables, int from, int to) {
        double term = (tables - from) * Math.log1p(-x) + from * Math.log(x);
        for (int j = 0; j < from; j++) {
            term += Math.log((double) (tables - j) / (j + 1));
        }
        term = Math.exp(term);
        double sum = 0;
        for (int j = from; j < to; j++) {
            sum += term;
            term *= (tables - j) * x / ((j + 1) * (1 - x));
        }
        return sum;
    }

    /** The binary logarithm of a sampled key's weight. */
    float logWeight(float cosine) {
        float place = Math.clamp((cosine + 1) * (STEPS / 2), 0f, STEPS);
        int step = Math.min((int) place, STEPS - 1);
        return logWeights[step] + (place - step) * (logWeights[step + 1] - logWeights[step]);
    }
}
