package dev.lectern.attention;

import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.TileScratch;
import dev.lectern.kv.Page;
import java.util.Arrays;

/**
 * How far an output over a sample is from that over all tokens, by the sample itself. One worker's scratch, kept between calls.
 *
 * <p>Let token i weigh {@code a_i = e^{s_i}} and have been read with probability π_i, so that the output is {@code o' = Σ_S (a_i / π_i) v_i / D'} with {@code D' = Σ_S a_i / π_i}, over the tokens S that were
 * read. To first order {@code o' − o = Σ_S (a_i / π_i)(v_i − o) / D}, and were each token drawn by itself, this would have the variance {@code Σ_i a_i² |v_i − o|² (1 − π_i) / π_i / D²}, which is estimated by
 *
 * <pre>{@code V' = Σ_S (1 − π_i) (a_i / π_i D')² |v_i − o'|²}</pre>
 *
 * The squared length of the output is on average that of the exact one and the variance, so the relative error is {@code √(V' / (|o'|² − V'))}, and beyond all bounds where nothing is left of the length. Tokens that
 * are always read add nothing to it.
 *
 * <p>What it does not see: systematic sampling, which draws a fixed number, spread over the text, varies less, and its variance cannot be estimated from one sample (Cochran, chapter 8); a token of large weight and
 * small probability that was not drawn is in no estimate; the bias of the quotient is left out.
 *
 * <p>Sources: the estimate of Horvitz and Thompson, "A generalization of sampling without replacement from a finite universe" (1952); quotients by their first order and independent drawing: Hájek, "Asymptotic theory of
 * rejective sampling with varying probabilities from a finite population" (1964); Cochran, "Sampling techniques", 3rd edition (1977), chapters 6 and 9A.
 */
final class SampleError {
    private static final double LOG2_E = 1 / Math.log(2);

    private final AttentionTiles kernel = Kernels.attentionTiles();
    private final TileScratch tiles = new TileScratch();
    private final int[] ids = new int[Page.TOKENS];
    private final float[] logWeights = new float[Page.TOKENS];
    private final double[] missed = new double[Page.TOKENS]; // 1 − π
    private final float[] squares = new float[Page.TOKENS]; // |v|²
    private final float[] stats = new float[2];
    private float[] ones = {};
    private float[] queries = {};
    private float[] values = {};
    private float[] scores = {};
    private float[] products = {};
    private double[] variances = {}; // [group]
    private int sampled;

    /**
     * Estimates.
     *
     * @param kvHead whose keys and values they are
     * @param chosen what the query heads that share it looked at
     * @param q {@code [group][headDim]} from qAt, rotated
     * @param out {@code [group][headDim]} from qAt: the outputs
     * @param logSumExp {@code [group]} from headAt: ln D'
     * @return the largest relative error of these heads
     */
    double of(
            Heads heads,
            Segments source,
            int kvHead,
            Selection chosen,
            float[] q,
            int qAt,
            float[] out,
            float[] logSumExp,
            int headAt) {
        int group = heads.group(), headDim = heads.headDim();
        if (ones.length < headDim) {
            ones = new float[headDim];
            Arrays.fill(ones, 1);
        }
        queries = Shares.grown(queries, group * headDim);
        values = Shares.grown(values, Page.TOKENS * heads.width());
        scores = Shares.grown(scores, group * Page.TOKENS);
        products = Shares.grown(products, group * Page.TOKENS);
        variances = variances.length < group ? new double[group] : variances;
        heads.scale(q, qAt, group * headDim, queries);
        sampled = 0;
        for (int g = 0; g < group; g++) {
            variances[g] = 0;
        }
        for (int from = 0; from < chosen.count(); ) {
            int page = chosen.id(from) / Page.TOKENS, count = 0, next = from;
            for (; next < chosen.count() && chosen.id(next) / Page.TOKENS == page; next++) {
                if (chosen.logWeight(next) > 0) {
                    ids[count] = chosen.id(next);
                    logWeights[count++] = chosen.logWeight(next);
                }
            }
            if (count > 0) {
                add(heads, source.page(page), page * Page.TOKENS, kvHead, count, out, qAt, logSumExp, headAt);
            }
            from = next;
        }
        double largest = 0;
        for (int g = 0; g < group; g++) {
            double exact = Math.max(0, squares(out, qAt + g * headDim, headDim) - variances[g]);
            largest = Math.max(largest, variances[g] == 0 ? 0 : Math.sqrt(variances[g] / exact));
        }
        return largest;
    }

    /** Tokens that were looked at for the last estimate. */
    int sampled() {
        return sampled;
    }

    private static double squares(float[] x, int at, int count) {
        double sum = 0;
        for (int i = at; i < at + count; i++) {
            sum += x[i] * (double) x[i];
        }
        return sum;
    }

    /** Adds what the sampled tokens of a page say. */
    private void add(
            Heads heads,
            Page page,
            int firstId,
            int kvHead,
            int count,
            float[] out,
            int outAt,
            float[] logSumExp,
            int headAt) {
        int group = heads.group(), headDim = heads.headDim(), width = heads.width(), stride = Page.TOKENS;
        page.keys()
                .gatherScores(
                        kvHead, ids, 0, count, firstId, queries, 0, group, headDim, width, scores, 0, stride, tiles);
        page.values().gather(kvHead, ids, 0, count, firstId, values, 0, width);
        kernel.rowScores(out, outAt, group, headDim, values, 0, width, count, products, 0, stride, tiles);
        for (int i = 0; i < count * width; i++) {
            values[i] *= values[i];
        }
        kernel.rowScores(ones, 0, 1, headDim, values, 0, width, count, squares, 0, stride, tiles);
        for (int i = 0; i < count; i++) {
            missed[i] = 1 - Math.exp(-logWeights[i]);
        }
        int padded = Math.ceilDiv(count, AttentionTiles.TILE) * AttentionTiles.TILE;
        for (int g = 0; g < group; g++) {
            int at = g * stride;
            for (int i = 0; i < count; i++) {
                scores[at + i] += (float) (logWeights[i] * LOG2_E);
            }
            kernel.softmax(scores, at, padded, 0, count, stats, 0, tiles);
            double share = Math.exp((stats[0] - logSumExp[headAt + g] * LOG2_E) / LOG2_E);
            double norm = squares(out, outAt + g * headDim, headDim), sum = 0;
            for (int i = 0; i < count; i++) {
                double weight = share * scores[at + i];
                double distance = Math.max(0, norm + squares[i] - 2.0 * products[at + i]);
                sum += missed[i] * weight * weight * distance;
            }
            variances[g] += sum;
        }
        sampled += count;
    }
}
