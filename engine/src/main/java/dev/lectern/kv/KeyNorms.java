package dev.lectern.kv;

import java.util.OptionalDouble;

/**
 * How much longer keys are than values. A large ratio comes from channels of keys with a large, nearly constant offset, which formats with a scale for the channels of a token cannot follow: they lose what
 * the other channels say.
 */
public final class KeyNorms {
    /** Above it, 4 bits with a scale for each token fail (Qwen2.5: 52 to 1286 in some layers; Llama and SmolLM2: below 25). */
    public static final double LARGE = 50;

    private static final int TOKENS = 16;

    private KeyNorms() {}

    /**
     * The mean norm of keys over the mean norm of values, of the first tokens in a layer.
     *
     * @return empty if there are not enough tokens yet
     */
    public static OptionalDouble ratio(KvCache cache, int layer) {
        if (cache.length() < TOKENS) {
            return OptionalDouble.empty();
        }
        LayerCache shape = cache.layers().get(layer);
        Page page = cache.page(layer, 0);
        double values = norms(page.values(), shape);
        return values > 0 ? OptionalDouble.of(norms(page.keys(), shape) / values) : OptionalDouble.empty();
    }

    private static double norms(KvSide side, LayerCache shape) {
        int headDim = shape.headDim();
        float[] row = new float[headDim];
        double sum = 0;
        for (int head = 0; head < shape.kvHeads(); head++) {
            for (int token = 0; token < TOKENS; token++) {
                side.gather(head, new int[] {token}, 0, 1, 0, row, 0, headDim);
                double squares = 0;
                for (float x : row) {
                    squares += (double) x * x;
                }
                sum += Math.sqrt(squares);
            }
        }
        return sum;
    }
}
