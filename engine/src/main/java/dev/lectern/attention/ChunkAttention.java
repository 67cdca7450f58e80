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

/** {@link ExactAttention#chunk}. */
final class ChunkAttention {
    /** Tokens unpacked at a time for a block of queries. */
    static final int STRIP = 64;

    private final AttentionTiles kernel = Kernels.attentionTiles();
    private final Workers workers;
    private final Scratch[] scratch;

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
                    logSumExp[to / headDim] = Heads.logSumExp(s.max[g * LANES + row], sum);
                }
            }
        }
    }
}
