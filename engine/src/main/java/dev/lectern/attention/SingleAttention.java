package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.LOWEST;
import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.Cancellation;
import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.TileScratch;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.Page;
import java.util.Arrays;
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

    /** Enough that the last one keeps nobody waiting for long. */
    private static final int TASKS_PER_THREAD = 4;

    private final AttentionTiles kernel = Kernels.attentionTiles();
    private final Workers workers;
    private final Scratch[] scratch;
    private final Workers.Task shares = this::shares;

    /** {@code [shares][group][width]}; a share's place is {@code firstShare[row] + segment · kvHeads + kvHead}. */
    private float[] outputs = {};

    /** {@code [shares][group][2]}: maximum and sum of each. */
    private float[] stats = {};

    private int[] firstShare = {0}; // [rows + 1]
    private int[] firstTask = {0}; // [rows + 1]

    /** {@code [rows]}: tasks that have not ended. */
    private AtomicIntegerArray unfinished = new AtomicIntegerArray(0);

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
        final float[] stats = new float[2];
        float[] queries = {};
        float[] scores = {};
        float[] output = {};
    }

    SingleAttention(Workers workers) {
        this.workers = workers;
        scratch = new Scratch[workers.threads()];
        Arrays.setAll(scratch, i -> new Scratch());
    }

    private static float[] grown(float[] array, int needed) {
        return array.length >= needed ? array : new float[needed];
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
        outputs = grown(outputs, Math.multiplyExact(shareCount, heads.group() * heads.width()));
        stats = grown(stats, Math.multiplyExact(shareCount, heads.group() * 2));
        int tasks = countTasks(shareCount);
        try {
            workers.run(tasks, cancellation, shares);
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
        Arrays.fill(outputs, share * group * width, (share + kvHeads) * group * width, 0);
        if (from >= to) {
            for (int i = share * group; i < (share + kvHeads) * group; i++) {
                stats[2 * i] = LOWEST;
                stats[2 * i + 1] = 0;
            }
            return;
        }
        int firstTile = from / TILE, tiles = Math.ceilDiv(to, TILE) - firstTile, skipped = firstTile * TILE;
        scale(row, firstHead, kvHeads, s);
        s.scores = grown(s.scores, kvHeads * group * Page.TOKENS);
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
            kernel.softmax(s.scores, at, tiles * TILE, from - skipped, to - skipped, stats, statsAt, s.tiles);
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
                            outputs,
                            outputAt,
                            s.tiles);
        }
    }

    private void scale(int row, int firstHead, int kvHeads, Scratch s) {
        int count = kvHeads * heads.group() * heads.headDim();
        int at = (row * heads.heads() + firstHead * heads.group()) * heads.headDim();
        float scale = heads.scale();
        s.queries = grown(s.queries, count);
        for (int i = 0; i < count; i++) {
            s.queries[i] = q[at + i] * scale;
        }
    }

    private void merge(int row, Scratch s) {
        for (int kvHead = 0; kvHead < heads.kvHeads(); kvHead++) {
            merge(row, kvHead, s);
        }
    }

    /** Joins the shares of all segments, in order, for the query heads of one kv head. */
    private void merge(int row, int kvHead, Scratch s) {
        int group = heads.group(), headDim = heads.headDim(), width = heads.width(), kvHeads = heads.kvHeads();
        int parts = segments[row].count(), padded = Math.ceilDiv(parts, TILE) * TILE;
        s.scores = grown(s.scores, padded);
        s.output = grown(s.output, width);
        int first = firstShare[row] + kvHead;
        for (int g = 0; g < group; g++) {
            for (int i = 0; i < parts; i++) {
                s.scores[i] = stats[((first + i * kvHeads) * group + g) * 2];
            }
            kernel.softmax(s.scores, 0, padded, 0, parts, s.stats, 0, s.tiles);
            float sum = 0;
            for (int i = 0; i < parts; i++) {
                sum = Math.fma(stats[((first + i * kvHeads) * group + g) * 2 + 1], s.scores[i], sum);
            }
            Arrays.fill(s.output, 0, width, 0);
            int outputsAt = (first * group + g) * width, stride = kvHeads * group * width;
            kernel.weigh(s.scores, 0, 0, 1, outputs, outputsAt, stride, parts, width, s.output, 0);
            float inverse = sum > 0 ? 1 / sum : 0;
            int head = row * heads.heads() + kvHead * group + g;
            for (int d = 0; d < headDim; d++) {
                out[head * headDim + d] = s.output[d] * inverse;
            }
            if (logSumExp != null) {
                logSumExp[head] = Heads.logSumExp(s.stats[0], sum);
            }
        }
    }
}
