package dev.lectern.prefill;

import dev.lectern.kv.KvCache;
import dev.lectern.kv.LayerCache;
import dev.lectern.kv.Page;

/** What a sequence holds. */
final class StoredNumbers {
    private StoredNumbers() {}

    /** Keys and values of tokens in all layers. */
    static float[] of(Sequence sequence, int from, int to) {
        KvCache cache = sequence.cache();
        LayerCache shape = cache.layers().getFirst();
        int headDim = shape.headDim(), width = shape.kvHeads() * headDim;
        float[] all = new float[cache.layers().size() * (to - from) * 2 * width];
        int at = 0;
        for (int token = from; token < to; token++) {
            for (int layer = 0; layer < cache.layers().size(); layer++) {
                int index = token / Page.TOKENS, first = index * Page.TOKENS;
                int[] id = {token};
                for (int head = 0; head < shape.kvHeads(); head++, at += 2 * headDim) {
                    cache.page(layer, index).keys().gather(head, id, 0, 1, first, all, at, headDim);
                    cache.page(layer, index).values().gather(head, id, 0, 1, first, all, at + headDim, headDim);
                }
            }
        }
        return all;
    }
}
