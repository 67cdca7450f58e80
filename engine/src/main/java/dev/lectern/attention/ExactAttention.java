package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.LANES;
import static dev.lectern.kernel.AttentionTiles.LOWEST;
import static dev.lectern.kernel.AttentionTiles.MASKED;
import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.Cancellation;
import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.Page;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Exact attention over {@link Segments}, tile by tile, never holding a row of scores: {@code softmax(q Kᵀ / √headDim) V} with the online
 * softmax of Milakov and Gimelshein (arXiv 1805.02867) and the tiling of FlashAttention (Dao et al., arXiv 2205.14135).
 *
 * <p>Two paths. {@link #single}: one query per sequence; the work is split at segments, each segment's share is computed by itself, and the
 * shares are merged in the order of the segments, so the result does not depend on the number of threads (FlashDecoding's split). A stored
 * tile is unpacked once for the whole group of query heads. {@link #chunk}: blocks of {@value AttentionTiles#LANES} queries walk the segments in strips
 * of {@value #STRIP} tokens that begin at absolute places, so the result does not depend on how a text was cut into chunks.
 *
 * <p>Scratch is kept between calls; one call at a time.
 */
public final class ExactAttention {
    /** Tokens unpacked at a time for a block of queries. */
    static final int STRIP = 64;

    private final AttentionTiles kernel = Kernels.attentionTiles();
    private final Workers workers;
    private final Scratch[] scratch;
    private float[] shares = {}; // [rows][kvHeads][segments][group][width + 2]: output, maximum, sum

    /** What one worker needs. */
    private static final class Scratch {
        float[] queries = {};
        float[] keys = {};
        float[] values = {};
        float[] scores = {};
        float[] outputs = {};
        float[] max = {};
        float[] sum = {};
        final float[] scale = new float[LANES];
        final float[] stats = new float[2];
    }

    public ExactAttention(Workers workers) {
        this.workers = workers;
        scratch = new Scratch[workers.threads()];
        Arrays.setAll(scratch, i -> new Scratch());
    }

    /** Bytes of scratch for single queries at a depth, all workers together: the part that grows with the context. */
    public static long bytes(Heads heads, int rows, long tokens) {
        long perPage = Math.multiplyExact((long) rows * heads.heads(), Float.BYTES * (heads.width() + 2L));
        return Math.multiplyExact(perPage, Math.ceilDiv(tokens, (long) Page.TOKENS));
    }

    private static float[] grown(float[] array, int needed) {
        return array.length >= needed ? array : new float[needed];
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
        int kvHeads = heads.kvHeads();
        int[] firstTask = new int[rows + 1];
        for (int row = 0; row < rows; row++) {
            firstTask[row + 1] = firstTask[row] + segments[row].count() * kvHeads;
        }
        int share = heads.group() * (heads.width() + 2);
        shares = grown(shares, Math.multiplyExact(firstTask[rows], share));
        workers.run(firstTask[rows], cancellation, (task, worker) -> {
            int row = rowOf(firstTask, task);
            int inRow = task - firstTask[row];
            int segment = inRow / kvHeads, kvHead = inRow % kvHeads;
            int qAt = (row * heads.heads() + kvHead * heads.group()) * heads.headDim();
            share(heads, q, qAt, index[row], segments[row], segment, kvHead, shares, task * share, scratch[worker]);
        });
        workers.run(rows * heads.heads(), cancellation, (task, worker) -> {
            int row = task / heads.heads(), head = task % heads.heads();
            int kvHead = head / heads.group(), inGroup = head % heads.group();
            int first = (firstTask[row] + kvHead) * share + inGroup * (heads.width() + 2);
            float lse = merge(heads, segments[row].count(), first, kvHeads * share, out, task * heads.headDim());
            if (logSumExp != null) {
                logSumExp[task] = lse;
            }
        });
    }

    private static int rowOf(int[] firstTask, int task) {
        int found = Arrays.binarySearch(firstTask, task);
        int row = found >= 0 ? found : -found - 2;
        // Rows without segments have no tasks: step over them.
        while (firstTask[row + 1] == task && row + 2 < firstTask.length) {
            row++;
        }
        return row;
    }

    /** What one segment contributes to the query heads of one kv head. */
    private void share(
            Heads heads,
            float[] q,
            int qAt,
            int index,
            Segments segments,
            int segment,
            int kvHead,
            float[] out,
            int at,
            Scratch s) {
        int group = heads.group(), headDim = heads.headDim(), width = heads.width();
        int tokens = segments.tokens(segment);
        int from = 0, to = tokens;
        int first = segments.index(segment);
        if (first != Segments.VISIBLE) {
            to = Math.min(tokens, index - first + 1);
            from = heads.window() == 0 ? 0 : Math.max(0, index - heads.window() + 1 - first);
        }
        Arrays.fill(out, at, at + group * (width + 2), 0);
        if (from >= to) {
            for (int g = 0; g < group; g++) {
                out[at + g * (width + 2) + width] = LOWEST;
            }
            return;
        }
        int tileFrom = from / TILE, tileTo = Math.ceilDiv(to, TILE);
        int n = (tileTo - tileFrom) * TILE;
        s.keys = grown(s.keys, headDim * TILE);
        s.values = grown(s.values, width * TILE);
        s.scores = grown(s.scores, group * Page.TOKENS);
        s.queries = grown(s.queries, group * headDim);
        s.outputs = grown(s.outputs, group * width);
        for (int i = 0; i < group * headDim; i++) {
            s.queries[i] = q[qAt + i] * heads.scale();
        }
        Page page = segments.page(segment);
        for (int tile = tileFrom; tile < tileTo; tile++) {
            page.keys().tile(kvHead, tile, s.keys, 0);
            int place = (tile - tileFrom) * TILE;
            kernel.scores(s.queries, 0, group, headDim, s.keys, 0, s.scores, place, Page.TOKENS);
        }
        for (int g = 0; g < group; g++) {
            kernel.softmax(s.scores, g * Page.TOKENS, n, from - tileFrom * TILE, to - tileFrom * TILE, s.stats, 0);
            out[at + g * (width + 2) + width] = s.stats[0];
            out[at + g * (width + 2) + width + 1] = s.stats[1];
        }
        Arrays.fill(s.outputs, 0, group * width, 0);
        for (int tile = tileFrom; tile < tileTo; tile++) {
            page.values().rows(kvHead, tile, s.values, 0, width);
            kernel.weigh(s.scores, (tile - tileFrom) * TILE, Page.TOKENS, group, s.values, 0, width, s.outputs, 0);
        }
        for (int g = 0; g < group; g++) {
            System.arraycopy(s.outputs, g * width, out, at + g * (width + 2), width);
        }
    }

    /** Joins the shares of all segments for one query head, in order; returns the log-sum-exp. */
    private float merge(Heads heads, int segments, int first, int stride, float[] out, int outAt) {
        int width = heads.width(), headDim = heads.headDim();
        float max = LOWEST;
        for (int i = 0; i < segments; i++) {
            max = Math.max(max, shares[first + i * stride + width]);
        }
        float sum = 0;
        Arrays.fill(out, outAt, outAt + headDim, 0);
        for (int i = 0; i < segments; i++) {
            int at = first + i * stride;
            float weight = (float) Math.exp(shares[at + width] - max);
            sum = Math.fma(shares[at + width + 1], weight, sum);
            for (int d = 0; d < headDim; d++) {
                out[outAt + d] = Math.fma(shares[at + d], weight, out[outAt + d]);
            }
        }
        if (sum > 0) {
            float inverse = 1 / sum;
            for (int d = 0; d < headDim; d++) {
                out[outAt + d] *= inverse;
            }
        }
        return (float) (max + Math.log(sum));
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
        int blocks = Math.ceilDiv(rows, LANES);
        workers.run(blocks * heads.kvHeads(), cancellation, (task, worker) -> {
            // Later blocks see more tokens: they go first, so that nobody waits long for the last.
            int block = blocks - 1 - task / heads.kvHeads();
            int kvHead = task % heads.kvHeads();
            int from = block * LANES;
            Block b = new Block(heads, firstRow + from, Math.min(LANES, rows - from), firstIndex + from, kvHead);
            block(b, q, segments, out, logSumExp, scratch[worker], cancellation);
        });
    }

    /** Up to 64 consecutive queries of the heads that share one kv head. */
    private record Block(Heads heads, int firstRow, int rows, int firstIndex, int kvHead) {
        int lastIndex() {
            return firstIndex + rows - 1;
        }

        int at(int row, int inGroup) {
            return ((firstRow + row) * heads.heads() + kvHead * heads.group() + inGroup) * heads.headDim();
        }
    }

    private void block(
            Block b,
            float[] q,
            Segments segments,
            float[] out,
            float @Nullable [] logSumExp,
            Scratch s,
            Cancellation cancellation) {
        Heads heads = b.heads();
        int group = heads.group(), headDim = heads.headDim(), width = heads.width();
        s.queries = grown(s.queries, group * headDim * LANES);
        s.outputs = grown(s.outputs, group * width * LANES);
        s.keys = grown(s.keys, STRIP * headDim);
        s.values = grown(s.values, STRIP * width);
        s.scores = grown(s.scores, STRIP * LANES);
        s.max = grown(s.max, group * LANES);
        s.sum = grown(s.sum, group * LANES);
        Arrays.fill(s.outputs, 0, group * width * LANES, 0);
        Arrays.fill(s.max, 0, group * LANES, LOWEST);
        Arrays.fill(s.sum, 0, group * LANES, 0);
        // Columns between headDim and width are never written and must be finite.
        Arrays.fill(s.values, 0);
        gatherQueries(b, q, s.queries);
        for (int i = 0; i < segments.count(); i++) {
            cancellation.check();
            int first = segments.index(i);
            for (int t = 0; t < segments.tokens(i); t += STRIP) {
                if (first == Segments.VISIBLE || isSeen(b, first + t)) {
                    strip(b, segments, i, t, s);
                }
            }
        }
        scatterOutputs(b, s, out, logSumExp);
    }

    /** Whether any query of the block looks at any token of the strip that begins at an index. */
    private static boolean isSeen(Block b, int stripIndex) {
        int window = b.heads().window();
        return stripIndex <= b.lastIndex() && (window == 0 || stripIndex + STRIP - 1 > b.firstIndex() - window);
    }

    private void strip(Block b, Segments segments, int segment, int firstToken, Scratch s) {
        Heads heads = b.heads();
        int headDim = heads.headDim(), width = heads.width();
        int tokens = Math.min(STRIP, segments.tokens(segment) - firstToken);
        int tiles = Math.ceilDiv(tokens, TILE);
        Page page = segments.page(segment);
        for (int i = 0; i < tiles; i++) {
            page.keys().tile(b.kvHead(), firstToken / TILE + i, s.keys, i * TILE * headDim);
            page.values().rows(b.kvHead(), firstToken / TILE + i, s.values, i * TILE * width, width);
        }
        for (int g = 0; g < heads.group(); g++) {
            for (int i = 0; i < tiles; i++) {
                kernel.chunkScores(
                        s.queries,
                        g * headDim * LANES,
                        headDim,
                        s.keys,
                        i * TILE * headDim,
                        s.scores,
                        i * TILE * LANES);
            }
            mask(b, segments.index(segment), firstToken, tokens, tiles * TILE, s.scores);
            if (kernel.chunkSoftmax(s.scores, 0, tiles * TILE, s.max, s.sum, g * LANES, s.scale)) {
                kernel.chunkRescale(s.outputs, g * width * LANES, width, s.scale);
            }
            kernel.chunkWeigh(s.scores, 0, tiles * TILE, s.values, 0, width, s.outputs, g * width * LANES);
        }
    }

    /** Masks what the queries may not see: tokens after their own, tokens outside the window, and the rest of the last tile. */
    private static void mask(Block b, int segmentIndex, int firstToken, int tokens, int n, float[] scores) {
        Arrays.fill(scores, tokens * LANES, n * LANES, MASKED);
        if (segmentIndex == Segments.VISIBLE) {
            return;
        }
        int window = b.heads().window();
        int index = segmentIndex + firstToken;
        for (int t = 0; t < tokens; t++) {
            // Lanes see token t from lane `from` on; lanes past the block's last query see what they like.
            int from = index + t - b.firstIndex();
            if (from > 0) {
                Arrays.fill(scores, t * LANES, t * LANES + Math.min(from, LANES), MASKED);
            }
            int to = window == 0 ? LANES : Math.max(0, from + window);
            if (to < LANES) {
                Arrays.fill(scores, t * LANES + to, (t + 1) * LANES, MASKED);
            }
        }
    }

    private static void gatherQueries(Block b, float[] q, float[] queries) {
        Heads heads = b.heads();
        int headDim = heads.headDim();
        for (int g = 0; g < heads.group(); g++) {
            for (int d = 0; d < headDim; d++) {
                int to = (g * headDim + d) * LANES;
                Arrays.fill(queries, to + b.rows(), to + LANES, 0);
                for (int row = 0; row < b.rows(); row++) {
                    queries[to + row] = q[b.at(row, g) + d] * heads.scale();
                }
            }
        }
    }

    private static void scatterOutputs(Block b, Scratch s, float[] out, float @Nullable [] logSumExp) {
        Heads heads = b.heads();
        int headDim = heads.headDim(), width = heads.width();
        for (int g = 0; g < heads.group(); g++) {
            for (int row = 0; row < b.rows(); row++) {
                float sum = s.sum[g * LANES + row];
                float inverse = sum > 0 ? 1 / sum : 0;
                int to = b.at(row, g);
                for (int d = 0; d < headDim; d++) {
                    out[to + d] = s.outputs[(g * width + d) * LANES + row] * inverse;
                }
                if (logSumExp != null) {
                    logSumExp[to / headDim] = (float) (s.max[g * LANES + row] + Math.log(sum));
                }
            }
        }
    }
}
