package dev.lectern.kernel;

/**
 * What lies between the matrix products: norms, activation functions, sums, softmax. Ranges are half open, so that callers can share rows among threads.
 *
 * <p>Laws, tested for every provider: (1) equals {@link ScalarElementwise} to a few units in the last place; (2) what becomes of a row, or of an element where
 * there are no rows, depends on nothing else, bit for bit: not on its place, nor on what is computed with it.
 */
public interface Elementwise {
    /**
     * Root mean square norm: {@code out[r][i] = x[r][i] / √(mean_j x[r][j]² + epsilon) · weight[i]}.
     *
     * @param out {@code [rows][weight.length]}, may be x itself
     * @param x {@code [rows][weight.length]}
     */
    void rmsNorm(float[] out, float[] x, float[] weight, float epsilon, int fromRow, int toRow);

    /**
     * Layer norm: {@code out[r][i] = (x[r][i] − mean) / √(variance + epsilon) · weight[i] + bias[i]}, the variance divided by the full count.
     *
     * @param out {@code [rows][weight.length]}, may be x itself
     * @param x {@code [rows][weight.length]}
     */
    void layerNorm(float[] out, float[] x, float[] weight, float[] bias, float epsilon, int fromRow, int toRow);

    /** The gated activation of Llama's feed-forward layer: {@code gate[i] = gate[i] · σ(gate[i]) · up[i]} with σ the logistic function. */
    void siluTimes(float[] gate, float[] up, int from, int to);

    /** GPT-2's activation: {@code x[i] = x[i]/2 · (1 + tanh(√(2/π) · (x[i] + 0.044715 · x[i]³)))}. */
    void gelu(float[] x, int from, int to);

    /** {@code x[i] += y[i]}. */
    void add(float[] x, float[] y, int from, int to);

    /**
     * {@code x[r][i] += bias[i]}.
     *
     * @param x {@code [rows][bias.length]}
     */
    void addBias(float[] x, float[] bias, int fromRow, int toRow);

    /** {@code x[i] = exp(x[i] − max) / Σ_j exp(x[j] − max)} over the range; −∞ becomes 0. At least one element is finite. */
    void softmax(float[] x, int from, int to);
}
