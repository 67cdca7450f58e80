package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.TileScratch;
import java.util.Arrays;
import java.util.function.IntConsumer;

/**
 * What the query heads that share a kv head make of some things together: of each thing the mean over the heads of their softmaxes over all of them. One worker's scratch, kept between calls.
 *
 * <p>Source: of the ways to choose for a group, the one that FreeKV (ICLR 2026) found best.
 */
final class MeanSoftmax {
    private final AttentionTiles kernel = Kernels.attentionTiles();
    private final TileScratch tiles = new TileScratch();
    private final float[] stats = new float[2];
    private float[] scores = {};
    private float[] mean = {};
    private float[] sorted = {};
    private int group;
    private int count;
    private int stride;
    private int from;
    private int to;

    /** Bytes of scratch for so many things. */
    static long bytes(Heads heads, long count) {
        return Math.multiplyExact(count + TILE, Float.BYTES * (heads.group() + 2L));
    }

    /** Makes room for so many things. */
    void begin(int group, int count) {
        this.group = group;
        this.count = count;
        stride = Math.ceilDiv(count, TILE) * TILE;
        scores = Shares.grown(scores, Math.multiplyExact(group, stride));
        mean = Shares.grown(mean, count);
        sorted = Shares.grown(sorted, count);
    }

    /** Binary scores to be filled in, {@code [group][stride]}. */
    float[] scores() {
        return scores;
    }

    int stride() {
        return stride;
    }

    /** Computes the means of all; the scores are gone then. */
    void compute() {
        compute(0, count);
    }

    /** Computes the means of some things that follow each other, as if there were no others. */
    void compute(int from, int to) {
        this.from = from;
        this.to = to;
        Arrays.fill(mean, from, to, 0);
        for (int g = 0; g < group; g++) {
            int at = g * stride;
            kernel.softmax(scores, at, stride, from, to, stats, 0, tiles);
            float share = 1 / (stats[1] * group);
            for (int i = from; i < to; i++) {
                mean[i] += scores[at + i] * share;
            }
        }
    }

    /** Names the things of the highest means, so many of them, ascending; of equal ones the first. */
    void highest(int wanted, IntConsumer taken) {
        System.arraycopy(mean, from, sorted, 0, to - from);
        Arrays.sort(sorted, 0, to - from);
        float least = sorted[to - from - wanted];
        int ties = wanted;
        for (int i = from; i < to; i++) {
            ties -= mean[i] > least ? 1 : 0;
        }
        for (int i = from; i < to; i++) {
            if (mean[i] > least || (mean[i] == least && ties-- > 0)) {
                taken.accept(i);
            }
        }
    }
}
