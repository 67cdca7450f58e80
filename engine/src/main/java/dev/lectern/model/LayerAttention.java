package dev.lectern.model;

/** What a layer calls to mix tokens: the caller rotates, caches and attends as its method says. */
@FunctionalInterface
public interface LayerAttention {
    /**
     * @param q {@code [rows][heads][headDim]}, before RoPE; may be overwritten
     * @param k {@code [rows][kvHeads][headDim]}, before RoPE; may be overwritten
     * @param v {@code [rows][kvHeads][headDim]}
     * @param positions of each row, for RoPE
     * @param out {@code [rows][heads][headDim]}, written
     */
    void attend(int layer, float[] q, float[] k, float[] v, int[] positions, float[] out);
}
