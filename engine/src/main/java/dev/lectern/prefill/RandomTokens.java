package dev.lectern.prefill;

import dev.lectern.attention.SplitMix;
import dev.lectern.kv.KvCache;

/** Any tokens: what a score has to be better than. */
final class RandomTokens implements Compressor {
    private final long seed;
    private final SplitMix random = new SplitMix();

    RandomTokens(long seed) {
        this.seed = seed;
    }

    @Override
    public void score(
            int layer, int kvHead, int block, KvCache cache, int from, int to, float[] question, float[] scores) {
        random.begin(seed, layer, kvHead, block);
        for (int t = 0; t < to - from; t++) {
            scores[t] = (float) random.next();
        }
    }
}
