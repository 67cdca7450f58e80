package dev.lectern.model;

import java.util.List;

/**
 * The shape of a model.
 *
 * @param family what the model calls its architecture: {@code llama}, {@code qwen2} …
 * @param heads query heads; a multiple of kvHeads
 * @param feedForward width of the feed-forward layer
 * @param epsilon of the norms
 * @param context tokens the model was made for
 * @param windows per layer: how many tokens back a token may look, itself included; 0 for all
 * @param rope how positions rotate q and k; {@link RopeConfig#NONE} where they do not
 */
public record Config(
        String family,
        int layers,
        int hidden,
        int heads,
        int kvHeads,
        int headDim,
        int feedForward,
        int vocabulary,
        float epsilon,
        int context,
        List<Integer> windows,
        RopeConfig rope) {

    public Config {
        windows = List.copyOf(windows);
    }

    /** Query heads that share a kv head. */
    public int group() {
        return heads / kvHeads;
    }

    /** The same model with its positions scaled otherwise, and the context that follows from it. */
    public Config withRope(RopeConfig rope, int context) {
        return new Config(
                family,
                layers,
                hidden,
                heads,
                kvHeads,
                headDim,
                feedForward,
                vocabulary,
                epsilon,
                context,
                windows,
                rope);
    }
}
