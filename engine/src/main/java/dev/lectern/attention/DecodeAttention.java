package dev.lectern.attention;

import dev.lectern.Cancellation;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormat;
import org.jspecify.annotations.Nullable;

/**
 * What a new token looks at, one decode step in one layer.
 *
 * <p>Laws, tested for every method: (1) with a budget of everything it equals {@link Dense} to 1e-5; (2) the same inputs and seed give the same
 * result, bit for bit, whatever the number of threads and whatever other rows are in the step.
 */
public interface DecodeAttention {
    /** What results call it, with all options that it depends on: what {@link DecodeAttentions#named} takes. */
    String name();

    /** How keys are to stand in the cache: in tiles for a method that reads most of them, in rows for one that gathers few. */
    default KvFormat.Layout keyLayout() {
        return KvFormat.Layout.TILE;
    }

    /** Whether it makes an index of a layer's keys as they were computed: a cache that keeps codes of them then keeps them beside until that was done. */
    default boolean wantsExactKeys(int layer) {
        return false;
    }

    /** Bytes of scratch at a depth that grow with it. */
    default long bytes(Heads heads, int rows, long tokens) {
        return 0;
    }

    /** Whether all tokens are read in a layer, for which nothing is kept then. */
    default boolean readsAll(int layer) {
        return false;
    }

    /** Bytes of what it keeps beside the keys and values of one layer of one sequence, at a depth; of a layer where it chooses. */
    default long indexBytes(Heads heads, long tokens) {
        return 0;
    }

    /**
     * Attends for all single rows of a step; their keys and values are stored already.
     *
     * @param heads the layer's shape
     * @param caches per row
     * @param q {@code [rows][heads][headDim]}, rotated
     * @param out {@code [rows][heads][headDim]}
     * @param logSumExp {@code [rows][heads]}: ln Σ exp(score) of what was looked at, as the method weighs it, if wanted; with it, parts can be merged
     */
    void attend(
            ExactAttention exact,
            int layer,
            Heads heads,
            KvCache[] caches,
            float[] q,
            float[] out,
            float @Nullable [] logSumExp,
            Cancellation cancellation);

    /** The same, without the log-sum-exp. */
    default void attend(
            ExactAttention exact,
            int layer,
            Heads heads,
            KvCache[] caches,
            float[] q,
            float[] out,
            Cancellation cancellation) {
        attend(exact, layer, heads, caches, q, out, null, cancellation);
    }
}
