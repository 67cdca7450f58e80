package dev.lectern.attention;

import dev.lectern.Cancellation;
import dev.lectern.kv.KvCache;

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
            Cancellation cancellation) {
        int rows = caches.length;
        int[] index = new int[rows];
        Segments[] segments = new Segments[rows];
        for (int row = 0; row < rows; row++) {
            index[row] = caches[row].length();
            segments[row] = Segments.of(caches[row], layer, index[row] + 1);
        }
        exact.single(heads, rows, q, index, segments, out, null, cancellation);
    }
}
