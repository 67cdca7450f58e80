package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.ElementType;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.TileScratch;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormat;
import dev.lectern.kv.KvSide;
import dev.lectern.kv.LayerCache;
import dev.lectern.kv.NativeBlock;
import dev.lectern.kv.Page;
import dev.lectern.options.NamedOptions;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Pages of a few tokens, each known by the least and the greatest of each channel of its keys: {@code Σ_d max(q_d · least_d, q_d · greatest_d)} is no less than any score of the page. The pages of the
 * highest bounds are read.
 *
 * <p>Source: Tang et al., "Quest: Query-aware sparsity for efficient long-context LLM inference" (arXiv 2406.10774), section 3.3, algorithm 1. Deviations: query heads that share a kv head choose
 * together, by the mean of their softmaxes over the bounds (what the paper leaves open); sinks and window are read always; no layer is dense unless asked for (the paper has the
 * first two).
 */
final class Quest extends IndexedChoice {
    private static final ValueLayout.OfShort F16 = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final int SIGN = 0x8000;
    private static final int PAGE = 16;
    private static final int LARGEST = 64;

    /** Summaries in a block of an index. */
    private static final int IN_BLOCK = 256;

    private final AttentionTiles kernel = Kernels.attentionTiles();
    private final Budget budget;
    private final int page;
    private TokenIndex[] indexes = {}; // [rows]
    private Scratch[] scratch = {}; // [workers]
    private float[] q = {};
    private Heads heads = new Heads(1, 1, 1, 0);

    Quest(NamedOptions options) {
        this(options, Budget.of(options), page(options));
    }

    private Quest(NamedOptions options, Budget budget, int page) {
        super(options, "budget=" + budget + ":page=" + page);
        this.budget = budget;
        this.page = page;
    }

    private static int page(NamedOptions options) {
        int page = options.whole("page", PAGE, 1, LARGEST);
        if (Integer.bitCount(page) != 1) {
            throw options.bad("page is " + page + ", but it takes a power of two, up to " + LARGEST);
        }
        return page;
    }

    /** What a worker needs. */
    private static final class Scratch {
        final TileScratch tiles = new TileScratch();
        final MeanSoftmax bounds = new MeanSoftmax();
        float[] queries = {};
        float[] summaries = {};
    }

    private static long summaryBytes(int headDim) {
        return 2L * Short.BYTES * headDim;
    }

    private static long summaryAt(Heads heads, int kvHead, int page) {
        return ((long) kvHead * IN_BLOCK + page % IN_BLOCK) * summaryBytes(heads.headDim());
    }

    /** The summaries of a sequence, each block {@code [kvHeads][IN_BLOCK][least, greatest][headDim]} f16. */
    private TokenIndex index(Step step, int row) {
        KvCache cache = step.caches()[row];
        long blockBytes =
                IN_BLOCK * step.heads().kvHeads() * summaryBytes(step.heads().headDim());
        return cache.index(indexName(), TokenIndex.class, () -> index(cache, blockBytes));
    }

    private TokenIndex index(KvCache cache, long blockBytes) {
        return new TokenIndex(cache.layers().size(), layer -> blockBytes, page, IN_BLOCK * page);
    }

    /** Pages of whole tiles are computed with as they stand in tiles. */
    @Override
    public KvFormat.Layout keyLayout() {
        return page % TILE == 0 ? KvFormat.Layout.TILE : KvFormat.Layout.ROW;
    }

    @Override
    String indexName() {
        return "quest:page=" + page;
    }

    @Override
    TokenIndex restored(KvCache cache, int[] state, NativeBlock bytes) {
        LayerCache layer = cache.layers().getFirst();
        TokenIndex index = index(cache, IN_BLOCK * layer.kvHeads() * summaryBytes(layer.headDim()));
        StateReader from = new StateReader(state, bytes);
        index.restore(from, cache.length());
        from.end();
        return index;
    }

    @Override
    int sets(Heads heads) {
        return heads.kvHeads();
    }

    @Override
    public long bytes(Heads heads, int rows, long tokens) {
        long sets = (long) rows * heads.kvHeads();
        return Math.addExact(
                super.bytes(heads, rows, tokens),
                Math.multiplyExact(sets, MeanSoftmax.bytes(heads, tokens / page + 1)));
    }

    @Override
    public long indexBytes(Heads heads, long tokens) {
        long blocks = Math.ceilDiv(tokens / page, (long) IN_BLOCK);
        return Math.multiplyExact(blocks, IN_BLOCK * heads.kvHeads() * summaryBytes(heads.headDim()));
    }

    @Override
    void prepare(Step step) {
        q = step.q();
        indexes = indexes.length < step.rows() ? new TokenIndex[step.rows()] : indexes;
        for (int row = 0; row < step.rows(); row++) {
            extend(step, row);
            indexes[row] = index(step, row);
            step.exact()
                    .noteRead(
                            indexes[row].tokens(step.layer()) / page * heads.kvHeads() * summaryBytes(heads.headDim()));
        }
    }

    /** Summarises pages that have come before the window since. */
    @Override
    void extend(Step step, int row) {
        heads = step.heads();
        if (scratch.length < step.exact().workers().threads()) {
            scratch = new Scratch[step.exact().workers().threads()];
            Arrays.setAll(scratch, i -> new Scratch());
        }
        TokenIndex index = index(step, row);
        KvCache cache = step.caches()[row];
        int layer = step.layer(), known = index.tokens(layer) / page;
        int whole = Math.max(known, Math.min(step.tokens(row) - window(), cache.settledKeys(layer)) / page);
        if (whole == known) {
            return;
        }
        index.own(layer, whole * page);
        step.exact().workers().run(heads.kvHeads(), step.cancellation(), (kvHead, worker) -> {
            Scratch s = scratch[worker];
            s.summaries = Shares.grown(s.summaries, (TILE + 2) * heads.headDim());
            for (int i = known; i < whole; i++) {
                MemorySegment block = index.block(layer, i / IN_BLOCK);
                summarise(cache, layer, kvHead, i, block, summaryAt(heads, kvHead, i), s.summaries);
            }
        });
        index.grown(layer, whole * page);
    }

    private void summarise(KvCache cache, int layer, int kvHead, int index, MemorySegment to, long at, float[] rows) {
        int headDim = heads.headDim(), least = TILE * headDim, greatest = least + headDim;
        Arrays.fill(rows, least, greatest, Float.POSITIVE_INFINITY);
        Arrays.fill(rows, greatest, greatest + headDim, Float.NEGATIVE_INFINITY);
        int first = index * page, end = first + page;
        for (int tile = first / TILE; tile * TILE < end; tile++) {
            KvSide keys = cache.page(layer, tile * TILE / Page.TOKENS).keys();
            keys.rows(kvHead, tile % (Page.TOKENS / TILE), rows, 0, headDim);
            for (int t = Math.max(0, first - tile * TILE); t < Math.min(TILE, end - tile * TILE); t++) {
                for (int d = 0; d < headDim; d++) {
                    float x = rows[t * headDim + d];
                    rows[least + d] = Math.min(rows[least + d], x);
                    rows[greatest + d] = Math.max(rows[greatest + d], x);
                }
            }
        }
        for (int d = 0; d < 2 * headDim; d++) {
            float bound = rows[least + d];
            to.set(F16, at + (long) Short.BYTES * d, d < headDim ? atMost(bound) : atLeast(bound));
        }
    }

    /** The greatest f16 that is not above a number, which the nearest may be. */
    static short atMost(float x) {
        short nearest = Float.floatToFloat16(x);
        if (Float.float16ToFloat(nearest) <= x) {
            return nearest;
        }
        // Bits of a positive number count up from zero, those of a negative one away from it; +0 is above nothing that
        // is rounded to it.
        return (short) (nearest > 0 ? nearest - 1 : nearest + 1);
    }

    /** The least f16 that is not below a number. */
    static short atLeast(float x) {
        return (short) (atMost(-x) ^ SIGN);
    }

    @Override
    int middleEnd(Step step, int row, int end) {
        return Math.min(end, indexes[row].tokens(step.layer())) / page * page;
    }

    @Override
    void choose(Middle middle, Selection into, int worker) {
        Scratch s = scratch[worker];
        int first = middle.from / page, pages = middle.to / page - first;
        int wanted = Math.ceilDiv(budget.of(middle.count()), page);
        if (wanted >= pages) {
            into.addRun(middle.from, middle.count(), 0);
            return;
        }
        bounds(middle, first, pages, s);
        s.bounds.compute();
        s.bounds.highest(wanted, i -> {
            int from = Math.max(middle.from, (first + i) * page);
            into.addRun(from, (first + i + 1) * page - from, 0);
        });
    }

    /** Of each page from the first on, what its scores cannot exceed. */
    private void bounds(Middle middle, int first, int pages, Scratch s) {
        int group = heads.group(), headDim = heads.headDim();
        s.queries = Shares.grown(s.queries, group * 2 * headDim);
        s.summaries = Shares.grown(s.summaries, TILE * 2 * headDim);
        s.bounds.begin(group, pages);
        splitQueries((middle.row * heads.heads() + middle.set * group) * headDim, s.queries);
        TokenIndex index = indexes[middle.row];
        float[] bounds = s.bounds.scores();
        for (int i = 0, n; i < pages; i += n) {
            n = Math.min(Math.min(TILE, pages - i), IN_BLOCK - (first + i) % IN_BLOCK);
            MemorySegment block = index.block(middle.layer, (first + i) / IN_BLOCK);
            long at = summaryAt(heads, middle.set, first + i);
            kernel.decode(ElementType.F16, block, at, n * 2 * headDim, s.summaries, 0);
            kernel.rowScores(
                    s.queries,
                    0,
                    group,
                    2 * headDim,
                    s.summaries,
                    0,
                    2 * headDim,
                    n,
                    bounds,
                    i,
                    s.bounds.stride(),
                    s.tiles);
        }
    }

    /** The queries as summaries want them: what is below 0 meets the least, what is above meets the greatest. */
    private void splitQueries(int from, float[] split) {
        int headDim = heads.headDim();
        float scale = heads.scale();
        for (int g = 0; g < heads.group(); g++) {
            for (int d = 0; d < headDim; d++) {
                float x = q[from + g * headDim + d] * scale;
                split[2 * g * headDim + d] = Math.min(x, 0);
                split[(2 * g + 1) * headDim + d] = Math.max(x, 0);
            }
        }
    }
}
