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
 * {@link ExactAttention#chunk}. A task takes one kv head and one or two blocks of queries through all strips: a strip is unpacked once for the blocks and for all
 * query heads of the group. How blocks are put into tasks changes no result.
 */
final class ChunkAttention {
    /** Tokens unpacked at a time. */
    static final int STRIP = 64;

    /** Blocks in a task, at most: their queries and outputs have to stay in the second-level cache. */
    private static final int BLOCKS = 2;

    /** Enough that the last task keeps nobody waiting for long. */
    private static final int TASKS_PER_THREAD = 4;

    private final AttentionTiles kernel = Kernels.attentionTiles();
    private final Workers workers;
    private final Scratch[] scratch;

    /** What one worker needs. */
    private static final class Scratch {
        float[] keys = {}; // [strip / 16][headDim][16]
        float[] rows = {}; // [strip][width]
        float[] values = {}; // [width / 16][strip][16]
        float[] scores = {}; // [strip][64]
        float[] queries = {}; // [blocks][group][headDim][64]
        float[] outputs = {}; // [blocks][group][width][64]
        float[] max = {}; // [blocks][group][64]
        float[] sum = {}; // [blocks][group][64]
        final float[] scale = new float[LANES];
    }

    ChunkAttention(Workers workers) {
        this.workers = workers;
        scratch = new Scratch[workers.threads()];
        Arrays.setAll(scratch, i -> new Scratch());
    }

    private static float[] grown(float[] array, int needed) {
        return array.length >= needed ? array : new float[needed];
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
            Cancellation cancellation) {
        int blocks = Math.ceilDiv(rows, LANES), kvHeads = heads.kvHeads();
        int perTask = Math.clamp(blocks * kvHeads / (TASKS_PER_THREAD * workers.threads()), 1, BLOCKS);
        int tasksPerHead = Math.ceilDiv(blocks, perTask);
        workers.run(tasksPerHead * kvHeads, cancellation, (task, worker) -> {
            // Later blocks see more tokens: they go first, so that nobody waits long for the last.
            int firstBlock = (tasksPerHead - 1 - task / kvHeads) * perTask;
            Block[] some = new Block[Math.min(perTask, blocks - firstBlock)];
            for (int i = 0; i < some.length; i++) {
                int from = (firstBlock + i) * LANES;
                int count = Math.min(LANES, rows - from);
                some[i] = new Block(heads, firstRow + from, count, firstIndex + from, task % kvHeads, i);
            }
            attend(some, q, segments, out, logSumExp, scratch[worker], cancellation);
        });
    }

    /**
     * Up to 64 consecutive queries of the heads that share one kv head.
     *
     * @param place among the blocks of the task, which share the scratch
     */
    private record Block(Heads heads, int firstRow, int rows, int firstIndex, int kvHead, int place) {
        int lastIndex() {
            return firstIndex + rows - 1;
        }

        /** Whether any query looks at any token of the strip that begins at an index. */
        boolean sees(int stripIndex) {
            int window = heads.window();
            return stripIndex == Segments.VISIBLE
                    || (stripIndex <= lastIndex() && (window == 0 || stripIndex + STRIP - 1 > firstIndex - window));
        }

        /** Where the first row of a query head begins among queries and outputs. */
        int at(int inGroup) {
            return (firstRow * heads.heads() + kvHead * heads.group() + inGroup) * heads.headDim();
        }

        /** Which of the scratch's query heads is one of the group. */
        int slot(int inGroup) {
            return place * heads.group() + inGroup;
        }
    }

    private void attend(
            Block[] blocks,
            float[] q,
            Segments segments,
            float[] out,
            float @Nullable [] logSumExp,
            Scratch s,
            Cancellation cancellation) {
        prepare(blocks[0].heads(), blocks.length, s);
        for (Block b : blocks) {
            gatherQueries(b, q, s.queries);
        }
        for (int i = 0; i < segments.count(); i++) {
            cancellation.check();
            int first = segments.index(i);
            for (int t = 0; t < segments.tokens(i); t += STRIP) {
                int index = first == Segments.VISIBLE ? first : first + t;
                boolean unpacked = false;
                for (Block b : blocks) {
                    if (b.sees(index)) {
                        int tokens = Math.min(STRIP, segments.tokens(i) - t);
                        if (!unpacked) {
                            unpack(b, segments.page(i), t / TILE, Math.ceilDiv(tokens, TILE), s);
                            unpacked = true;
                        }
                        strip(b, index, tokens, s);
                    }
                }
            }
        }
        for (Block b : blocks) {
            scatterOutputs(b, s, out, logSumExp);
        }
    }

    private static void prepare(Heads heads, int blocks, Scratch s) {
        int headDim = heads.headDim(), width = heads.width(), slots = blocks * heads.group();
        s.keys = grown(s.keys, STRIP * headDim);
        s.rows = grown(s.rows, STRIP * width);
        s.values = grown(s.values, STRIP * width);
        s.scores = grown(s.scores, STRIP * LANES);
        s.queries = grown(s.queries, slots * headDim * LANES);
        s.outputs = grown(s.outputs, slots * width * LANES);
        s.max = grown(s.max, slots * LANES);
        s.sum = grown(s.sum, slots * LANES);
        Arrays.fill(s.outputs, 0, slots * width * LANES, 0);
        Arrays.fill(s.max, 0, slots * LANES, LOWEST);
        Arrays.fill(s.sum, 0, slots * LANES, 0);
        // Columns between headDim and width are never written and must be finite.
        Arrays.fill(s.rows, 0);
    }

    private void unpack(Block b, Page page, int firstTile, int tiles, Scratch s) {
        int headDim = b.heads().headDim(), width = b.heads().width();
        for (int i = 0; i < tiles; i++) {
            page.keys().tile(b.kvHead(), firstTile + i, s.keys, i * TILE * headDim);
        }
        for (int i = 0; i < tiles; i++) {
            page.values().rows(b.kvHead(), firstTile + i, s.rows, i * TILE * width, width);
        }
        kernel.columns(s.rows, 0, tiles * TILE, width, s.values, 0);
    }

    private void strip(Block b, int index, int tokens, Scratch s) {
        int headDim = b.heads().headDim(), width = b.heads().width();
        int tiles = Math.ceilDiv(tokens, TILE);
        for (int g = 0; g < b.heads().group(); g++) {
            int slot = b.slot(g);
            kernel.chunkScores(s.queries, slot * headDim * LANES, headDim, s.keys, 0, tiles, s.scores, 0);
            mask(b, index, tokens, tiles * TILE, s.scores);
            if (kernel.chunkSoftmax(s.scores, 0, tiles * TILE, s.max, s.sum, slot * LANES, s.scale)) {
                kernel.chunkRescale(s.outputs, slot * width * LANES, width, s.scale);
            }
            kernel.chunkWeigh(s.scores, 0, tiles * TILE, s.values, 0, width, s.outputs, slot * width * LANES);
        }
    }

    /** Masks what the queries may not see: tokens after their own, tokens outside the window, and the rest of the last tile. */
    private static void mask(Block b, int stripIndex, int tokens, int n, float[] scores) {
        Arrays.fill(scores, tokens * LANES, n * LANES, MASKED);
        if (stripIndex == Segments.VISIBLE) {
            return;
        }
        int window = b.heads().window();
        for (int t = 0; t < tokens; t++) {
            // Lanes see token t from lane `from` on; lanes past the block's last query see what they like.
            int from = stripIndex + t - b.firstIndex();
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
        int headDim = b.heads().headDim(), stride = b.heads().heads() * headDim;
        float scale = b.heads().scale();
        for (int g = 0; g < b.heads().group(); g++) {
            int from = b.at(g), to = b.slot(g) * headDim * LANES;
            for (int d = 0; d < headDim; d++) {
                for (int row = 0; row < b.rows(); row++) {
                    queries[to + d * LANES + row] = q[from + row * stride + d] * scale;
                }
                Arrays.fill(queries, to + d * LANES + b.rows(), to + (d + 1) * LANES, 0);
            }
        }
    }

    private static void scatterOutputs(Block b, Scratch s, float[] out, float @Nullable [] logSumExp) {
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
