package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.Cancellation;
import dev.lectern.kernel.TileScratch;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.Page;
import java.util.Arrays;

/** {@link ExactAttention#scores}. A task is one page for one kv head and its query heads. */
final class ScoreAttention {
    private final Workers workers;
    private final Scratch[] scratch;

    /** What one worker needs. */
    private static final class Scratch {
        final TileScratch tiles = new TileScratch();
        float[] queries = {};
    }

    ScoreAttention(Workers workers) {
        this.workers = workers;
        scratch = new Scratch[workers.threads()];
        Arrays.setAll(scratch, i -> new Scratch());
    }

    /**
     * @param tokens of each row, its own included
     * @param q from qAt
     */
    void scores(
            Heads heads,
            int layer,
            KvCache[] caches,
            int[] tokens,
            float[] q,
            int qAt,
            float[] out,
            int stride,
            Cancellation cancellation) {
        int pages = Math.ceilDiv(stride, Page.TOKENS), kvHeads = heads.kvHeads();
        workers.run(caches.length * pages * kvHeads, cancellation, (task, worker) -> {
            int row = task / (pages * kvHeads), page = task / kvHeads % pages, kvHead = task % kvHeads;
            int inPage = Math.min(Page.TOKENS, tokens[row] - page * Page.TOKENS);
            int last = page * Page.TOKENS + inPage;
            boolean seen = heads.window() == 0 || last > tokens[row] - heads.window();
            if (inPage > 0 && seen) {
                Scratch s = scratch[worker];
                int group = heads.group(), headDim = heads.headDim();
                int head = row * heads.heads() + kvHead * group;
                s.queries = Shares.grown(s.queries, group * headDim);
                heads.scale(q, qAt + head * headDim, group * headDim, s.queries);
                caches[row]
                        .page(layer, page)
                        .keys()
                        .scores(
                                kvHead,
                                0,
                                Math.ceilDiv(inPage, TILE),
                                s.queries,
                                0,
                                group,
                                headDim,
                                out,
                                head * stride + page * Page.TOKENS,
                                stride,
                                s.tiles);
            }
        });
    }
}
