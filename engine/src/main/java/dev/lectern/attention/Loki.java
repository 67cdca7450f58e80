package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.ElementType;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.TileScratch;
import dev.lectern.kv.CacheIndex;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormat;
import dev.lectern.kv.LayerCache;
import dev.lectern.kv.NativeBlock;
import dev.lectern.kv.Page;
import dev.lectern.options.NamedOptions;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The tokens of the highest scores over a few dimensions: those of the subspace in which the keys of a kv head vary most, their principal components.
 *
 * <p>Source: Singhania et al., "Loki: Low-rank keys for efficient sparse attention" (arXiv 2406.02542), section 4, algorithm 1, on rotated keys. As in the paper, the components can be those of other texts
 * ({@code calibrated}, {@link LokiCalibration}). Deviations: unless that is asked for they are those of the text's own keys, once and for all when the first token is asked for; the few dimensions stand beside the
 * keys, in f16, where the paper turns the keys themselves; query heads that share a kv head choose together, by the mean of their softmaxes.
 *
 * <p>Measured by the mean error of outputs (5 % of the tokens, a quarter of the dimensions, prompts of 4K tokens): by the text's own keys 0.09 and 0.10 (SmolLM2-135M, two prompts) and 0.19
 * (Qwen2.5-Coder-0.5B), by those of other texts 0.10, 0.23 and 0.23.
 */
final class Loki extends IndexedChoice {
    private static final ValueLayout.OfShort F16 = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final double DIMS = 0.25;
    private static final String OWN_KEYS = "no";

    /** Tokens that components are computed from at most. */
    private static final int SAMPLE = 8192;

    /** Tokens in a block of an index. */
    private static final int IN_BLOCK = 1024;

    private final AttentionTiles kernel = Kernels.attentionTiles();
    private final Budget budget;
    private final double dims;
    private final String calibrated;
    private final Optional<Calibrated> kept; // where it is calibrated
    private final String axes; // by what they are, not by their file: another calibration in it makes another index
    private Index[] indexes = {}; // [rows]
    private Scratch[] scratch = {}; // [workers]
    private float[] q = {};
    private Heads heads = new Heads(1, 1, 1, 0);

    Loki(NamedOptions options, CalibrationSource source) {
        this(
                options,
                Budget.of(options),
                options.share("dims", DIMS),
                options.text("calibrated").orElse(OWN_KEYS),
                source);
    }

    private Loki(NamedOptions options, Budget budget, double dims, String calibrated, CalibrationSource source) {
        super(options, "budget=" + budget + ":dims=" + dims + described(calibrated));
        this.budget = budget;
        this.dims = dims;
        this.calibrated = calibrated;
        kept = calibrated.equals(OWN_KEYS) ? Optional.empty() : source.find(options.name(), calibrated);
        axes = kept.map(tables -> ":calibrated=" + Long.toHexString(tables.sum()))
                .orElse("");
    }

    private static String described(String calibrated) {
        return calibrated.equals(OWN_KEYS) ? "" : ":calibrated=" + calibrated;
    }

    /** What a worker needs. */
    private static final class Scratch {
        final TileScratch tiles = new TileScratch();
        final MeanSoftmax scores = new MeanSoftmax();
        float[] keys = {};
        float[] turned = {};
        float[] queries = {};
    }

    /** The components of one kv head. */
    record Components(float[] mean, float[] rows) {}

    /** The few dimensions of all layers of a sequence, each block {@code [kvHeads][tiles][dims][16]} f16. */
    private static final class Index extends TokenIndex {
        final Components[][] components; // [layers][kvHeads]; never changed once they are there
        final int[] ends; // [layers]: of the tokens that components are of; 0 where they are of none of these

        Index(int layers, long blockBytes) {
            super(layers, layer -> blockBytes, TILE, IN_BLOCK);
            components = new Components[layers][0];
            ends = new int[layers];
        }

        private Index(Index other) {
            super(other);
            components = other.components.clone();
            ends = other.ends.clone();
        }

        /** Without a token that a layer's components are of, all of the layer is made again. */
        @Override
        public void truncate(int length) {
            for (int layer = 0; layer < ends.length; layer++) {
                boolean cut = length < ends[layer];
                components[layer] = cut ? new Components[0] : components[layer];
                ends[layer] = cut ? 0 : ends[layer];
                truncate(layer, cut ? 0 : length);
            }
        }

        @Override
        public CacheIndex fork() {
            return new Index(this);
        }

        /** Of each layer that has some, means and components. */
        @Override
        int[] more() {
            return Arrays.stream(components)
                    .flatMap(Arrays::stream)
                    .flatMap(of -> Stream.of(of.mean, of.rows))
                    .flatMapToInt(StateReader::bits)
                    .toArray();
        }
    }

    private int dims(int headDim) {
        return (int) Math.ceil(dims * headDim);
    }

    private int dims(Heads heads) {
        return dims(heads.headDim());
    }

    private long keyBytes(Heads heads) {
        return (long) Short.BYTES * dims(heads);
    }

    @Override
    String indexName() {
        return "loki:dims=" + dims + axes + ":sinks=" + sinks() + ":window=" + window();
    }

    @Override
    Index restored(KvCache cache, int[] state, NativeBlock bytes) {
        int layers = cache.layers().size();
        LayerCache shape = cache.layers().getFirst();
        int kvHeads = shape.kvHeads(), headDim = shape.headDim(), dims = dims(headDim);
        Index index = new Index(layers, (long) IN_BLOCK * kvHeads * Short.BYTES * dims);
        StateReader from = new StateReader(state, bytes);
        index.restore(from, cache.length());
        for (int layer = 0; layer < layers; layer++) {
            index.components[layer] = new Components[index.tokens(layer) == 0 ? 0 : kvHeads];
            Arrays.setAll(
                    index.components[layer],
                    kvHead -> new Components(from.floats(headDim), from.floats(dims * headDim)));
            index.ends[layer] = isOwn() ? index.tokens(layer) : 0; // it was kept as it was made, at once
        }
        from.end();
        return index;
    }

    private long tileAt(int kvHead, int token) {
        return ((long) kvHead * IN_BLOCK + token % IN_BLOCK) * keyBytes(heads);
    }

    private Index index(Step step, int row) {
        KvCache cache = step.caches()[row];
        long blockBytes = IN_BLOCK * step.heads().kvHeads() * keyBytes(step.heads());
        return cache.index(
                indexName(), Index.class, () -> new Index(cache.layers().size(), blockBytes));
    }

    @Override
    public KvFormat.Layout keyLayout() {
        return KvFormat.Layout.ROW;
    }

    @Override
    int sets(Heads heads) {
        return heads.kvHeads();
    }

    @Override
    public long bytes(Heads heads, int rows, long tokens) {
        long sets = (long) rows * heads.kvHeads();
        return Math.addExact(
                super.bytes(heads, rows, tokens), Math.multiplyExact(sets, MeanSoftmax.bytes(heads, tokens)));
    }

    @Override
    public long indexBytes(Heads heads, long tokens) {
        return Math.multiplyExact(Math.ceilDiv(tokens, (long) IN_BLOCK), IN_BLOCK * heads.kvHeads() * keyBytes(heads));
    }

    @Override
    void prepare(Step step) {
        q = step.q();
        indexes = indexes.length < step.rows() ? new Index[step.rows()] : indexes;
        for (int row = 0; row < step.rows(); row++) {
            extend(step, row);
            indexes[row] = index(step, row);
            step.exact().noteRead(indexes[row].tokens(step.layer()) * heads.kvHeads() * keyBytes(heads));
        }
    }

    /** Takes in tokens that have come before the window since. */
    @Override
    void extend(Step step, int row) {
        heads = step.heads();
        if (scratch.length < step.exact().workers().threads()) {
            scratch = new Scratch[step.exact().workers().threads()];
            Arrays.setAll(scratch, i -> new Scratch());
        }
        Index index = index(step, row);
        KvCache cache = step.caches()[row];
        int layer = step.layer(), known = index.tokens(layer);
        int end = Math.min(step.tokens(row) - window(), cache.settledKeys(layer)) / TILE * TILE;
        if (end <= known) {
            return;
        }
        boolean isNew = index.components[layer].length == 0;
        Components[] components = isNew ? new Components[heads.kvHeads()] : index.components[layer];
        index.own(layer, end);
        step.exact().workers().run(heads.kvHeads(), step.cancellation(), (kvHead, worker) -> {
            Scratch s = scratch[worker];
            if (isNew) {
                components[kvHead] = isOwn()
                        ? ownComponents(cache, layer, kvHead, end, s)
                        : LokiCalibration.components(kept(), heads, layer, kvHead, dims(heads));
            }
            for (int token = known; token < end; token += TILE) {
                MemorySegment block = index.block(layer, token / IN_BLOCK);
                turn(cache, layer, kvHead, token, components[kvHead], block, tileAt(kvHead, token), s);
            }
        });
        index.components[layer] = components;
        index.ends[layer] = isNew && isOwn() ? end : index.ends[layer];
        index.grown(layer, end);
    }

    /** Whether components are of the text's own keys. */
    private boolean isOwn() {
        return calibrated.equals(OWN_KEYS);
    }

    private Calibrated kept() {
        return kept.orElseThrow(() -> new IllegalStateException(name() + " was made to be described only"));
    }

    /** The principal components of the keys of the first tokens, but for sinks; of many tokens, of every few tiles. */
    private Components ownComponents(KvCache cache, int layer, int kvHead, int end, Scratch s) {
        int headDim = heads.headDim(), apart = Math.ceilDiv(end, SAMPLE);
        s.keys = Shares.grown(s.keys, TILE * headDim);
        KeyMoments moments = new KeyMoments(headDim);
        int first = Math.min(
                sinks(), end / TILE * TILE - 1); // where there are but sinks, the last of them is better than nothing
        for (int tile = first / TILE; tile < end / TILE; tile += apart) {
            rows(cache, layer, kvHead, tile, s.keys);
            for (int t = Math.max(0, first - tile * TILE); t < TILE; t++) {
                moments.add(s.keys, t * headDim);
            }
        }
        return new Components(moments.mean(), moments.axes(dims(heads)));
    }

    private void rows(KvCache cache, int layer, int kvHead, int tile, float[] out) {
        int inPage = Page.TOKENS / TILE;
        cache.page(layer, tile / inPage).keys().rows(kvHead, tile % inPage, out, 0, heads.headDim());
    }

    /** Writes the few dimensions of a tile of centred keys. */
    private void turn(
            KvCache cache,
            int layer,
            int kvHead,
            int token,
            Components components,
            MemorySegment to,
            long at,
            Scratch s) {
        int headDim = heads.headDim(), dims = dims(heads);
        s.keys = Shares.grown(s.keys, TILE * headDim);
        s.turned = Shares.grown(s.turned, dims * TILE);
        rows(cache, layer, kvHead, token / TILE, s.keys);
        for (int t = 0; t < TILE; t++) {
            for (int d = 0; d < headDim; d++) {
                s.keys[t * headDim + d] -= components.mean[d];
            }
        }
        kernel.rowScores(components.rows, 0, dims, headDim, s.keys, 0, headDim, TILE, s.turned, 0, TILE, s.tiles);
        for (int i = 0; i < dims * TILE; i++) {
            to.set(F16, at + (long) Short.BYTES * i, Float.floatToFloat16(s.turned[i]));
        }
    }

    @Override
    int middleEnd(Step step, int row, int end) {
        return Math.min(end, indexes[row].tokens(step.layer()));
    }

    @Override
    void choose(Middle middle, Selection into, int worker) {
        int count = middle.count(), wanted = budget.of(count), from = middle.from;
        if (wanted >= count) {
            into.addRun(from, count, 0);
            return;
        }
        Scratch s = scratch[worker];
        int group = heads.group(), headDim = heads.headDim(), dims = dims(heads);
        Index index = indexes[middle.row];
        s.queries = Shares.grown(s.queries, group * (headDim + dims));
        int turned = group * headDim;
        heads.scale(q, (middle.row * heads.heads() + middle.set * group) * headDim, turned, s.queries);
        for (int g = 0; g < group; g++) {
            kernel.rowScores(
                    s.queries,
                    g * headDim,
                    1,
                    headDim,
                    index.components[middle.layer][middle.set].rows,
                    0,
                    headDim,
                    dims,
                    s.queries,
                    turned + g * dims,
                    dims,
                    s.tiles);
        }
        // Whole tiles, and what is before the middle in the first or after it in the last is passed over.
        int first = from / TILE * TILE, end = Math.ceilDiv(middle.to, TILE) * TILE;
        s.scores.begin(group, end - first);
        float[] scores = s.scores.scores();
        for (int token = first, n; token < end; token += n) {
            n = Math.min(end - token, IN_BLOCK - token % IN_BLOCK);
            kernel.storedScores(
                    ElementType.F16,
                    index.block(middle.layer, token / IN_BLOCK),
                    tileAt(middle.set, token),
                    n / TILE,
                    s.queries,
                    turned,
                    group,
                    dims,
                    scores,
                    token - first,
                    s.scores.stride(),
                    s.tiles);
        }
        s.scores.compute(from - first, middle.to - first);
        s.scores.highest(wanted, i -> into.add(first + i, 0));
    }
}
