package dev.lectern.prefill;

import dev.lectern.Cancellation;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.LayerCache;
import java.util.List;

/**
 * Says which tokens of a block later blocks get to see: those of the highest scores, for each kv head by itself (Huang et al., "APB", arXiv 2502.12085, section 3.3).
 *
 * <p>One for each reading; called by one thread.
 */
interface Compressor {
    /** How far the score of a token reaches: it is at least that of its neighbours up to two tokens away, for what is told of one is mostly told beside it (§3.3). */
    int REACH = 2;

    /** Makes one. */
    @FunctionalInterface
    interface Maker {
        /**
         * @param layers of the model
         * @param workers who share its work
         * @param cancellation of the reading
         */
        Compressor make(List<LayerCache> layers, Workers workers, Cancellation cancellation);
    }

    /** Whether it wants to know the question. */
    default boolean asks() {
        return false;
    }

    /**
     * Is told queries, keys and values of tokens before RoPE, of all tokens of a block that passes some on before it has to score them.
     *
     * @param first the first one's place in its block; the others follow
     * @param firstRow the first one's row
     * @param q {@code [rows][heads][headDim]}
     * @param k {@code [rows][kvHeads][headDim]}
     * @param v {@code [rows][kvHeads][headDim]}
     */
    default void projected(int layer, int first, int firstRow, int rows, float[] q, float[] k, float[] v) {}

    /**
     * Scores the tokens of a block in one layer and kv head.
     *
     * @param cache holds the block's keys, committed or just stored
     * @param block of the text
     * @param from where the block's first token stands in the cache, the first of a page
     * @param question the mean of the question's rotated queries for this kv head, {@code [headDim]}; empty where it is not asked for
     * @param scores {@code [to − from]}, written
     */
    void score(int layer, int kvHead, int block, KvCache cache, int from, int to, float[] question, float[] scores);

    /** Gives every token the highest score within {@link #REACH}. */
    static float[] pooled(float[] scores) {
        float[] pooled = new float[scores.length];
        for (int t = 0; t < scores.length; t++) {
            float max = scores[t];
            for (int other = Math.max(0, t - REACH); other <= Math.min(scores.length - 1, t + REACH); other++) {
                max = Math.max(max, scores[other]);
            }
            pooled[t] = max;
        }
        return pooled;
    }
}
