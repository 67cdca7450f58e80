package dev.lectern.prefill;

import dev.lectern.kv.FloatFormat;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormat;
import dev.lectern.kv.KvSide;
import dev.lectern.kv.LayerCache;
import dev.lectern.kv.Page;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/**
 * Copies of the keys and values of some tokens of a block, for each kv head others, that later blocks attend to: exactly as they stood, but for the rounding to 16 bits where the cache holds no f32.
 */
final class ChosenTokens implements AutoCloseable {
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final KvCache copies;
    private final int count;

    /**
     * @param layers of the cache from which they come
     * @param count of tokens for each kv head
     */
    ChosenTokens(List<LayerCache> layers, int count) {
        this.count = count;
        copies = new KvCache(exact(layers));
        try {
            copies.reserve(count);
        } catch (RuntimeException | Error e) {
            copies.close();
            throw e;
        }
    }

    /** The layers of caches beside one: what is in them is not stored more coarsely than floats. */
    static List<LayerCache> exact(List<LayerCache> layers) {
        return layers.stream()
                .map(layer -> new LayerCache(
                        layer.kvHeads(), layer.headDim(), layer.window(), exact(layer.keys()), exact(layer.values())))
                .toList();
    }

    /** Any one layer of a cache beside one. */
    static LayerCache one(List<LayerCache> layers) {
        LayerCache shape = layers.getFirst();
        KvFormat format = floats(layers);
        return new LayerCache(shape.kvHeads(), shape.headDim(), shape.window(), format, format);
    }

    /** What holds the numbers of all layers as exactly as they are held: those of bf16 reach further than f16 does. */
    static KvFormat floats(List<LayerCache> layers) {
        boolean wide = layers.stream().anyMatch(layer -> isWide(layer.keys()) || isWide(layer.values()));
        return wide ? FloatFormat.F32 : FloatFormat.F16;
    }

    private static boolean isWide(KvFormat format) {
        return format instanceof FloatFormat && format != FloatFormat.F16;
    }

    private static KvFormat exact(KvFormat format) {
        return format instanceof FloatFormat ? format : FloatFormat.F16;
    }

    int count() {
        return count;
    }

    /** Takes the first tokens of a layer. */
    void takeFirst(int layer, KvCache from) {
        takeFirst(layer, from, layer, count);
    }

    /**
     * Takes the first tokens of a layer.
     *
     * @param into the layer here
     * @param some how many, no more than there is room for
     */
    void takeFirst(int into, KvCache from, int layer, int some) {
        int[] all = new int[some];
        Arrays.setAll(all, i -> i);
        int[][] ids = new int[from.layers().get(layer).kvHeads()][];
        Arrays.fill(ids, all);
        take(into, from, layer, ids);
    }

    /**
     * Takes those of a layer.
     *
     * @param ids {@code [kvHeads]}: as many as were asked for each, ascending
     */
    void take(int layer, KvCache from, int[][] ids) {
        take(layer, from, layer, ids);
    }

    private void take(int into, KvCache from, int layer, int[][] ids) {
        LayerCache shape = from.layers().get(layer);
        int headDim = shape.headDim(), width = shape.kvHeads() * headDim, some = ids[0].length;
        int most = Math.min(some, Page.TOKENS);
        float[] k = new float[most * width], v = new float[most * width], rows = new float[most * headDim];
        for (int begin = 0; begin < some; begin += most) {
            int end = Math.min(some, begin + most);
            for (int head = 0; head < shape.kvHeads(); head++) {
                int[] of = ids[head];
                for (int i = begin; i < end; ) {
                    int index = of[i] / Page.TOKENS, first = i, to = (first - begin) * width + head * headDim;
                    while (i < end && of[i] / Page.TOKENS == index) {
                        i++;
                    }
                    Page page = from.page(layer, index);
                    page.keys().gather(head, of, first, i - first, index * Page.TOKENS, rows, 0, headDim);
                    spread(rows, headDim, i - first, k, to, width);
                    page.values().gather(head, of, first, i - first, index * Page.TOKENS, rows, 0, headDim);
                    spread(rows, headDim, i - first, v, to, width);
                }
            }
            for (int i = begin; i < end; i++) {
                copies.put(into, i, k, (i - begin) * width, v, (i - begin) * width);
            }
        }
    }

    private static void spread(float[] rows, int headDim, int count, float[] to, int at, int stride) {
        for (int i = 0; i < count; i++) {
            System.arraycopy(rows, i * headDim, to, at + i * stride, headDim);
        }
    }

    /** Bytes of a message with those of a layer, if they were so many. */
    long wireBytes(int layer, int tokens) {
        return wireBytes(copies.layers().get(layer), tokens);
    }

    /** Bytes of a message with so many of a layer as they are copied. */
    static long wireBytes(LayerCache shape, int tokens) {
        return Math.multiplyExact(2L * tokens, (long) shape.kvHeads() * shape.headDim() * elementBytes(shape));
    }

    /** Numbers travel as they are stored; K before V, a token after another. */
    private static int elementBytes(LayerCache shape) {
        return isHalf(shape) ? Short.BYTES : Float.BYTES;
    }

    private static boolean isHalf(LayerCache shape) {
        return shape.keys() == FloatFormat.F16 && shape.values() == FloatFormat.F16;
    }

    /**
     * Writes those of a layer into a message.
     *
     * @return behind them
     */
    long write(int layer, MemorySegment message, long at) {
        return write(layer, message, at, count);
    }

    /** The same for the first of them. */
    long write(int layer, MemorySegment message, long at, int some) {
        LayerCache shape = copies.layers().get(layer);
        int headDim = shape.headDim(), width = shape.kvHeads() * headDim;
        boolean half = isHalf(shape);
        float[] row = new float[headDim];
        int[] id = new int[1];
        for (int side = 0; side < 2; side++) {
            for (int i = 0; i < some; i++) {
                id[0] = i;
                Page page = copies.page(layer, i / Page.TOKENS);
                for (int head = 0; head < shape.kvHeads(); head++) {
                    KvSide from = side == 0 ? page.keys() : page.values();
                    from.gather(head, id, 0, 1, i / Page.TOKENS * Page.TOKENS, row, 0, headDim);
                    long to = at + ((long) i * width + (long) head * headDim) * elementBytes(shape);
                    for (int d = 0; d < headDim; d++) {
                        if (half) {
                            message.set(HALF, to + 2L * d, Float.floatToFloat16(row[d]));
                        } else {
                            message.set(FLOAT, to + 4L * d, row[d]);
                        }
                    }
                }
            }
            at += wireBytes(layer, some) / 2;
        }
        return at;
    }

    /**
     * Takes those of a layer from a message.
     *
     * @return behind them
     */
    long read(int layer, MemorySegment message, long at) {
        return read(layer, message, at, count);
    }

    /** The same for the first of them. */
    long read(int layer, MemorySegment message, long at, int some) {
        LayerCache shape = copies.layers().get(layer);
        int width = shape.kvHeads() * shape.headDim(), bytes = elementBytes(shape);
        boolean half = isHalf(shape);
        float[] k = new float[width], v = new float[width];
        long values = at + wireBytes(layer, some) / 2;
        for (int i = 0; i < some; i++) {
            for (int c = 0; c < width; c++) {
                long key = at + ((long) i * width + c) * bytes, value = values + ((long) i * width + c) * bytes;
                k[c] = half ? Float.float16ToFloat(message.get(HALF, key)) : message.get(FLOAT, key);
                v[c] = half ? Float.float16ToFloat(message.get(HALF, value)) : message.get(FLOAT, value);
            }
            copies.put(layer, i, k, 0, v, 0);
        }
        return at + wireBytes(layer, some);
    }

    /**
     * Adds some of a layer to what is attended to.
     *
     * @param first of them, the first of a page
     */
    void addTo(SegmentList segments, int layer, int first, int tokens) {
        segments.addVisible(copies, layer, first, tokens);
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
