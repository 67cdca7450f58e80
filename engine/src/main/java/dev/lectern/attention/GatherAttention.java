package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.Cancellation;
import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.TileScratch;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KvFormat.Layout;
import dev.lectern.kv.KvSide;
import dev.lectern.kv.Page;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.jspecify.annotations.Nullable;

/**
 * {@link ExactAttention#gather}. A share is {@value #PART} chosen tokens of one selection; whoever ends the last share of a selection merges them in their order, so
 * the result does not depend on the number of threads. What a share needs is fetched from many places of memory at once before it is computed with.
 */
final class GatherAttention {
    private static final Segments[] NONE = {};
    private static final Selection[] NOTHING = {};

    /** Chosen tokens in a share. */
    private static final int PART = 256;

    private static final double LOG2_E = 1 / Math.log(2);

    private final AttentionTiles kernel = Kernels.attentionTiles();
    private final Workers workers;
    private final Scratch[] scratch;
    private final Shares shares = new Shares();
    private final Workers.Task shareTask = this::share;

    private int[] firstShare = {0}; // [rows · kvHeads + 1]

    /** {@code [rows][kvHeads]}: shares that are not there yet. */
    private AtomicIntegerArray unfinished = new AtomicIntegerArray(0);

    // The call at work.
    private Heads heads = new Heads(1, 1, 1, 0);
    private int sets; // selections of a row
    private int setsPerKvHead = 1;
    private int choices; // rows · sets
    private float[] q = {};
    private Segments[] segments = NONE;
    private Selection[] selections = NOTHING;
    private float[] out = {};
    private float @Nullable [] logSumExp;

    /** What one worker needs. */
    private static final class Scratch {
        final TileScratch tiles = new TileScratch();
        final Shares.Scratch merging = new Shares.Scratch();
        float[] queries = {};
        float[] scores = {};
        long touched; // see KvSide.touch
    }

    GatherAttention(Workers workers) {
        this.workers = workers;
        scratch = new Scratch[workers.threads()];
        Arrays.setAll(scratch, i -> new Scratch());
    }

    void attend(
            Heads heads,
            int rows,
            int sets,
            float[] q,
            Segments[] segments,
            Selection[] selections,
            float[] out,
            float @Nullable [] logSumExp,
            Cancellation cancellation) {
        if (sets % heads.kvHeads() != 0 || heads.heads() % sets != 0) {
            throw new IllegalArgumentException(sets + " selections for " + heads.heads() + " query heads");
        }
        // The query heads that share a selection are a group of their own.
        this.heads = new Heads(heads.heads(), sets, heads.headDim(), heads.window());
        this.sets = sets;
        setsPerKvHead = sets / heads.kvHeads();
        this.q = q;
        this.segments = segments;
        this.selections = selections;
        this.out = out;
        this.logSumExp = logSumExp;
        choices = Math.multiplyExact(rows, sets);
        if (firstShare.length <= choices) {
            firstShare = new int[choices + 1];
            unfinished = new AtomicIntegerArray(choices);
        }
        for (int i = 0; i < choices; i++) {
            int parts = selections[i].isSettled() ? 0 : Math.ceilDiv(selections[i].count(), PART);
            firstShare[i + 1] = Math.addExact(firstShare[i], parts);
            unfinished.setPlain(i, parts);
        }
        shares.begin(this.heads, firstShare[choices]);
        try {
            for (int i = 0; i < choices; i++) {
                if (selections[i].count() == 0 && !selections[i].isSettled()) {
                    merge(i, scratch[0]);
                }
            }
            workers.run(firstShare[choices], cancellation, shareTask);
        } finally {
            this.segments = NONE; // a cache that is closed can go
            this.selections = NOTHING;
        }
    }

    private void merge(int choice, Scratch s) {
        int first = firstShare[choice], parts = firstShare[choice + 1] - first;
        shares.merge(heads, first, 1, parts, out, choice * heads.group(), logSumExp, s.merging);
    }

    private void share(int share, int worker) {
        int choice = choiceOf(share);
        Selection chosen = selections[choice];
        int from = (share - firstShare[choice]) * PART, to = Math.min(from + PART, chosen.count());
        share(choice, chosen, from, to, share, scratch[worker]);
        if (unfinished.decrementAndGet(choice) == 0) {
            merge(choice, scratch[worker]);
        }
    }

    private int choiceOf(int share) {
        int found = Arrays.binarySearch(firstShare, 0, choices + 1, share);
        int choice = found >= 0 ? found : -found - 2;
        // Empty selections have no shares: step over them.
        while (firstShare[choice + 1] == share) {
            choice++;
        }
        return choice;
    }

    private void share(int choice, Selection chosen, int from, int to, int share, Scratch s) {
        int group = heads.group(), headDim = heads.headDim(), width = heads.width();
        Segments source = segments[choice / sets];
        int kvHead = choice % sets / setsPerKvHead;
        s.queries = Shares.grown(s.queries, group * headDim);
        s.scores = Shares.grown(s.scores, group * PART);
        heads.scale(q, choice * group * headDim, group * headDim, s.queries);
        shares.clear(heads, share, 1);
        touch(source, kvHead, chosen, from, to, s);
        scores(source, kvHead, chosen, from, to, s);
        int padded = Math.ceilDiv(to - from, TILE) * TILE;
        for (int g = 0; g < group; g++) {
            int at = g * PART;
            chosen.correct(g, from, to, s.scores, at);
            for (int i = 0; i < to - from; i++) {
                s.scores[at + i] += (float) (chosen.logWeight(from + i) * LOG2_E);
            }
            kernel.softmax(s.scores, at, padded, 0, to - from, shares.stats, 2 * (share * group + g), s.tiles);
        }
        weigh(source, kvHead, chosen, from, to, share * group * width, s);
    }

    /** Has the processor fetch what the share needs. */
    private void touch(Segments source, int kvHead, Selection chosen, int from, int to, Scratch s) {
        for (int i = from, next; i < to; i = next) {
            int firstId = firstId(chosen, i);
            next = i + 1;
            while (next < to && chosen.id(next) < firstId + Page.TOKENS) {
                next++;
            }
            Page page = page(source, firstId);
            s.touched += page.keys().touch(kvHead, chosen.ids(), i, next - i, firstId);
            s.touched += page.values().touch(kvHead, chosen.ids(), i, next - i, firstId);
        }
    }

    private void scores(Segments source, int kvHead, Selection chosen, int from, int to, Scratch s) {
        int group = heads.group(), headDim = heads.headDim(), width = heads.width();
        for (int i = from; i < to; ) {
            KvSide keys = page(source, chosen.id(i)).keys();
            int at = i - from;
            if (chosen.isTile(i, to)) {
                int tile = chosen.id(i) % Page.TOKENS / TILE, tiles = tiles(chosen, i, to);
                keys.scores(kvHead, tile, tiles, s.queries, 0, group, headDim, s.scores, at, PART, s.tiles);
                i += tiles * TILE;
            } else {
                int firstId = firstId(chosen, i), n = single(chosen, i, to);
                keys.gatherScores(
                        kvHead,
                        chosen.ids(),
                        i,
                        n,
                        firstId,
                        s.queries,
                        0,
                        group,
                        headDim,
                        width,
                        s.scores,
                        at,
                        PART,
                        s.tiles);
                i += n;
            }
        }
    }

    private void weigh(Segments source, int kvHead, Selection chosen, int from, int to, int outAt, Scratch s) {
        int group = heads.group(), headDim = heads.headDim(), width = heads.width();
        float[] o = shares.outputs;
        for (int i = from; i < to; ) {
            KvSide values = page(source, chosen.id(i)).values();
            int at = i - from;
            if (values.layout() == Layout.ROW && chosen.isTile(i, to)) {
                int tile = chosen.id(i) % Page.TOKENS / TILE, tiles = tiles(chosen, i, to);
                values.weigh(kvHead, tile, tiles, s.scores, at, PART, group, headDim, width, o, outAt, s.tiles);
                i += tiles * TILE;
            } else {
                int firstId = firstId(chosen, i), n = single(chosen, i, to);
                values.gatherWeigh(
                        kvHead,
                        chosen.ids(),
                        i,
                        n,
                        firstId,
                        s.scores,
                        at,
                        PART,
                        group,
                        headDim,
                        width,
                        o,
                        outAt,
                        s.tiles);
                i += n;
            }
        }
    }

    /** The id of the first token of the page that the i-th is in. */
    private static int firstId(Selection chosen, int i) {
        return chosen.id(i) / Page.TOKENS * Page.TOKENS;
    }

    /** How many whole tiles of one page follow each other from the i-th token on, at least one. */
    private static int tiles(Selection chosen, int i, int to) {
        int end = firstId(chosen, i) + Page.TOKENS, tiles = 1;
        for (int next = i + TILE, id = chosen.id(i) + TILE;
                next < to && id < end && chosen.id(next) == id && chosen.isTile(next, to);
                next += TILE, id += TILE) {
            tiles++;
        }
        return tiles;
    }

    /** How many tokens from the i-th on are in its page and before the next whole tile. */
    private static int single(Selection chosen, int i, int to) {
        int end = firstId(chosen, i) + Page.TOKENS, next = i + 1;
        while (next < to && chosen.id(next) < end && !chosen.isTile(next, to)) {
            next++;
        }
        return next - i;
    }

    private static Page page(Segments source, int id) {
        return source.page(id / Page.TOKENS);
    }
}
