package dev.lectern.model;

import dev.lectern.kernel.MatMul;
import dev.lectern.kernel.Workers;

/**
 * A model, one layer at a time. Who calls decides the order of rows and layers and what a token attends to; the decoder holds the weights
 * and no state. Rows stand in the {@link State}: first the singles, then the chunk rows (see {@link dev.lectern.kernel.MatMul.Rows}).
 */
public interface Decoder extends AutoCloseable {
    Config config();

    /** Scratch for steps; one step at a time uses it. */
    default State newState(Workers workers) {
        return new State(config(), workers);
    }

    /**
     * The hidden state of tokens before the first layer.
     *
     * @param tokens one per row of the state
     */
    void embed(State state, int[] tokens);

    /** Takes the hidden state of all rows through a layer. */
    void layer(int layer, State state, LayerAttention attention);

    /**
     * The final norm and the vocabulary product, for chosen rows only.
     *
     * @param wanted indices of rows; the logits stand in {@link State#logits()} in this order
     * @param rows how many of them, from the first on, are multiplied as singles, and how many as parts of a chunk
     */
    void logits(State state, int[] wanted, MatMul.Rows rows);

    /** Frees what the decoder itself allocated; the model file is its owner's to close. */
    @Override
    void close();
}
