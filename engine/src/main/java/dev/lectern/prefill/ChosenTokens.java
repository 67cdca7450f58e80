package dev.lectern.prefill;

import dev.lectern.kv.FloatFormat;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormat;
import dev.lectern.kv.LayerCache;
import dev.lectern.kv.Page;
import java.util.List;

/**
 * Copies of the keys and values of some tokens of a block, for each kv head others, that later blocks attend to: exactly as they stood, but for the rounding to 16 bits where the cache holds no f32.
 */
final class ChosenTokens implements AutoCloseable {
    private final KvCache copies;
    private final int count;

    /**
     * @param layers of the cache from which they come
     * @param count of tokens for each kv head
     */
    ChosenTokens(List<LayerCache> layers, int count) {
        this.count = count;
        copies = new KvCache(exact(layers));
        copies.reserve(count);
    }

    /** The layers of caches beside one: what is in them is not stored more coarsely than floats. */
    static List<LayerCache> exact(List<LayerCache> layers) {
        return layers.stream()
                .map(layer -> new LayerCache(
                        layer.kvHeads(), layer.headDim(), layer.window(), exact(layer.keys()), exact(layer.values())))
                .toList();
    }

    private static KvFormat exact(KvFormat format) {
        return format instanceof FloatFormat ? format : FloatFormat.F16;
    }

    int count() {
        return count;
    }

    /**
     * Takes those of a layer.
     *
     * @param ids {@code [kvHeads]}: as many as were asked for each, ascending
     */
    void take(int layer, KvCache from, int[][] ids) {
        LayerCache shape = from.layers().get(layer);
        int headDim = shape.headDim(), width = shape.kvHeads() * headDim;
        float[] k = new float[count * width], v = new float[count * width];
        float[] rows = new float[Page.TOKENS * headDim];
        for (int head = 0; head < shape.kvHeads(); head++) {
            int[] of = ids[head];
            for (int i = 0; i < count; ) {
                int index = of[i] / Page.TOKENS, first = i;
                while (i < count && of[i] / Page.TOKENS == index) {
                    i++;
                }
                Page page = from.page(layer, index);
                page.keys().gather(head, of, first, i - first, index * Page.TOKENS, rows, 0, headDim);
                spread(rows, headDim, i - first, k, first * width + head * headDim, width);
                page.values().gather(head, of, first, i - first, index * Page.TOKENS, rows, 0, headDim);
                spread(rows, headDim, i - first, v, first * width + head * headDim, width);
            }
        }
        for (int i = 0; i < count; i++) {
            copies.put(layer, i, k, i * width, v, i * width);
        }
    }

    private static void spread(float[] rows, int headDim, int count, float[] to, int at, int stride) {
        for (int i = 0; i < count; i++) {
            System.arraycopy(rows, i * headDim, to, at + i * stride, headDim);
        }
    }

    /** Adds those of a layer to what is attended to. */
    void addTo(SegmentList segments, int layer) {
        segments.addVisible(copies, layer, count);
    }

    @Override
    public void close() {
        copies.close();
    }
}
