package dev.lectern.attention;

import dev.lectern.Cancellation;
import dev.lectern.Traffic;
import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.Page;
import java.util.Arrays;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Exact attention over {@link Segments}, tile by tile, never holding a row of scores: {@code softmax(q Kᵀ / √headDim) V} with the online
 * softmax of Milakov and Gimelshein (arXiv 1805.02867) and the tiling of FlashAttention (Dao et al., arXiv 2205.14135).
 *
 * <p>Three paths. {@link #single}: one query per sequence; the work is split at segments, each segment's share is computed by itself, and the
 * shares are merged in the order of the segments, so the result does not depend on the number of threads (FlashDecoding's split). A stored
 * key or value is read once for the whole group of query heads. {@link #chunk}: blocks of {@value AttentionTiles#LANES} queries walk the segments in
 * strips of {@value ChunkAttention#STRIP} tokens that begin at absolute places, so the result does not depend on how a text was cut into chunks.
 *
 * {@link #gather}: one query per sequence over chosen tokens.
 *
 * <p>Scratch is kept between calls; one call at a time.
 */
public final class ExactAttention {
    private final SingleAttention single;
    private final ChunkAttention chunk;
    private final ChunkSums sums;
    private final GatherAttention gather;
    private final ScoreAttention score;
    private final Workers workers;
    private @Nullable GatherListener listener;
    private long bytesRead;
    private long rowsRead;
    private long rowsHeld;
    private long scoredPairs;
    private Traffic.Bounded bounded = Traffic.Bounded.NONE;

    public ExactAttention(Workers workers) {
        single = new SingleAttention(workers);
        chunk = new ChunkAttention(workers);
        sums = new ChunkSums(workers);
        gather = new GatherAttention(workers);
        score = new ScoreAttention(workers);
        this.workers = workers;
    }

    /** The threads that methods may share loops with, between calls. */
    public Workers workers() {
        return workers;
    }

    /** Is told what {@link #gather} looks at. */
    @FunctionalInterface
    public interface GatherListener {
        /** @param selections {@code [rows][sets]}, valid during the call */
        void gathered(Heads heads, int rows, int sets, Selection[] selections);
    }

    /** Tells a listener of each {@link #gather} from here on; null for none. */
    public void listen(@Nullable GatherListener listener) {
        this.listener = listener;
    }

    /** What {@link #all}, {@link #gather} and {@link #scores} have read until now. */
    public Traffic traffic() {
        return new Traffic(bytesRead, rowsRead, rowsHeld, bounded);
    }

    /** Pairs of a query and a key that {@link #chunk} has computed until now, without those that a mask hides. */
    public long computedPairs() {
        return chunk.pairs();
    }

    /** Those that {@link #noteScored} was told. */
    public long scoredPairs() {
        return scoredPairs;
    }

    /** Notes scores of queries against keys that a method of reading has computed to choose by them; what it computes of fewer numbers counts by the part. */
    public void noteScored(long pairs) {
        scoredPairs += pairs;
    }

    /** Notes bytes that a method has read beside keys and values: of an index. */
    void noteRead(long bytes) {
        bytesRead += bytes;
    }

    /** Notes tokens that a query of a cache could have looked at, had they not been dropped. */
    void noteDropped(Heads heads, KvCache cache) {
        long here = cache.length() + 1L;
        rowsHeld += (heads.visible(here + cache.gone()) - heads.visible(here)) * heads.heads();
    }

    /** Notes what became of a bound on errors. */
    void note(Traffic.Bounded choices) {
        bounded = bounded.plus(choices);
    }

    /** Bytes of scratch for single queries at a depth, all workers together: the part that grows with the context. */
    public static long bytes(Heads heads, int rows, long tokens) {
        long perPage = Math.multiplyExact((long) rows * heads.heads(), Float.BYTES * (heads.width() + 2L));
        return Math.multiplyExact(perPage, Math.ceilDiv(tokens, (long) Page.TOKENS));
    }

    /**
     * One query per row, each with segments of its own.
     *
     * @param q {@code [rows][heads][headDim]}, rotated
     * @param index of each row's query, as {@link Segments#index} counts
     * @param segments per row
     * @param out {@code [rows][heads][headDim]}
     * @param logSumExp {@code [rows][heads]}: ln Σ exp(score), if wanted
     */
    public void single(
            Heads heads,
            int rows,
            float[] q,
            int[] index,
            Segments[] segments,
            float[] out,
            float @Nullable [] logSumExp,
            Cancellation cancellation) {
        single.attend(heads, rows, q, index, segments, out, logSumExp, cancellation);
    }

    /**
     * The next token of each sequence over all tokens that are stored, its own included; within the window, where there is one.
     *
     * @param q {@code [caches][heads][headDim]}, rotated
     * @param out {@code [caches][heads][headDim]}
     * @param logSumExp {@code [caches][heads]}, if wanted
     */
    public void all(
            Heads heads,
            int layer,
            KvCache[] caches,
            float[] q,
            float[] out,
            float @Nullable [] logSumExp,
            Cancellation cancellation) {
        for (KvCache cache : caches) {
            long visible = heads.visible(cache.visible());
            if (visible == 0) {
                continue;
            }
            bytesRead += visible * heads.kvHeads() * Segments.rowBytes(cache.page(layer, 0));
            rowsRead += visible * heads.heads();
            rowsHeld += visible * heads.heads();
            noteDropped(heads, cache);
        }
        single.attendAll(heads, layer, caches, q, out, logSumExp, cancellation);
    }

    /**
     * The scores of the next token of each sequence against all tokens that are stored, its own included: binary logarithms of weights in the softmax, up to a constant.
     *
     * @param q {@code [caches][heads][headDim]}, rotated
     * @param out {@code [caches][heads][stride]}; scores of tokens outside a window may be anything
     * @param stride the most tokens of a sequence, up to a whole tile
     */
    public void scores(
            Heads heads, int layer, KvCache[] caches, float[] q, float[] out, int stride, Cancellation cancellation) {
        for (KvCache cache : caches) {
            if (cache.visible() == 0) {
                continue;
            }
            long tokens = heads.visible(cache.visible());
            bytesRead += tokens * heads.kvHeads() * cache.page(layer, 0).keys().rowBytes();
        }
        int[] tokens = Arrays.stream(caches).mapToInt(KvCache::visible).toArray();
        score.scores(heads, layer, caches, tokens, q, 0, out, stride, cancellation);
    }

    /**
     * Consecutive queries of one sequence.
     *
     * @param q {@code [rows][heads][headDim]} from row firstRow on, rotated
     * @param firstIndex of the first query, as {@link Segments#index} counts; the others follow
     * @param out {@code [rows][heads][headDim]}, the same rows written
     * @param logSumExp {@code [rows][heads]}, if wanted
     */
    public void chunk(
            Heads heads,
            float[] q,
            int firstRow,
            int rows,
            int firstIndex,
            Segments segments,
            float[] out,
            float @Nullable [] logSumExp,
            Cancellation cancellation) {
        chunk(heads, q, firstRow, rows, firstIndex, segments, out, logSumExp, null, cancellation);
    }

    /**
     * Consecutive queries of one sequence over what is chosen for them. With everything chosen in strips the result is that without a choice, bit for bit.
     *
     * @param choice what each query head looks at, of the segments, of which all but the last are whole pages; of nothing the output is 0, the log-sum-exp −∞; null for everything
     */
    public void chunk(
            Heads heads,
            float[] q,
            int firstRow,
            int rows,
            int firstIndex,
            Segments segments,
            float[] out,
            float @Nullable [] logSumExp,
            @Nullable StripChoice choice,
            Cancellation cancellation) {
        if (choice != null) {
            choice.requireFit(heads.heads(), rows, tokens(segments));
        }
        chunk.attend(heads, q, firstRow, rows, firstIndex, segments, out, logSumExp, choice, cancellation);
    }

    /**
     * Adds what each token weighs in the softmax of consecutive queries, all of them together, to sums. It costs somewhat more than half of {@link #chunk}.
     *
     * @param q {@code [rows][heads][headDim]} from row firstRow on, rotated
     * @param firstIndex of the first query, as {@link Segments#index} counts; the others follow
     * @param segments of which all but the last are whole pages, and which follow each other
     * @param logSumExp {@code [rows][heads]} from row firstRow on: what {@link #chunk} has told of the same queries and segments
     * @param sums {@code [kvHeads][tokens]}
     */
    void weights(
            Heads heads,
            float[] q,
            int firstRow,
            int rows,
            int firstIndex,
            Segments segments,
            float[] logSumExp,
            float[][] sums,
            Cancellation cancellation) {
        this.sums.add(heads, q, firstRow, rows, firstIndex, segments, logSumExp, sums, cancellation);
    }

    private static int tokens(Segments segments) {
        int last = segments.count() - 1;
        return last * Page.TOKENS + segments.tokens(last);
    }

    /**
     * One query per row over chosen tokens, whatever their order in time: {@code Σ_i w_i e^{s_i} v_i / Σ_i w_i e^{s_i}} with the score s_i and the weight w_i
     * of token i. With all tokens at weight 1 it equals {@link #single} within rounding.
     *
     * @param q {@code [rows][heads][headDim]}, rotated
     * @param segments per row: where the tokens are; all segments but the last are whole pages, and id i is the i-th token of all
     * @param sets selections of a row: as many as kv heads, or a multiple, up to one for each query head
     * @param selections {@code [rows][sets]}: what the query heads of a set look at; of nothing the output is 0, the log-sum-exp −∞
     * @param out {@code [rows][heads][headDim]}
     * @param logSumExp {@code [rows][heads]}: ln Σ w exp(score), if wanted; with it, parts that were attended apart can be merged
     */
    public void gather(
            Heads heads,
            int rows,
            int sets,
            float[] q,
            Segments[] segments,
            Selection[] selections,
            float[] out,
            float @Nullable [] logSumExp,
            Cancellation cancellation) {
        gather(heads, rows, sets, q, segments, selections, out, logSumExp, () -> false, cancellation);
    }

    /**
     * The same as often as somebody wants more: who looks at outputs and then {@linkplain Selection#settle settles} a selection, or fills it with others.
     *
     * @param more whether a selection is not settled
     */
    void gather(
            Heads heads,
            int rows,
            int sets,
            float[] q,
            Segments[] segments,
            Selection[] selections,
            float[] out,
            float @Nullable [] logSumExp,
            BooleanSupplier more,
            Cancellation cancellation) {
        for (int row = 0; row < rows; row++) {
            long tokens = 0;
            for (int i = 0; i < segments[row].count(); i++) {
                tokens += segments[row].tokens(i);
            }
            rowsHeld += heads.visible(tokens) * heads.heads();
        }
        do {
            noteRead(heads, rows, sets, segments, selections);
            gather.attend(heads, rows, sets, q, segments, selections, out, logSumExp, cancellation);
        } while (more.getAsBoolean());
        if (listener != null) {
            listener.gathered(heads, rows, sets, selections);
        }
    }

    private void noteRead(Heads heads, int rows, int sets, Segments[] segments, Selection[] selections) {
        for (int row = 0; row < rows; row++) {
            long chosen = 0;
            for (int set = row * sets; set < (row + 1) * sets; set++) {
                chosen += selections[set].isSettled() ? 0 : selections[set].count();
            }
            if (chosen > 0) {
                bytesRead += chosen * Segments.rowBytes(segments[row].page(0));
            }
            rowsRead += chosen * (heads.heads() / sets);
        }
    }
}
