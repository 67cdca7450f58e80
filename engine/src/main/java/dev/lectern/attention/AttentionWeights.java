package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.Cancellation;
import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.TileScratch;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KvCache;
import java.util.Arrays;

/**
 * The weights of one query's attention, which attention itself never holds: {@code w_i e^{s_i} / Σ_j w_j e^{s_j}} over the tokens that were chosen, with the score s_i and the weight w_i of token i; over
 * all that are seen where everything is read. For those who want to know what was looked at.
 *
 * <p>Scratch is kept between calls; one call at a time. It counts as no traffic.
 */
public final class AttentionWeights {
    private static final double LOG2_E = 1 / Math.log(2);

    private final AttentionTiles kernel = Kernels.attentionTiles();
    private final Workers workers;
    private final ScoreAttention score;
    private final Scratch[] scratch;
    private float[] weights = {}; // [heads][stride]
    private int stride;

    /** What one worker needs. */
    private static final class Scratch {
        final TileScratch tiles = new TileScratch();
        final float[] stats = new float[2];
        float[] chosen = {};
    }

    public AttentionWeights(Workers workers) {
        this.workers = workers;
        score = new ScoreAttention(workers);
        scratch = new Scratch[workers.threads()];
        Arrays.setAll(scratch, i -> new Scratch());
    }

    /**
     * Weighs the tokens of a cache for one query.
     *
     * @param tokens that are stored, up to the query's own
     * @param q {@code [heads][headDim]} from qAt, rotated
     * @param selections {@code [sets]} from first on: what the query heads of a set look at
     * @param sets as {@link ExactAttention#gather} takes them; 0 if everything is read that the layer's window shows
     */
    public void weigh(
            Heads heads,
            int layer,
            KvCache cache,
            int tokens,
            float[] q,
            int qAt,
            Selection[] selections,
            int first,
            int sets,
            Cancellation cancellation) {
        stride = Math.ceilDiv(tokens, TILE) * TILE;
        weights = Shares.grown(weights, Math.multiplyExact(heads.heads(), stride));
        score.scores(heads, layer, new KvCache[] {cache}, new int[] {tokens}, q, qAt, weights, stride, cancellation);
        int seen = heads.window() == 0 ? 0 : Math.max(0, tokens - heads.window());
        workers.run(heads.heads(), cancellation, (head, worker) -> {
            if (sets == 0) {
                softmax(weights, head * stride, seen, tokens, scratch[worker]);
            } else {
                int inSet = head % (heads.heads() / sets);
                softmax(selections[first + head * sets / heads.heads()], inSet, head * stride, scratch[worker]);
            }
        });
    }

    /** {@code [heads][stride]}, of which each head's first tokens count; valid until the next call. */
    public float[] weights() {
        return weights;
    }

    /** How far apart heads are. */
    public int stride() {
        return stride;
    }

    private void softmax(Selection chosen, int head, int at, Scratch s) {
        int count = chosen.count();
        s.chosen = Shares.grown(s.chosen, Math.ceilDiv(count, TILE) * TILE);
        for (int i = 0; i < count; i++) {
            s.chosen[i] = weights[at + chosen.id(i)];
        }
        chosen.correct(head, 0, count, s.chosen, 0);
        for (int i = 0; i < count; i++) {
            s.chosen[i] += (float) (chosen.logWeight(i) * LOG2_E);
        }
        softmax(s.chosen, 0, 0, count, s);
        Arrays.fill(weights, at, at + stride, 0);
        for (int i = 0; i < count; i++) {
            weights[at + chosen.id(i)] = s.chosen[i];
        }
    }

    /** Scores become weights, and those outside {@code [from, to)} 0. */
    private void softmax(float[] scores, int at, int from, int to, Scratch s) {
        kernel.softmax(scores, at, Math.ceilDiv(to, TILE) * TILE, from, to, s.stats, 0, s.tiles);
        float sum = s.stats[1];
        for (int i = from; i < to; i++) {
            scores[at + i] /= sum;
        }
    }
}
