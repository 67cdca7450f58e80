package dev.lectern;

import java.util.List;

/**
 * The shape of a model's attention.
 *
 * @param heads query heads; query head h looks at the keys of kv head h / (heads / kvHeads)
 * @param kvHeads heads of keys and values
 * @param headDim elements of a query, a key or a value of one head
 * @param windows per layer: how many tokens back a token may look, itself included; 0 for all
 */
public record AttentionShape(int heads, int kvHeads, int headDim, List<Integer> windows) {
    public AttentionShape {
        windows = List.copyOf(windows);
    }

    /** How many layers attend. */
    public int layers() {
        return windows.size();
    }

    /** Query heads that share a kv head. */
    public int group() {
        return heads / kvHeads;
    }
}
