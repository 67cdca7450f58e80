package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.Cancellation;
import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.TileScratch;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.Page;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;

/**
 * {@link ExactAttention#single}. A <em>share</em> is what one segment gives to the query heads of one kv head. A task computes the shares of several
 * kv heads in one segment: first the scores of all, then the weighted sums of all, because in a page the keys of all heads lie together, and then
 * the values, and a processor needs about a microsecond to get up to speed at every other place of memory. Whoever ends the last task of a row
 * merges its shares, in the order of the segments. How the shares are put into tasks changes no result.
 *
 * <p>A call allocates nothing once the buffers have grown to its size.
 */
final class SingleAttention {
    private static final Segments[] NONE = {};
    private static final KvCache NO_CACHE = new KvCache(List.of());

    /** Enough that the last one keeps nobody waiting for long. */
    private static final int TASKS_PER_THREAD = 4;

    private final AttentionTiles kernel = Kernels.attentionTiles();
    private final Workers workers;
    private final Scratch[] scratch;
    private final Workers.Task shareTask = this::shares;

    /** A share's place is {@code firstShare[row] + segment · kvHeads + kvHead}. */
    private final Shares shares = new Shares();

    private int[] firstShare = {0}; // [rows + 1]
    private int[] firstTask = {0}; // [rows + 1]

    /** {@code [rows]}: tasks that have not ended. */
    private AtomicIntegerArray unfinished = new AtomicIntegerArray(0);

    private Everything[] everything = {};
    private int[] lasts = {};

    // The call at work.
    private Heads heads = new Heads(1, 1, 1, 0);
    private int rows;
    private int headsPerTask = 1;
    private float[] q = {};
    private int[] index = {};
    private Segments[] segments = NONE;
    private float[] out = {};
    private float @Nullable [] logSumExp;

    /** What one worker needs. */
    private static final class Scratch {
        final TileScratch tiles = new TileScratch();
        final Shares.Scratch merging = new Shares.Scratch();
        float[] queries = {};
        float[] scores = {};
    }

    SingleAttention(Workers workers) {
        this.workers = workers;
        scratch = new Scratch[workers.threads()];
        Arrays.setAll(scratch, i -> new Scratch());
    }

    /** The next token of each cache, over all tokens that are stored, its own included. */
    void attendAll(
            Heads heads,
            int layer,
            KvCache[] caches,
            float[] q,
            float[] out,
            float @Nullable [] logSumExp,
            Cancellation cancellation) {
        int known = everything.length;
        if (known < caches.length) {
            everything = Arrays.copyOf(everything, caches.length);
            lasts = new int[caches.length];
            for (int row = known; row < caches.length; row++) {
                everything[row] = new Everything();
            }
        }
        for (int row = 0; row < caches.length; row++) {
            lasts[row] = caches[row].length();
            everything[row].cache = caches[row];
            everything[row].layer = layer;
        }
        try {
            attend(heads, caches.length, q, lasts, everything, out, logSumExp, cancellation);
        } finally {
            for (Everything row : everything) {
                row.cache = NO_CACHE;
            }
        }
    }

    /** {@link Segments#of} all tokens, one object for all steps. */
    private static final class Everything implements Segments {
        private KvCache cache = NO_CACHE;
        private int layer;

        @Override
        public int count() {
            return Math.ceilDiv(cache.visible(), Page.TOKENS);
        }

        @Override
        public Page page(int i) {
            return cache.page(layer, i);
        }

        @Override
        public int tokens(int i) {
            return Math.min(Page.TOKENS, cache.visible() - i * Page.TOKENS);
        }

        @Override
        public int index(int i) {
            return i * Page.TOKENS;
        }
    }

    void attend(
            Heads heads,
            int rows,
            float[] q,
            int[] index,
            Segments[] segments,
            float[] out,
            float @Nullable [] logSumExp,
            Cancellation cancellation) {
        this.heads = heads;
        this.rows = rows;
        this.q = q;
        this.index = index;
        this.segments = segments;
        this.out = out;
        this.logSumExp = logSumExp;
        countShares();
        int shareCount = firstShare[rows];
        shares.begin(heads, shareCount);
        int tasks = countTasks(shareCount);
        try {
            workers.run(tasks, cancellation, shareTask);
        } finally {
            this.segments = NONE; // a cache that is closed can go
        }
    }

    private void countShares() {
        if (firstShare.length <= rows) {
            firstShare = new int[rows + 1];
            firstTask = new int[rows + 1];
            unfinished = new AtomicIntegerArray(rows);
        }
        for (int row = 0; row < rows; row++) {
            int shares = Math.multiplyExact(segments[row].count(), heads.kvHeads());
            firstShare[row + 1] = Math.addExact(firstShare[row], shares);
        }
    }

    /** Tasks as large as leaves some for every thread. */
    private int countTasks(int shareCount) {
        headsPerTask = Math.clamp(shareCount / (TASKS_PER_THREAD * workers.threads()), 1, heads.kvHeads());
        for (int row = 0; row < rows; row++) {
            int tasks = segments[row].count() * tasksPerSegment();
            firstTask[row + 1] = firstTask[row] + tasks;
            unfinished.setPlain(row, tasks);
            if (tasks == 0) {
                merge(row, scratch[0]);
            }
        }
        return firstTask[rows];
    }

    private int tasksPerSegment() {
        return Math.ceilDiv(heads.kvHeads(), headsPerTask);
    }

    private void shares(int task, int worker) {
        int row = rowOf(task);
        int inRow = task - firstTask[row];
        int segment = inRow / tasksPerSegment(), firstHead = inRow % tasksPerSegment() * headsPerTask;
        int kvHeads = Math.min(headsPerTask, heads.kvHeads() - firstHead);
        shares(row, segment, firstHead, kvHeads, scratch[worker]);
        if (unfinished.decrementAndGet(row) == 0) {
            merge(row, scratch[worker]);
        }
    }

    private int rowOf(int task) {
        int found = Arrays.binarySearch(firstTask, 0, rows + 1, task);
        int row = found >= 0 ? found : -found - 2;
        // Rows without segments have no tasks: step over them.
        while (firstTask[row + 1] == task && row + 1 < rows) {
            row++;
        }
        return row;
    }

    private void shares(int row, int segment, int firstHead, int kvHeads, Scratch s) {
        int group = heads.group(), headDim = heads.headDim(), width = heads.width();
        Segments list = segments[row];
        int from = 0, to = list.tokens(segment);
        int first = list.index(segment);
        if (first != Segments.VISIBLE) {
            to = Math.min(to, index[row] - first + 1);
            from = heads.window() == 0 ? 0 : Math.max(0, index[row] - heads.window() + 1 - first);
        }
        int share = firstShare[row] + segment * heads.kvHeads() + firstHead;
        shares.clear(heads, share, kvHeads);
        if (from >= to) {
            return;
        }
        int firstTile = from / TILE, tiles = Math.ceilDiv(to, TILE) - firstTile, skipped = firstTile * TILE;
        scale(row, firstHead, kvHeads, s);
        s.scores = Shares.grown(s.scores, kvHeads * group * Page.TOKENS);
        Page page = list.page(segment);
        for (int h = 0; h < kvHeads; h++) {
            int qAt = h * group * headDim, at = h * group * Page.TOKENS;
            page.keys()
                    .scores(
                            firstHead + h,
                            firstTile,
                            tiles,
                            s.queries,
                            qAt,
                            group,
                            headDim,
                            s.scores,
                            at,
                            Page.TOKENS,
                            s.tiles);
        }
        for (int i = 0; i < kvHeads * group; i++) {
            int at = i * Page.TOKENS, statsAt = 2 * (share * group + i);
            kernel.softmax(s.scores, at, tiles * TILE, from - skipped, to - skipped, shares.stats, statsAt, s.tiles);
        }
        for (int h = 0; h < kvHeads; h++) {
            int at = h * group * Page.TOKENS, outputAt = (share + h) * group * width;
            page.values()
                    .weigh(
                            firstHead + h,
                            firstTile,
                            tiles,
                            s.scores,
                            at,
                            Page.TOKENS,
                            group,
                            headDim,
                            width,
                            shares.outputs,
                            outputAt,
                            s.tiles);
        }
    }

    private void scale(int row, int firstHead, int kvHeads, Scratch s) {
        int count = kvHeads * heads.group() * heads.headDim();
        s.queries = Shares.grown(s.queries, count);
        heads.scale(q, (row * heads.heads() + firstHead * heads.group()) * heads.headDim(), count, s.queries);
    }

    private void merge(int row, Scratch s) {
        for (int kvHead = 0; kvHead < heads.kvHeads(); kvHead++) {
            int first = firstShare[row] + kvHead, kvHeads = heads.kvHeads(), parts = segments[row].count();
            int head = row * heads.heads() + kvHead * heads.group();
            shares.merge(heads, first, kvHeads, parts, out, head, logSumExp, s.merging);
        }
    }
}
