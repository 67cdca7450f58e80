package dev.lectern.measure;

import dev.lectern.generate.Sampler;

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

    /** The token that logits make the likeliest. */
    static int likeliest(float[] logits) {
        return Sampler.likeliest(logits, 0, logits.length);
    }

    /** ln p of a token. */
    static double of(float[] logits, int token) {
        return logits[token] - logSumExp(logits);
    }

    /**
     * A distribution that others are compared with.
     *
     * @param probabilities of each token
     * @param logs their logarithms
     */
    record Expected(double[] probabilities, double[] logs) {
        static Expected of(float[] logits) {
            double sum = logSumExp(logits);
            double[] probabilities = new double[logits.length], logs = new double[logits.length];
            for (int i = 0; i < logits.length; i++) {
                logs[i] = logits[i] - sum;
                probabilities[i] = Math.exp(logs[i]);
            }
            return new Expected(probabilities, logs);
        }

        /**
         * The Kullback–Leibler divergence Σ p ln(p/q) from another distribution over the same tokens, in nats.
         *
         * @param logSumExp of q
         */
        double divergence(float[] q, double logSumExp) {
            double sum = 0;
            for (int i = 0; i < q.length; i++) {
                sum += probabilities[i] * (logs[i] - (q[i] - logSumExp));
            }
            return Math.max(0, sum); // never negative but by rounding
        }
    }
}
