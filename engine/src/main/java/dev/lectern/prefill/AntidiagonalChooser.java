package dev.lectern.prefill;

import static dev.lectern.kernel.AttentionTiles.LANES;
import static dev.lectern.kernel.AttentionTiles.LOWEST;
import static dev.lectern.kernel.AttentionTiles.MASKED;
import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.attention.Heads;
import dev.lectern.attention.StripChoice;
import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.Page;
import java.util.Arrays;

/**
 * The choice of {@link XAttention}. The vectors of several tokens are queries and keys of the kernels of a chunk, their lanes the vectors of all query heads of a group; the softmax of each block of keys is kept with its own maximum, and they are brought to
 * one at the end.
 */
final class AntidiagonalChooser implements Chunkwise.Chooser {
    /** Queries, and keys, that are chosen together. */
    static final int BLOCK = 128;

    private static final int STRIPS = BLOCK / StripChoice.STRIP;
    private static final int QUERY_BLOCKS = BLOCK / LANES;

    /** Tiles of keys in a task: few enough that all threads have some. */
    private static final int TILES_PER_TASK = 4;

    private final AttentionTiles kernel = Kernels.attentionTiles();
    private final int stride;
    private final double threshold;
    private float[] queries = {}; // [kvHeads][laneBlocks][headDim][stride][64]
    private float[] maxima = {}; // [kvHeads][laneBlocks][keyBlocks][64]
    private float[] sums = {}; // [kvHeads][laneBlocks][keyBlocks][64]
    private Scratch[] scratch = {};

    /** What one worker needs. */
    private static final class Scratch {
        float[] tile = {}; // [headDim][16]
        float[] keys = {}; // [headDim][stride][16]
        float[] weights = {}; // [keyBlocks][64]
        final float[] scores = new float[TILE * LANES];
        final float[] max = new float[LANES];
        final float[] sum = new float[LANES];
        final float[] scale = new float[LANES];
    }

    /**
     * @param stride tokens that are scored together, a divisor of {@value #BLOCK}
     * @param threshold share of the softmax; 1 for all blocks
     */
    AntidiagonalChooser(int stride, double threshold) {
        this.stride = stride;
        this.threshold = threshold;
    }

    /** Bytes that one holds for a text of so many tokens. */
    static long bytes(Heads heads, int stride, long tokens) {
        long lanes = (long) heads.kvHeads() * laneBlocks(heads, Chunkwise.CHUNK, stride) * LANES;
        long perLane = Math.addExact(
                Math.multiplyExact(2L, Math.ceilDiv(tokens, (long) BLOCK)), (long) stride * heads.headDim());
        return Math.multiplyExact(Float.BYTES * lanes, perLane);
    }

    private static int laneBlocks(Heads heads, int rows, int stride) {
        return Math.ceilDiv(heads.group() * Math.ceilDiv(rows, stride), LANES);
    }

    /** The chunk that is chosen for. */
    private record Chunk(RowAttention.Rows rows, int before, int tokens, int vectors, int laneBlocks, int keyBlocks) {
        Heads heads() {
            return rows.heads();
        }
    }

    @Override
    public StripChoice choose(RowAttention.Rows rows) {
        Heads heads = rows.heads();
        int before = rows.cache().length(), tokens = before + rows.count();
        int laneBlocks = laneBlocks(heads, rows.count(), stride);
        Chunk chunk = new Chunk(
                rows, before, tokens, Math.ceilDiv(rows.count(), stride), laneBlocks, Math.ceilDiv(tokens, BLOCK));
        Workers workers = rows.exact().workers();
        prepare(chunk, workers.threads());
        workers.run(heads.kvHeads() * laneBlocks, rows.cancellation(), (task, worker) -> gatherQueries(chunk, task));
        int tiles = Math.ceilDiv(tokens, TILE * stride), parts = Math.ceilDiv(tiles, TILES_PER_TASK);
        workers.run(heads.kvHeads() * parts, rows.cancellation(), (task, worker) -> {
            int from = task / heads.kvHeads() * TILES_PER_TASK;
            for (int tile = from; tile < Math.min(tiles, from + TILES_PER_TASK); tile++) {
                score(chunk, task % heads.kvHeads(), tile, scratch[worker]);
            }
        });
        workers.run(
                heads.kvHeads() * laneBlocks,
                rows.cancellation(),
                (task, worker) -> normalise(chunk, task, scratch[worker]));
        StripChoice choice = new StripChoice(heads.heads(), rows.count(), tokens);
        workers.run(heads.heads(), rows.cancellation(), (head, worker) -> choose(chunk, head, choice));
        long vectorPairs = 0;
        for (int i = 0; i < chunk.vectors; i++) {
            vectorPairs += (before + i * stride) / stride + 1;
        }
        rows.exact().noteScored(vectorPairs * stride * heads.heads());
        return choice;
    }

    private void prepare(Chunk chunk, int threads) {
        int headDim = chunk.heads().headDim(), lanes = chunk.heads().kvHeads() * chunk.laneBlocks * LANES;
        queries = Buffers.grown(queries, Math.multiplyExact(lanes, stride * headDim));
        maxima = Buffers.grown(maxima, Math.multiplyExact(lanes, chunk.keyBlocks));
        sums = Buffers.grown(sums, Math.multiplyExact(lanes, chunk.keyBlocks));
        if (scratch.length < threads) {
            scratch = new Scratch[threads];
            Arrays.setAll(scratch, i -> new Scratch());
        }
        for (Scratch s : scratch) {
            s.tile = Buffers.grown(s.tile, headDim * TILE);
            s.keys = Buffers.grown(s.keys, headDim * stride * TILE);
            s.weights = Buffers.grown(s.weights, chunk.keyBlocks * LANES);
        }
    }

    /** @param at a kv head's block of lanes, counted through all */
    private void gatherQueries(Chunk chunk, int at) {
        Heads heads = chunk.heads();
        int headDim = heads.headDim(), kvHead = at / chunk.laneBlocks;
        int to = at * stride * headDim * LANES;
        float scale = heads.scale() / stride;
        float[] q = chunk.rows.q();
        Arrays.fill(queries, to, to + stride * headDim * LANES, 0);
        for (int lane = 0; lane < LANES; lane++) {
            int of = at % chunk.laneBlocks * LANES + lane;
            int head = of / chunk.vectors, last = (of % chunk.vectors + 1) * stride - 1;
            for (int t = 0; t < stride && head < heads.group(); t++) {
                int row = last - t;
                if (row < chunk.rows.count()) {
                    int from = ((chunk.rows.first() + row) * heads.heads() + kvHead * heads.group() + head) * headDim;
                    for (int d = 0; d < headDim; d++) {
                        queries[to + (d * stride + t) * LANES + lane] = q[from + d] * scale;
                    }
                }
            }
        }
    }

    /** The softmax of a tile of key vectors, each block of keys with a maximum of its own. */
    private void score(Chunk chunk, int kvHead, int tile, Scratch s) {
        int headDim = chunk.heads().headDim(), size = stride * headDim, inBlock = BLOCK / stride;
        gatherKeys(chunk, kvHead, tile, s);
        for (int lanes = 0; lanes < chunk.laneBlocks; lanes++) {
            int at = kvHead * chunk.laneBlocks + lanes;
            kernel.chunkScores(queries, at * size * LANES, size, s.keys, 0, 1, s.scores, 0);
            mask(chunk, lanes, tile, s.scores);
            for (int i = 0; i < TILE; i += inBlock) {
                int block = (tile * TILE + i) / inBlock;
                if (block < chunk.keyBlocks) {
                    int statsAt = (at * chunk.keyBlocks + block) * LANES;
                    Arrays.fill(maxima, statsAt, statsAt + LANES, LOWEST);
                    Arrays.fill(sums, statsAt, statsAt + LANES, 0);
                    kernel.chunkSoftmax(s.scores, i * LANES, inBlock, maxima, sums, statsAt, s.scale);
                }
            }
        }
    }

    /** Sixteen vectors of keys. */
    private void gatherKeys(Chunk chunk, int kvHead, int tile, Scratch s) {
        int headDim = chunk.heads().headDim(), first = tile * stride * TILE;
        KvCache cache = chunk.rows.cache();
        for (int from = first; from < first + stride * TILE; from += TILE) {
            int count = Math.clamp(chunk.tokens - from, 0, TILE);
            if (count > 0) {
                cache.page(chunk.rows.layer(), from / Page.TOKENS)
                        .keys()
                        .tile(kvHead, from % Page.TOKENS / TILE, s.tile, 0);
            }
            for (int i = 0; i < TILE; i++) {
                int vector = (from - first + i) / stride, to = i % stride * TILE + vector;
                for (int d = 0; d < headDim; d++) {
                    s.keys[d * stride * TILE + to] = i < count ? s.tile[d * TILE + i] : 0;
                }
            }
        }
    }

    /** Masks vectors of keys that begin after those of the queries. */
    private void mask(Chunk chunk, int laneBlock, int tile, float[] scores) {
        for (int i = 0; i < TILE; i++) {
            int begin = (tile * TILE + i) * stride - chunk.before;
            if (begin > 0) {
                for (int lane = 0; lane < LANES; lane++) {
                    if ((laneBlock * LANES + lane) % chunk.vectors * stride < begin) {
                        scores[i * LANES + lane] = MASKED;
                    }
                }
            }
        }
    }

    /** Makes the sums of a block of lanes shares of the softmax. */
    private void normalise(Chunk chunk, int at, Scratch s) {
        int from = at * chunk.keyBlocks * LANES, count = chunk.keyBlocks * LANES;
        System.arraycopy(maxima, from, s.weights, 0, count);
        Arrays.fill(s.max, LOWEST);
        Arrays.fill(s.sum, 0);
        kernel.chunkSoftmax(s.weights, 0, chunk.keyBlocks, s.max, s.sum, 0, s.scale);
        Arrays.fill(s.sum, 0);
        for (int i = 0; i < count; i++) {
            sums[from + i] *= s.weights[i];
            s.sum[i % LANES] += sums[from + i];
        }
        for (int i = 0; i < count; i++) {
            sums[from + i] /= s.sum[i % LANES];
        }
    }

    private void choose(Chunk chunk, int head, StripChoice choice) {
        int blocks = Math.ceilDiv(chunk.rows.count(), BLOCK);
        double[] mass = new double[chunk.keyBlocks];
        for (int block = 0; block < blocks; block++) {
            int first = chunk.before + block * BLOCK;
            int last = chunk.before + Math.min(chunk.rows.count(), (block + 1) * BLOCK) - 1;
            addMass(chunk, head, block, mass);
            int diagonal = first / BLOCK, end = last / BLOCK + 1;
            boolean[] chosen = chosen(Arrays.copyOf(mass, end), diagonal, threshold);
            for (int key = 0; key < end; key++) {
                if (chosen[key]) {
                    for (int of = 0; of < QUERY_BLOCKS; of++) {
                        int queryBlock = block * QUERY_BLOCKS + of;
                        if (queryBlock < choice.blocks()) {
                            choice.add(head, queryBlock, key * STRIPS, (key + 1) * STRIPS);
                        }
                    }
                }
            }
        }
    }

    /** What the queries of a block have of the softmax in each block of keys, together. */
    private void addMass(Chunk chunk, int head, int block, double[] mass) {
        int group = chunk.heads().group(), kvHead = head / group, inBlock = BLOCK / stride;
        int from = head % group * chunk.vectors;
        int first = from + block * inBlock, end = from + Math.min(chunk.vectors, (block + 1) * inBlock);
        Arrays.fill(mass, 0);
        for (int lane = first; lane < end; lane++) {
            int at = (kvHead * chunk.laneBlocks + lane / LANES) * chunk.keyBlocks * LANES + lane % LANES;
            for (int key = 0; key < chunk.keyBlocks; key++) {
                mass[key] += sums[at + key * LANES];
            }
        }
    }

    /**
     * The first block, those from the diagonal on, and as many others as are needed for a share of the whole, the largest first, of equal ones the first.
     *
     * @param mass of each block
     * @param diagonal the first block that is not wholly before the queries
     * @param threshold the share; 1 for all
     */
    static boolean[] chosen(double[] mass, int diagonal, double threshold) {
        boolean[] chosen = new boolean[mass.length];
        double all = 0, kept = 0;
        long[] order = new long[mass.length];
        for (int block = 0; block < mass.length; block++) {
            all += mass[block];
            if (block == 0 || block >= diagonal) {
                chosen[block] = true;
                kept += mass[block];
            }
            // Positive floats are in the order of their bits.
            order[block] = (long) Float.floatToRawIntBits((float) mass[block]) << 32 | (Integer.MAX_VALUE - block);
        }
        Arrays.sort(order);
        for (int i = order.length - 1; i >= 0 && (threshold >= 1 || kept < threshold * all); i--) {
            int block = Integer.MAX_VALUE - (int) order[i];
            if (!chosen[block]) {
                chosen[block] = true;
                kept += mass[block];
            }
        }
        return chosen;
    }
}
