package dev.lectern.measure;

/** What logits say of tokens. Everything is summed in double precision. */
final class LogProbs {
    private LogProbs() {}

    /** ln Σ e^logit. */
    static double logSumExp(float[] logits) {
        double max = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - max);
        }
        return max + Math.log(sum);
    }

    /** ln p of a token. */
    static double of(float[] logits, int token) {
        return logits[token] - logSumExp(logits);
    }

    /** The Kullback–Leibler divergence Σ p ln(p/q) of two distributions over the same tokens, in nats. */
    static double divergence(float[] p, float[] q) {
        double pSum = logSumExp(p), qSum = logSumExp(q);
        double sum = 0;
        for (int i = 0; i < p.length; i++) {
            double logP = p[i] - pSum;
            sum += Math.exp(logP) * (logP - (q[i] - qSum));
        }
        return Math.max(0, sum); // never negative but by rounding
    }
}
