package dev.lectern.kernel;

/** placeholder until merged */
public final class Kernels {
    private Kernels() {}

    public static AttentionTiles attentionTiles() {
        return new VectorAttentionTiles();
    }
}
