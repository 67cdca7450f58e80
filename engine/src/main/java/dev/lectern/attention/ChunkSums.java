package dev.lectern.attention;

import static dev.lectern.attention.ChunkAttention.STRIP;
import static dev.lectern.kernel.AttentionTiles.LANES;
import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.Cancellation;
import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.Page;
import java.util.Arrays;

/**
 * {@link ExactAttention#weights}. The scores are computed again, now that each query's log-sum-exp is known, which makes weights of them at once. A task takes one kv head and some pages, so that each sum is one task's.
 */
final class ChunkSums {
    /** Enough that the last task keeps nobody waiting for long. */
    private static final int TASKS_PER_THREAD = 4;

    /** The log-sum-exp of a lane without a query, above every score: its weights are 0. */
    private static final float NOTHING = -AttentionTiles.LOWEST;

    private final AttentionTiles kernel = Kernels.attentionTiles();
    private final Workers workers;
    private final Scratch[] scratch;

    /** What one worker needs. */
    private static final class Scratch {
        float[] queries = {}; // [group][headDim][64]
        float[] keys = {}; // [strip / 16][headDim][16]
        float[] max = {}; // [group][64]: the binary log-sum-exp of each query
        float[] sum = {}; // [group][64]: of no use
        final float[] scores = new float[STRIP * LANES];
        final float[] weights = new float[STRIP * LANES];
        final float[] scale = new float[LANES]; // of no use
    }

    ChunkSums(Workers workers) {
        this.workers = workers;
        scratch = new Scratch[workers.threads()];
        Arrays.setAll(scratch, i -> new Scratch());
    }

    void add(
            Heads heads,
            float[] q,
            int firstRow,
            int rows,
            int firstIndex,
            Segments segments,
            float[] logSumExp,
            float[][] sums,
            Cancellation cancellation) {
        int kvHeads = heads.kvHeads(), pages = segments.count();
        int perTask = Math.max(1, pages * kvHeads / (TASKS_PER_THREAD * workers.threads()));
        int tasksPerHead = Math.ceilDiv(pages, perTask);
        workers.run(tasksPerHead * kvHeads, cancellation, (task, worker) -> {
            Scratch s = scratch[worker];
            int kvHead = task % kvHeads, firstPage = task / kvHeads * perTask;
            int endPage = Math.min(pages, firstPage + perTask);
            s.queries = Shares.grown(s.queries, heads.group() * heads.headDim() * LANES);
            s.keys = Shares.grown(s.keys, STRIP * heads.headDim());
            s.max = Shares.grown(s.max, heads.group() * LANES);
            s.sum = Shares.grown(s.sum, heads.group() * LANES);
            for (int from = 0; from < rows; from += LANES) {
                int count = Math.min(LANES, rows - from);
                QueryBlock block = new QueryBlock(heads, firstRow + from, count, firstIndex + from, kvHead, 0, 0);
                block.gather(q, s.queries);
                for (int page = firstPage; page < endPage; page++) {
                    cancellation.check();
                    // Anew for each page: a score that is above it by rounding raises it, and tasks have more or fewer
                    // pages.
                    maxima(block, logSumExp, s.max);
                    add(block, segments.page(page), segments.index(page), segments.tokens(page), sums[kvHead], page, s);
                }
            }
        });
    }

    private static void maxima(QueryBlock b, float[] logSumExp, float[] max) {
        Heads heads = b.heads();
        for (int g = 0; g < heads.group(); g++) {
            for (int row = 0; row < b.rows(); row++) {
                max[g * LANES + row] = Heads.binary(logSumExp[b.at(g) / heads.headDim() + row * heads.heads()]);
            }
            Arrays.fill(max, g * LANES + b.rows(), (g + 1) * LANES, NOTHING);
        }
    }

    private void add(QueryBlock b, Page page, int firstIndex, int pageTokens, float[] sums, int pageIndex, Scratch s) {
        int headDim = b.heads().headDim();
        for (int t = 0; t < pageTokens; t += STRIP) {
            if (!b.sees(firstIndex + t)) {
                continue;
            }
            int tokens = Math.min(STRIP, pageTokens - t), tiles = Math.ceilDiv(tokens, TILE);
            for (int i = 0; i < tiles; i++) {
                page.keys().tile(b.kvHead(), t / TILE + i, s.keys, i * TILE * headDim);
            }
            Arrays.fill(s.weights, 0);
            for (int g = 0; g < b.heads().group(); g++) {
                kernel.chunkScores(s.queries, g * headDim * LANES, headDim, s.keys, 0, tiles, s.scores, 0);
                b.mask(firstIndex + t, tokens, tiles * TILE, s.scores);
                kernel.chunkSoftmax(s.scores, 0, tiles * TILE, s.max, s.sum, g * LANES, s.scale);
                for (int i = 0; i < tokens * LANES; i++) {
                    s.weights[i] += s.scores[i];
                }
            }
            for (int i = 0; i < tokens; i++) {
                float sum = 0;
                for (int lane = 0; lane < LANES; lane++) {
                    sum += s.weights[i * LANES + lane];
                }
                sums[pageIndex * Page.TOKENS + t + i] += sum;
            }
        }
    }
}
