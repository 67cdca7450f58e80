package dev.lectern.prefill;

import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.kernel.TileScratch;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.Page;

/**
 * The score without training of Spava (Huang et al., arXiv 2601.21444): how much the question's tokens look at a key on average over tokens and query heads. The mean of products is the product with the mean, so that is one
 * product for each key.
 */
final class QueryMean implements Compressor {
    private final TileScratch scratch = new TileScratch();
    private final float[] page = new float[Page.TOKENS];

    @Override
    public boolean asks() {
        return true;
    }

    @Override
    public void score(
            int layer, int kvHead, int block, KvCache cache, int from, int to, float[] question, float[] scores) {
        float[] raw = new float[to - from];
        for (int at = from; at < to; at += Page.TOKENS) {
            int tokens = Math.min(Page.TOKENS, to - at), tiles = Math.ceilDiv(tokens, TILE);
            cache.page(layer, at / Page.TOKENS)
                    .keys()
                    .scores(kvHead, 0, tiles, question, 0, 1, question.length, page, 0, Page.TOKENS, scratch);
            System.arraycopy(page, 0, raw, at - from, tokens);
        }
        System.arraycopy(Compressor.pooled(raw), 0, scores, 0, raw.length);
    }
}
