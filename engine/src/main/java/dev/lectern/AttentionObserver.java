package dev.lectern;

/**
 * Told what goes into the attention of each layer and what comes out, for the tokens that a session reads; see {@link Session#observe}. Tokens
 * come in parts of one or more rows, each part through all layers, and in each layer {@code projected} before {@code attended}. Heads and
 * sizes are those of {@link Model#attentionShape}.
 *
 * <p>It is called on the thread that reads, which waits. The arrays are the engine's scratch: they hold these numbers during the call only,
 * and must not be changed. What it throws ends the reading, and then nothing of that part was read.
 */
public interface AttentionObserver {
    /**
     * Queries, keys and values of some tokens as the layer's products (with bias and norms, where the model has them) leave them, before RoPE.
     *
     * @param firstPosition of the tokens in the session, which follow each other
     * @param rows how many tokens
     * @param q {@code [rows][heads][headDim]} from qAt
     * @param k {@code [rows][kvHeads][headDim]} from kAt
     * @param v {@code [rows][kvHeads][headDim]} from vAt
     */
    default void projected(
            int layer, int firstPosition, int rows, float[] q, int qAt, float[] k, int kAt, float[] v, int vAt) {}

    /**
     * Queries and keys of the same tokens after RoPE, and what attention gave; the cache has the keys too, as its format keeps them.
     *
     * @param q {@code [rows][heads][headDim]} from qAt
     * @param k {@code [rows][kvHeads][headDim]} from kAt
     * @param out {@code [rows][heads][headDim]} from outAt: weighted sums of values, before the output product
     */
    default void attended(
            int layer, int firstPosition, int rows, float[] q, int qAt, float[] k, int kAt, float[] out, int outAt) {}

    /** Whether it wants to be told by {@link #weighed} of a layer. That costs about as much as exact attention for one token, and keeps no answer from being the same. */
    default boolean wantsWeights(int layer) {
        return false;
    }

    /**
     * How much each token weighed in the attention of a token after which the next one is chosen: of each token of an answer, and of the last one of a text that is read. Told between {@code projected} and
     * {@code attended}. What a sparse method did not choose weighs nothing, and what it chose weighs as the method counts it; a layer in which a method reads everything is exact.
     *
     * @param position of the token in the cache, the last that is weighed; in the text too, unless tokens were dropped ({@link SessionOptions#keep})
     * @param weights {@code [heads][position + 1]}, heads stride apart; those of a head sum to 1, or are all 0 where nothing was chosen for it
     */
    default void weighed(int layer, int position, int heads, float[] weights, int stride) {}

    /**
     * What attention has read in a layer for tokens that came alone, those of answers: for all sessions of a step together that it observes and that attend by the same method. Told before {@code attended}.
     *
     * @param traffic of this layer in this step
     */
    default void looked(int layer, Traffic traffic) {}
}
