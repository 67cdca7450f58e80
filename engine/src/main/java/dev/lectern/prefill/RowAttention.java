package dev.lectern.prefill;

import dev.lectern.Cancellation;
import dev.lectern.attention.ExactAttention;
import dev.lectern.attention.Heads;
import dev.lectern.kv.KvCache;

/**
 * How the tokens of a slice attend where that is not exactly to all that their sequence holds: what the methods of reading differ in. Called
 * by the thread that takes the step, layer by layer; in a layer first {@link #projected} of all slices, then, when the keys and values of all
 * rows of the step are stored, {@link #attend} of one slice after the other in the order in which the step was given them.
 */
public interface RowAttention {
    /**
     * The position of a row.
     *
     * @param row of the slice
     * @param usual where it would stand behind what its sequence holds
     */
    default int position(int row, int usual) {
        return usual;
    }

    /**
     * Queries, keys and values before RoPE.
     *
     * @param firstRow of the slice
     * @param rows of the slice
     * @param q {@code [rows of the step][heads][headDim]}
     * @param k {@code [rows of the step][kvHeads][headDim]}
     * @param v {@code [rows of the step][kvHeads][headDim]}
     */
    default void projected(int layer, int firstRow, int rows, float[] q, float[] k, float[] v) {}

    /** Writes {@link Rows#out} for the rows of the slice. */
    void attend(Rows rows);

    /**
     * The rows of a slice in one layer.
     *
     * @param cache holds the slice's keys and values behind its {@link KvCache#length} tokens
     * @param q {@code [rows of the step][heads][headDim]}, rotated
     * @param first of the slice's rows
     * @param count of the slice's rows
     * @param out {@code [rows of the step][heads][headDim]}
     */
    record Rows(
            ExactAttention exact,
            int layer,
            Heads heads,
            KvCache cache,
            float[] q,
            int first,
            int count,
            float[] out,
            Cancellation cancellation) {}
}
