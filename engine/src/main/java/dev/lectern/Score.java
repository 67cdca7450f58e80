package dev.lectern;

/**
 * How a model judges a text, token by token, exactly.
 *
 * @param tokens the text
 * @param logProbs at i: ln of the probability of token i after tokens 0 … i − 1; NaN at 0
 * @param top1 at i: the likeliest token after tokens 0 … i
 */
public record Score(int[] tokens, double[] logProbs, int[] top1) {
    /** exp of the mean negative log-probability of all tokens but the first. */
    public double perplexity() {
        double sum = 0;
        for (int i = 1; i < logProbs.length; i++) {
            sum += logProbs[i];
        }
        return Math.exp(-sum / (logProbs.length - 1));
    }
}
