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
 * {@link ExactAttention#chunk}. A task takes one kv head and a few blocks of queries through all strips: a strip is unpacked once for the blocks and for all
 * query heads of the group. How blocks are put into tasks changes no result.
 */
final class ChunkAttention {
    /** Tokens unpacked at a time. */
    static final int STRIP = 64;

    /** Blocks in a task, at most: their queries and outputs have to stay in the second-level cache. */
    private static final int BLOCKS = 2;

    /** Where each query head has chosen a few strips, so that one that was unpacked serves few of them: better that the caches are a little short. */
    private static final int CHOOSING_BLOCKS = 4;

    /** Enough that the last task keeps nobody waiting for long. */
    private static final int TASKS_PER_THREAD = 4;

    private final AttentionTiles kernel = Kernels.attentionTiles();
    private final Workers workers;
    private final Scratch[] scratch;

    /** What one worker needs. */
    private static final class Scratch {
        float[] keys = {}; // [strip / 16][headDim][16]
        float[] rows = {}; // [strip][width]
        float[] gathered = {}; // [strip][width]: keys that were chosen one by one
        float[] values = {}; // [width / 16][strip][16]
        float[] scores = {}; // [strip][64]
        float[] queries = {}; // [blocks][group][headDim][64]
        float[] outputs = {}; // [blocks][group][width][64]
        float[] max = {}; // [blocks][group][64]
        float[] sum = {}; // [blocks][group][64]
        final float[] scale = new float[LANES];
        long pairs; // of a query and a key that it sees, computed
    }

    ChunkAttention(Workers workers) {
        this.workers = workers;
        scratch = new Scratch[workers.threads()];
        Arrays.setAll(scratch, i -> new Scratch());
    }

    /** Pairs of a query and a key that were computed until now. */
    long pairs() {
        return Arrays.stream(scratch).mapToLong(s -> s.pairs).sum();
    }

    void attend(
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
        int blocks = Math.ceilDiv(rows, LANES), kvHeads = heads.kvHeads();
        int perTask = Math.clamp(
                blocks * kvHeads / (TASKS_PER_THREAD * workers.threads()),
                1,
                choice == null ? BLOCKS : CHOOSING_BLOCKS);
        int tasksPerHead = Math.ceilDiv(blocks, perTask);
        workers.run(tasksPerHead * kvHeads, cancellation, (task, worker) -> {
            // Later blocks see more tokens: they go first, so that nobody waits long for the last.
            int firstBlock = (tasksPerHead - 1 - task / kvHeads) * perTask;
            QueryBlock[] some = new QueryBlock[Math.min(perTask, blocks - firstBlock)];
            for (int i = 0; i < some.length; i++) {
                int from = (firstBlock + i) * LANES;
                int count = Math.min(LANES, rows - from);
                some[i] = new QueryBlock(
                        heads, firstRow + from, count, firstIndex + from, task % kvHeads, firstBlock + i, i);
            }
            attend(some, q, segments, out, logSumExp, choice, scratch[worker], cancellation);
        });
    }

    private void attend(
            QueryBlock[] blocks,
            float[] q,
            Segments segments,
            float[] out,
            float @Nullable [] logSumExp,
            @Nullable StripChoice choice,
            Scratch s,
            Cancellation cancellation) {
        prepare(blocks[0].heads(), blocks.length, s);
        for (QueryBlock b : blocks) {
            b.gather(q, s.queries);
        }
        for (int i = 0; i < segments.count(); i++) {
            cancellation.check();
            int first = segments.index(i);
            for (int t = 0; t < segments.tokens(i); t += STRIP) {
                int index = first == Segments.VISIBLE ? first : first + t;
                int number = i * StripChoice.IN_PAGE + t / STRIP;
                boolean unpacked = false;
                for (QueryBlock b : blocks) {
                    if (b.sees(index) && wants(b, choice, number)) {
                        int tokens = Math.min(STRIP, segments.tokens(i) - t);
                        if (!unpacked) {
                            unpack(b, segments.page(i), t / TILE, Math.ceilDiv(tokens, TILE), s);
                            unpacked = true;
                        }
                        strip(b, index, tokens, choice, number, s);
                    }
                }
            }
        }
        if (choice != null) {
            for (QueryBlock b : blocks) {
                singleTokens(b, segments, choice, s, cancellation);
            }
        }
        for (QueryBlock b : blocks) {
            scatterOutputs(b, s, out, logSumExp);
        }
    }

    /** Whether any of the query heads wants a strip. */
    private static boolean wants(QueryBlock b, @Nullable StripChoice choice, int strip) {
        int head = b.kvHead() * b.heads().group();
        return choice == null || choice.anyHas(head, head + b.heads().group(), b.number(), strip);
    }

    private static void prepare(Heads heads, int blocks, Scratch s) {
        int headDim = heads.headDim(), width = heads.width(), slots = blocks * heads.group();
        s.keys = Shares.grown(s.keys, STRIP * headDim);
        s.rows = Shares.grown(s.rows, STRIP * width);
        s.gathered = Shares.grown(s.gathered, STRIP * width);
        s.values = Shares.grown(s.values, STRIP * width);
        s.scores = Shares.grown(s.scores, STRIP * LANES);
        s.queries = Shares.grown(s.queries, slots * headDim * LANES);
        s.outputs = Shares.grown(s.outputs, slots * width * LANES);
        s.max = Shares.grown(s.max, slots * LANES);
        s.sum = Shares.grown(s.sum, slots * LANES);
        Arrays.fill(s.outputs, 0, slots * width * LANES, 0);
        Arrays.fill(s.max, 0, slots * LANES, LOWEST);
        Arrays.fill(s.sum, 0, slots * LANES, 0);
        // Columns between headDim and width are never written and must be finite.
        Arrays.fill(s.rows, 0);
    }

    private void unpack(QueryBlock b, Page page, int firstTile, int tiles, Scratch s) {
        int headDim = b.heads().headDim(), width = b.heads().width();
        for (int i = 0; i < tiles; i++) {
            page.keys().tile(b.kvHead(), firstTile + i, s.keys, i * TILE * headDim);
        }
        for (int i = 0; i < tiles; i++) {
            page.values().rows(b.kvHead(), firstTile + i, s.rows, i * TILE * width, width);
        }
        kernel.columns(s.rows, 0, tiles * TILE, width, s.values, 0);
    }

    private void strip(QueryBlock b, int index, int tokens, @Nullable StripChoice choice, int number, Scratch s) {
        int tiles = Math.ceilDiv(tokens, TILE);
        long pairs = b.pairs(index, tokens);
        for (int g = 0; g < b.heads().group(); g++) {
            if (choice == null || choice.has(b.kvHead() * b.heads().group() + g, b.number(), number)) {
                scores(b, g, tiles, s);
                b.mask(index, tokens, tiles * TILE, s.scores);
                accumulate(b, g, tiles, s);
                s.pairs += pairs;
            }
        }
    }

    private void scores(QueryBlock b, int inGroup, int tiles, Scratch s) {
        int headDim = b.heads().headDim();
        kernel.chunkScores(s.queries, b.slot(inGroup) * headDim * LANES, headDim, s.keys, 0, tiles, s.scores, 0);
    }

    /** Takes the values of tokens into the sums of a query head, by their scores. */
    private void accumulate(QueryBlock b, int inGroup, int tiles, Scratch s) {
        int width = b.heads().width(), slot = b.slot(inGroup);
        if (kernel.chunkSoftmax(s.scores, 0, tiles * TILE, s.max, s.sum, slot * LANES, s.scale)) {
            kernel.chunkRescale(s.outputs, slot * width * LANES, width, s.scale);
        }
        kernel.chunkWeigh(s.scores, 0, tiles * TILE, s.values, 0, width, s.outputs, slot * width * LANES);
    }

    /** The tokens that the query heads of a block chose one by one. */
    private void singleTokens(
            QueryBlock b, Segments segments, StripChoice choice, Scratch s, Cancellation cancellation) {
        for (int g = 0; g < b.heads().group(); g++) {
            int[] ids = choice.tokens(b.kvHead() * b.heads().group() + g, b.number());
            for (int from = 0; from < ids.length; from += STRIP) {
                cancellation.check();
                int count = Math.min(STRIP, ids.length - from), tiles = Math.ceilDiv(count, TILE);
                gather(b, segments, ids, from, count, s);
                scores(b, g, tiles, s);
                Arrays.fill(s.scores, count * LANES, tiles * TILE * LANES, MASKED);
                for (int i = 0; i < count; i++) {
                    int index = indexOf(segments, ids[from + i]);
                    b.maskToken(index, i, s.scores);
                    s.pairs += index == Segments.VISIBLE ? b.rows() : b.seeing(index);
                }
                accumulate(b, g, tiles, s);
            }
        }
    }

    private static int indexOf(Segments segments, int token) {
        int first = segments.index(token / Page.TOKENS);
        return first == Segments.VISIBLE ? first : first + token % Page.TOKENS;
    }

    /** Unpacks chosen tokens as if they stood in one strip. */
    private void gather(QueryBlock b, Segments segments, int[] ids, int from, int count, Scratch s) {
        int headDim = b.heads().headDim(), width = b.heads().width(), end = from + count;
        for (int i = from, next; i < end; i = next) {
            int page = ids[i] / Page.TOKENS;
            for (next = i + 1; next < end && ids[next] / Page.TOKENS == page; ) {
                next++;
            }
            Page of = segments.page(page);
            int at = (i - from) * width;
            of.keys().gather(b.kvHead(), ids, i, next - i, page * Page.TOKENS, s.gathered, at, width);
            of.values().gather(b.kvHead(), ids, i, next - i, page * Page.TOKENS, s.rows, at, width);
        }
        for (int i = 0; i < count; i++) {
            int to = i / TILE * TILE * headDim + i % TILE;
            for (int d = 0; d < headDim; d++) {
                s.keys[to + d * TILE] = s.gathered[i * width + d];
            }
        }
        kernel.columns(s.rows, 0, Math.ceilDiv(count, TILE) * TILE, width, s.values, 0);
    }

    private static void scatterOutputs(QueryBlock b, Scratch s, float[] out, float @Nullable [] logSumExp) {
        int headDim = b.heads().headDim(),
                width = b.heads().width(),
                stride = b.heads().heads() * headDim;
        for (int g = 0; g < b.heads().group(); g++) {
            int slot = b.slot(g);
            for (int row = 0; row < b.rows(); row++) {
                float sum = s.sum[slot * LANES + row];
                float inverse = sum > 0 ? 1 / sum : 0;
                int from = slot * width * LANES + row, to = b.at(g) + row * stride;
                for (int d = 0; d < headDim; d++) {
                    out[to + d] = s.outputs[from + d * LANES] * inverse;
                }
                if (logSumExp != null) {
                    logSumExp[to / headDim] = Heads.logSumExp(s.max[slot * LANES + row], sum);
                }
            }
        }
    }
}
