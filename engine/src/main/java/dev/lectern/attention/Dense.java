package dev.lectern.attention;

import dev.lectern.Cancellation;
import dev.lectern.kv.KvCache;
import org.jspecify.annotations.Nullable;

/**
 * Looks at everything (within the layer's window, where the model has one): the exact attention of Vaswani et al., "Attention Is All You
 * Need", section 3.2.
 */
public final class Dense implements DecodeAttention {
    @Override
    public String name() {
        return "dense";
    }

    @Override
    public void attend(
            ExactAttention exact,
            int layer,
            Heads heads,
            KvCache[] caches,
            float[] q,
            float[] out,
            float @Nullable [] logSumExp,
            Cancellation cancellation) {
        exact.all(heads, layer, caches, q, out, logSumExp, cancellation);
    }
}
