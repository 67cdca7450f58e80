package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.LOWEST;
import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.Fused;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.TileScratch;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What parts of a cache give to the query heads of one kv head, each a softmax by itself, until they are merged: {@code Σ_i 2^(m_i − m) o_i / Σ_i 2^(m_i − m) z_i},
 * with the maximum m_i, the sum of powers z_i and the weighted sum of values o_i of share i, and m the largest m_i.
 */
final class Shares {
    private final AttentionTiles kernel = Kernels.attentionTiles();

    /** {@code [shares][group][width]}: weighted sums of values. */
    float[] outputs = {};

    /** {@code [shares][group][2]}: maximum, and sum of powers. */
    float[] stats = {};

    /** What a worker needs to merge. */
    static final class Scratch {
        private final TileScratch tiles = new TileScratch();
        private final float[] stats = new float[2];
        private float[] weights = {};
        private float[] output = {};
    }

    static float[] grown(float[] array, int needed) {
        return array.length >= needed ? array : new float[needed];
    }

    /** Makes room. */
    void begin(Heads heads, int count) {
        outputs = grown(outputs, Math.multiplyExact(count, heads.group() * heads.width()));
        stats = grown(stats, Math.multiplyExact(count, heads.group() * 2));
    }

    /** Shares of nothing. */
    void clear(Heads heads, int first, int count) {
        int size = heads.group() * heads.width();
        Arrays.fill(outputs, first * size, (first + count) * size, 0);
        for (int i = first * heads.group(); i < (first + count) * heads.group(); i++) {
            stats[2 * i] = LOWEST;
            stats[2 * i + 1] = 0;
        }
    }

    /**
     * Merges shares in their order, for the query heads of one kv head.
     *
     * @param first share; the others follow {@code step} apart
     * @param out {@code [heads][headDim]} from query head {@code head} on
     * @param logSumExp {@code [heads]}, if wanted
     */
    void merge(
            Heads heads,
            int first,
            int step,
            int parts,
            float[] out,
            int head,
            float @Nullable [] logSumExp,
            Scratch s) {
        int group = heads.group(), headDim = heads.headDim(), width = heads.width();
        int padded = Math.ceilDiv(parts, TILE) * TILE;
        s.weights = grown(s.weights, padded);
        s.output = grown(s.output, width);
        for (int g = 0; g < group; g++) {
            for (int i = 0; i < parts; i++) {
                s.weights[i] = stats[((first + i * step) * group + g) * 2];
            }
            kernel.softmax(s.weights, 0, padded, 0, parts, s.stats, 0, s.tiles);
            float sum = 0;
            for (int i = 0; i < parts; i++) {
                sum = Fused.multiplyAdd(stats[((first + i * step) * group + g) * 2 + 1], s.weights[i], sum);
            }
            Arrays.fill(s.output, 0, width, 0);
            int outputsAt = (first * group + g) * width, stride = step * group * width;
            kernel.weigh(s.weights, 0, 0, 1, outputs, outputsAt, stride, parts, width, s.output, 0);
            float inverse = sum > 0 ? 1 / sum : 0;
            for (int d = 0; d < headDim; d++) {
                out[(head + g) * headDim + d] = s.output[d] * inverse;
            }
            if (logSumExp != null) {
                logSumExp[head + g] = Heads.logSumExp(s.stats[0], sum);
            }
        }
    }
}
