package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.TileScratch;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.Page;
import java.util.Arrays;

/** The softmax of one query over the keys of a cache, for the query heads that share a kv head. One worker's scratch, kept between calls. */
final class AttentionRow {
    private final AttentionTiles kernel = Kernels.attentionTiles();
    private final TileScratch tiles = new TileScratch();
    private final float[] stats = new float[2];
    private float[] queries = {};
    private float[] weights = {};
    private int stride;

    /**
     * Computes it.
     *
     * @param q the query's heads, {@code [group][headDim]} from qAt, rotated
     * @param token whose query it is: tokens after it are not seen
     * @return what each token weighs, {@code [group][stride]}; they add up to 1 for each head
     */
    float[] of(Heads heads, KvCache cache, int layer, int kvHead, float[] q, int qAt, int token) {
        int group = heads.group(), headDim = heads.headDim(), tokens = token + 1;
        int first = heads.window() == 0 ? 0 : Math.max(0, tokens - heads.window());
        stride = Math.ceilDiv(tokens, TILE) * TILE;
        queries = Shares.grown(queries, group * headDim);
        weights = Shares.grown(weights, Math.multiplyExact(group, stride));
        heads.scale(q, qAt, group * headDim, queries);
        Arrays.fill(weights, 0, group * stride, 0);
        for (int page = first / Page.TOKENS; page * Page.TOKENS < tokens; page++) {
            int seen = Math.min(Page.TOKENS, tokens - page * Page.TOKENS);
            cache.page(layer, page)
                    .keys()
                    .scores(
                            kvHead,
                            0,
                            Math.ceilDiv(seen, TILE),
                            queries,
                            0,
                            group,
                            headDim,
                            weights,
                            page * Page.TOKENS,
                            stride,
                            tiles);
        }
        for (int g = 0; g < group; g++) {
            kernel.softmax(weights, g * stride, stride, first, tokens, stats, 0, tiles);
            float inverse = 1 / stats[1];
            for (int i = g * stride + first; i < g * stride + tokens; i++) {
                weights[i] *= inverse;
            }
        }
        return weights;
    }

    /** From one head's weights to the next one's. */
    int stride() {
        return stride;
    }
}
