package dev.lectern.kernel;

import dev.lectern.Cancellation;

/**
 * Weights times activations, accumulated in f32: {@code out[r][o] = Σ_k weights[o][k] · x[r][k]}.
 *
 * <p>Laws, tested for every provider: (1) equals {@link ScalarMatMul} to the rounding of f32 sums; (2) a row's result does not
 * depend, bit for bit, on which rows were computed with it, nor on the number of threads. A row is either a <em>single</em> (the one token
 * that a sequence decodes) or part of a <em>chunk</em> (prefill); the two kinds may differ in their order of summation.
 */
public interface MatMul {
    /**
     * Which rows of x are which: first the singles, then the chunk rows.
     *
     * @param singles rows that are a whole slice of their own
     * @param chunked rows of slices of two tokens and more
     */
    record Rows(int singles, int chunked) {
        public int count() {
            return singles + chunked;
        }
    }

    /**
     * One product of several that share their input.
     *
     * @param weights {@code [outputs][inputs]}
     * @param out {@code [rows][outputs]}, overwritten
     */
    record Product(Matrix weights, float[] out) {}

    /**
     * @param x {@code [rows][inputs]}; every product's weights have that many columns
     * @param workers who shares the work
     * @param cancellation looked at several times a second
     */
    void multiply(Workers workers, Cancellation cancellation, Rows rows, float[] x, Product... products);

    /** What to call this provider in results: {@code scalar}, {@code vector}. */
    String name();
}
