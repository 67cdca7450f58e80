package dev.lectern.prefill;

import dev.lectern.Cancellation;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.LayerCache;
import java.util.Arrays;
import java.util.List;

/** What {@link RetainingHeads} say of the tokens of a block, computed as the block is read. */
final class HeadScores implements Compressor {
    private final RetainingHeads heads;
    private final List<LayerCache> layers;
    private final Workers workers;
    private final Cancellation cancellation;
    private final RetainingHeads.Scratch scratch = new RetainingHeads.Scratch();
    private final float[][] scores; // [layers][tokens of the block][kvHeads]

    HeadScores(RetainingHeads heads, List<LayerCache> layers, Workers workers, Cancellation cancellation) {
        this.heads = heads;
        this.layers = layers;
        this.workers = workers;
        this.cancellation = cancellation;
        scores = new float[layers.size()][0];
    }

    /** Bytes of the scores of a block. */
    static long bytes(List<LayerCache> layers, long tokens) {
        long kvHeads = layers.stream().mapToLong(LayerCache::kvHeads).sum();
        return Math.multiplyExact(Math.multiplyExact(Float.BYTES, kvHeads), tokens);
    }

    @Override
    public void projected(int layer, int first, int firstRow, int rows, float[] q, float[] k, float[] v) {
        LayerCache shape = layers.get(layer);
        int kvHeads = shape.kvHeads(), width = kvHeads * shape.headDim();
        int needed = Math.multiplyExact(first + rows, kvHeads);
        if (scores[layer].length < needed) {
            scores[layer] = Arrays.copyOf(scores[layer], needed);
        }
        heads.score(
                workers,
                cancellation,
                scratch,
                layer,
                rows,
                width,
                q,
                firstRow * heads.queryWidth(layer, width),
                k,
                v,
                firstRow * width,
                scores[layer],
                first * kvHeads);
    }

    @Override
    public void score(
            int layer, int kvHead, int block, KvCache cache, int from, int to, float[] question, float[] into) {
        int kvHeads = layers.get(layer).kvHeads();
        float[] raw = new float[to - from];
        for (int t = 0; t < raw.length; t++) {
            raw[t] = scores[layer][t * kvHeads + kvHead];
        }
        System.arraycopy(Compressor.pooled(raw), 0, into, 0, raw.length);
    }
}
