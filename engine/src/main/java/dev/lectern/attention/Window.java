package dev.lectern.attention;

import dev.lectern.options.NamedOptions;

/**
 * Nothing but the sinks and the window: what is lost when a text is forgotten as it goes by, the control of every other method.
 *
 * <p>Source: Xiao et al., "Efficient streaming language models with attention sinks" (arXiv 2309.17453), section 3.2. Deviation: tokens keep the positions that they were read at, where the paper counts
 * positions within what is kept; the two differ only past the context that a model was trained on.
 */
final class Window extends TokenChoice {
    Window(NamedOptions options) {
        super(options, "");
    }

    @Override
    int sets(Heads heads) {
        return heads.kvHeads();
    }

    @Override
    void choose(Middle middle, Selection into, int worker) {
        // Nothing between.
    }
}
