package dev.lectern.attention;

import static dev.lectern.attention.SignIndex.IN_BLOCK;

import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.BitPlanes;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.Proportions;
import dev.lectern.kernel.TileScratch;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormat;
import dev.lectern.kv.NativeBlock;
import dev.lectern.options.NamedOptions;
import java.util.Arrays;
import java.util.Optional;

/**
 * Reads the tokens whose approximate weights are the largest, and of the others a sample that is drawn in proportion to approximate weights; what is drawn with probability π stands for 1/π tokens.
 *
 * <p>A {@link SignIndex} gives every token i of the middle an approximate score for each query head h, and their softmax the weights {@code p_h,i}. Of a budget of R tokens a share is for the <em>heavy</em>
 * ones, those of the largest mean {@code p_h,i} over the heads; the <em>tail</em> T is the rest. With {@code g_i = (1 − λ) mean_h(p_h,i / Σ_T p_h) + λ / |T|} the probabilities are {@code π_i = min(1, c g_i)}, with c
 * such that all π and the heavy ones add up to R (three rounds). Tokens are drawn in their order by one random number u: those at which the running sum of π passes u, u + 1, u + 2 … The mean of the sums
 * over the draws is the exact sum; their quotient, the output, is biased in the order of 1/R. What the weights of a wrong proxy cost is variance, and λ bounds it.
 *
 * <p>With a bound on the error ({@code error}) the sample itself tells the relative error of the output, and more is read where it is above ({@link ErrorBound}).
 *
 * <p>Sources: our own composition. Sampling proportional to size, systematic: Madow, "On the theory of systematic sampling, II" (1949). Heavy tokens exactly and a sampled rest: Desai et al., "vAttention"
 * (arXiv 2510.05688), which samples uniformly. Attention as an expectation that is sampled by importance: Chen et al., "MagicPIG" (arXiv 2410.16179).
 */
final class Pps extends IndexedChoice {
    private static final Budget FIVE_PERCENT = new Budget(0.05, 0);

    /** Rounds in which probabilities above 1 are cut and the others made larger. */
    private static final int ROUNDS = 3;

    // Weights in classes of an eighth of a power of two: the exponent of an f32 and three digits.
    private static final int CLASS_SHIFT = 20;
    private static final int CLASSES = 1 + (Float.floatToRawIntBits(Proportions.CERTAIN) >> CLASS_SHIFT);

    private final AttentionTiles kernel = Kernels.attentionTiles();
    private final BitPlanes planes = Kernels.bitPlanes();
    private final Proportions proportions = Kernels.proportions();
    private final Budget budget;
    private final Optional<Budget> bytes;
    private final ErrorBound bound;
    private final int bits;
    private final double heavy;
    private final double floor;
    private final int seed;

    private Heads heads = new Heads(1, 1, 1, 0);
    private SignIndex[] indexes = {}; // [rows]
    private Middle[] middles = {}; // [rows]
    private int[] firstTask = {0}; // [rows + 1]
    private Scan[] scans = {}; // [rows][kvHeads]
    private Scratch[] scratch = {}; // [workers]
    private SignIndex.Scratch[] coding = {}; // [workers]

    Pps(NamedOptions options) {
        this(
                options,
                bytes(options),
                Budget.of(options, FIVE_PERCENT),
                options.share("error", Double.NaN),
                options.whole("bits", 1, 1, 2),
                options.share("heavy", 0.25),
                options.share("floor", 0.1),
                options.whole("seed", 1, 0, Integer.MAX_VALUE));
    }

    private Pps(
            NamedOptions options,
            Optional<Budget> bytes,
            Budget budget,
            double error,
            int bits,
            double heavy,
            double floor,
            int seed) {
        super(
                options,
                bytes.map(some -> "bytes=" + some).orElse("budget=" + budget)
                        + (Double.isNaN(error) ? "" : ":error=" + error) + ":bits=" + bits + ":heavy=" + heavy
                        + ":floor=" + floor + ":seed=" + seed);
        this.budget = budget;
        this.bytes = bytes;
        bound = new ErrorBound(error);
        this.bits = bits;
        this.heavy = heavy;
        this.floor = floor;
        this.seed = seed;
    }

    private static Optional<Budget> bytes(NamedOptions options) {
        Optional<Budget> bytes = Budget.ofBytes(options);
        if (bytes.isPresent() && options.has("budget")) {
            throw options.bad("budget and bytes both say how much is read; leave one out");
        }
        return bytes;
    }

    /** What is computed of the middle of one row for one kv head, whole blocks of tokens. */
    private static final class Scan {
        int[] query = {}; // [group][words][4]
        float[] scales = {}; // [group]
        float[] p = {}; // [group][stride]: of each block a softmax by itself
        float[] stats = {}; // [blocks][group][2]: maximum, and sum of powers
        float[] x = {}; // [stride]: mean weights, and then what probabilities are proportional to
    }

    /** What a worker needs. */
    private static final class Scratch {
        final TileScratch tiles = new TileScratch();
        final SplitMix random = new SplitMix();
        final int[] classes = new int[CLASSES];
        final float[] stats = new float[2];
        float[] maxima = {}; // [blocks]
        float[] factors = {}; // [blocks][group]
        float[] largest = {}; // [stride / 16]
        int[] chances = {}; // [stride]: probabilities
        int[] places = {}; // [stride]: of chosen tokens
        float[] logWeights = {}; // of them
    }

    private static int[] grown(int[] array, int needed) {
        return array.length >= needed ? array : new int[needed];
    }

    @Override
    int sets(Heads heads) {
        return heads.kvHeads();
    }

    @Override
    public KvFormat.Layout keyLayout() {
        return KvFormat.Layout.ROW;
    }

    @Override
    public long bytes(Heads heads, int rows, long tokens) {
        long stride = Math.ceilDiv(tokens, (long) IN_BLOCK) * IN_BLOCK;
        long perToken = (long) Float.BYTES * (heads.group() + 1) + 2 * Integer.BYTES;
        return Math.addExact(
                super.bytes(heads, rows, tokens),
                Math.multiplyExact(Math.multiplyExact((long) rows * heads.kvHeads(), stride), perToken));
    }

    @Override
    public long indexBytes(Heads heads, long tokens) {
        long blocks = Math.ceilDiv(tokens, (long) IN_BLOCK);
        return Math.multiplyExact(blocks, SignIndex.blockBytes(heads.kvHeads(), heads.headDim(), bits));
    }

    private SignIndex index(KvCache cache) {
        return cache.index(indexName(), SignIndex.class, () -> new SignIndex(cache.layers(), bits, sinks()));
    }

    @Override
    String indexName() {
        return "pps:bits=" + bits + ":sinks=" + sinks() + ":window=" + window();
    }

    @Override
    SignIndex restored(KvCache cache, int[] state, NativeBlock bytes) {
        return SignIndex.restored(cache, bits, sinks(), state, bytes);
    }

    @Override
    void extend(Step step, int row) {
        int threads = step.exact().workers().threads();
        if (coding.length < threads) {
            coding = new SignIndex.Scratch[threads];
            Arrays.setAll(coding, i -> new SignIndex.Scratch());
        }
        index(step.caches()[row]).extend(step, row, step.tokens(row) - window(), coding);
    }

    @Override
    void prepare(Step step) {
        heads = step.heads();
        int rows = step.rows(),
                kvHeads = heads.kvHeads(),
                threads = step.exact().workers().threads();
        if (scratch.length < threads) {
            scratch = new Scratch[threads];
            Arrays.setAll(scratch, i -> new Scratch());
        }
        if (middles.length < rows) {
            indexes = new SignIndex[rows];
            firstTask = new int[rows + 1];
            middles = new Middle[rows];
            Arrays.setAll(middles, i -> new Middle());
        }
        if (scans.length < rows * kvHeads) {
            scans = new Scan[rows * kvHeads];
            Arrays.setAll(scans, i -> new Scan());
        }
        bound.begin(rows * kvHeads, threads);
        for (int row = 0; row < rows; row++) {
            extend(step, row);
            indexes[row] = index(step.caches()[row]);
            Middle middle = middles[row];
            begin(middle, step, row, 0);
            int tokens = tokens(step, middle);
            for (int set = row * kvHeads; set < (row + 1) * kvHeads; set++) {
                bound.want(set, tokens, middle.count());
            }
            boolean some = tokens < middle.count();
            firstTask[row + 1] = firstTask[row] + (some ? kvHeads * blocks(middle) : 0);
            if (some) {
                grow(step, row);
                step.exact().noteRead(middle.count() * kvHeads * SignIndex.tokenBytes(heads.headDim(), bits));
            }
        }
        step.exact().workers().run(firstTask[rows], step.cancellation(), this::scan);
    }

    /** How many tokens of the middle are read at first. */
    private int tokens(Step step, Middle middle) {
        int count = middle.count();
        if (bytes.isEmpty() || count == 0) {
            return budget.of(count);
        }
        long rowBytes = Segments.rowBytes(step.caches()[middle.row].page(middle.layer, 0));
        long visible = middle.tokens - middle.first, dense = visible * rowBytes * heads.kvHeads();
        double allowed = bytes.get().ofBytes(dense);
        if (allowed >= dense) {
            return count;
        }
        long scanned = count * SignIndex.tokenBytes(heads.headDim(), bits);
        double left = allowed / heads.kvHeads() - scanned - (visible - count) * rowBytes;
        return Math.clamp((long) (left / rowBytes), 1, count);
    }

    private static int blocks(Middle middle) {
        return Math.ceilDiv(middle.to, IN_BLOCK) - middle.from / IN_BLOCK;
    }

    /** Makes room for what a row needs, and turns its queries. */
    private void grow(Step step, int row) {
        int group = heads.group(), blocks = blocks(middles[row]), stride = blocks * IN_BLOCK;
        for (int kvHead = 0; kvHead < heads.kvHeads(); kvHead++) {
            Scan scan = scans[row * heads.kvHeads() + kvHead];
            scan.query = grown(scan.query, group * BitPlanes.words(heads.headDim()) * BitPlanes.QUERY_PLANES);
            scan.scales = Shares.grown(scan.scales, group);
            scan.p = Shares.grown(scan.p, Math.multiplyExact(group, stride));
            scan.stats = Shares.grown(scan.stats, 2 * group * blocks);
            scan.x = Shares.grown(scan.x, stride);
            int q = (row * heads.heads() + kvHead * group) * heads.headDim();
            indexes[row].turn(step.layer(), heads, kvHead, step.q(), q, scan.query, scan.scales, coding[0]);
        }
    }

    /** Approximate scores of one block of one kv head, and their softmax. */
    private void scan(int task, int worker) {
        int row = 0;
        while (firstTask[row + 1] <= task) {
            row++;
        }
        Middle middle = middles[row];
        SignIndex index = indexes[row];
        int kvHead = (task - firstTask[row]) % heads.kvHeads(), i = (task - firstTask[row]) / heads.kvHeads();
        int block = middle.from / IN_BLOCK + i, first = block * IN_BLOCK;
        Scan scan = scans[row * heads.kvHeads() + kvHead];
        int words = BitPlanes.words(heads.headDim()), stride = blocks(middle) * IN_BLOCK;
        for (int g = 0; g < heads.group(); g++) {
            int at = g * stride + i * IN_BLOCK;
            planes.scores(
                    index.block(middle.layer, block),
                    index.planesAt(middle.layer, kvHead),
                    bits,
                    words,
                    IN_BLOCK,
                    index.block(middle.layer, block),
                    index.scalesAt(middle.layer, kvHead),
                    IN_BLOCK,
                    scan.query,
                    g * words * BitPlanes.QUERY_PLANES,
                    scan.scales[g],
                    scan.p,
                    at);
            kernel.softmax(
                    scan.p,
                    at,
                    IN_BLOCK,
                    Math.max(0, middle.from - first),
                    Math.min(IN_BLOCK, middle.to - first),
                    scan.stats,
                    2 * (i * heads.group() + g),
                    scratch[worker].tiles);
        }
    }

    /** What no index knows yet is read. */
    @Override
    int middleEnd(Step step, int row, int end) {
        return Math.min(end, indexes[row].tokens(step.layer()));
    }

    @Override
    void choose(Middle middle, Selection into, int worker) {
        int set = middle.row * heads.kvHeads() + middle.set;
        int count = middle.count(), wanted = bound.wanted(set);
        if (wanted == count) {
            into.addRun(middle.from, count, 0);
            return;
        }
        Scratch s = scratch[worker];
        Scan scan = scans[set];
        int blocks = blocks(middle), stride = blocks * IN_BLOCK, first = middle.from / IN_BLOCK * IN_BLOCK;
        s.chances = grown(s.chances, stride);
        s.places = grown(s.places, stride);
        factors(scan, blocks, s);
        for (int i = 0; i < blocks; i++) {
            int at = i * IN_BLOCK, group = heads.group();
            proportions.mix(scan.p, at, stride, group, IN_BLOCK, s.factors, i * group, scan.x, at);
        }
        float limit = limit(scan.x, stride, Math.min(wanted - 1, (int) (heavy * wanted)), s);
        int tail = proportionate(middle, scan, limit, s);
        float factor = factor(scan.x, stride, wanted, wanted - (count - tail), s);
        proportions.fixed(scan.x, 0, stride, factor, s.chances, 0);
        // Whether more are drawn depends on the first number: a larger sample has one of its own, or it would not be
        // unbiased.
        if (bound.isEnlarged(set)) {
            s.random.begin(seed, middle.layer, middle.set, middle.place, wanted);
        } else {
            s.random.begin(seed, middle.layer, middle.set, middle.place);
        }
        draw(s, stride, first, (int) (s.random.next() * Proportions.ONE), into);
    }

    @Override
    boolean wantsMore(Step step, Segments[] segments, Selection[] selections, float[] out, float[] logSumExp) {
        return bound.wantsMore(
                step,
                segments,
                selections,
                out,
                logSumExp,
                (set, selection, worker) -> fill(step, set, selection, worker));
    }

    /** What the softmax of a block is multiplied by to be that of all, and a share of the mean over the heads. */
    private void factors(Scan scan, int blocks, Scratch s) {
        int group = heads.group(), padded = Math.ceilDiv(blocks, AttentionTiles.TILE) * AttentionTiles.TILE;
        s.maxima = Shares.grown(s.maxima, padded);
        s.factors = Shares.grown(s.factors, blocks * group);
        for (int g = 0; g < group; g++) {
            for (int i = 0; i < blocks; i++) {
                s.maxima[i] = scan.stats[2 * (i * group + g)];
            }
            kernel.softmax(s.maxima, 0, padded, 0, blocks, s.stats, 0, s.tiles);
            double sum = 0;
            for (int i = 0; i < blocks; i++) {
                sum += (double) scan.stats[2 * (i * group + g) + 1] * s.maxima[i];
            }
            for (int i = 0; i < blocks; i++) {
                s.factors[i * group + g] = (float) (s.maxima[i] / (sum * group));
            }
        }
    }

    /** The least edge of a class from which on there are no more than so many weights. */
    private float limit(float[] x, int n, int most, Scratch s) {
        // Of sixteen numbers the largest: if so many of them are in a class or above, no less are of all.
        int runs = n / Proportions.LANES;
        s.largest = Shares.grown(s.largest, runs);
        proportions.largest(x, 0, n, s.largest, 0);
        Arrays.fill(s.classes, 0);
        for (int i = 0; i < runs; i++) {
            s.classes[classOf(s.largest[i])]++;
        }
        int least = CLASSES - 1;
        for (int count = s.classes[least]; count <= most && least > 1; count += s.classes[least]) {
            least--;
        }
        int found = proportions.from(x, 0, n, edge(least), s.places);
        Arrays.fill(s.classes, 0);
        for (int i = 0; i < found; i++) {
            s.classes[classOf(x[s.places[i]])]++;
        }
        int above = CLASSES;
        for (int count = 0; above > least && count + s.classes[above - 1] <= most; above--) {
            count += s.classes[above - 1];
        }
        return edge(above);
    }

    private static int classOf(float x) {
        return Math.min(CLASSES - 1, Float.floatToRawIntBits(x) >> CLASS_SHIFT);
    }

    private static float edge(int weightClass) {
        return Float.intBitsToFloat(weightClass << CLASS_SHIFT);
    }

    /** Makes weights of the tail into what probabilities are proportional to, and those of heavy tokens into more than that; returns how many are in the tail. */
    private int proportionate(Middle middle, Scan scan, float limit, Scratch s) {
        int group = heads.group(), blocks = blocks(middle), stride = blocks * IN_BLOCK;
        for (int g = 0; g < group; g++) {
            double tail = 0;
            for (int i = 0; i < blocks; i++) {
                int at = i * IN_BLOCK;
                float sum = proportions.sumBelow(scan.p, g * stride + at, scan.x, at, IN_BLOCK, limit, s.tiles);
                tail += (double) s.factors[i * group + g] * sum;
            }
            double share = tail > 0 ? (1 - floor) / (tail * group) : 0;
            for (int i = 0; i < blocks; i++) {
                s.factors[i * group + g] = (float) (s.factors[i * group + g] * share);
            }
        }
        int tokens = middle.count() - proportions.countFrom(scan.x, 0, stride, limit);
        float least = (float) (floor / tokens);
        for (int i = 0; i < blocks; i++) {
            int at = i * IN_BLOCK;
            proportions.mixBelow(scan.p, at, stride, group, IN_BLOCK, s.factors, i * group, limit, least, scan.x, at);
        }
        int first = middle.from / IN_BLOCK * IN_BLOCK;
        Arrays.fill(scan.x, 0, middle.from - first, 0);
        Arrays.fill(scan.x, middle.to - first, stride, 0);
        return tokens;
    }

    /**
     * c: such that all probabilities, cut at 1, add up to what is wanted, or less.
     *
     * @param draws what is wanted beside the heavy tokens
     */
    private float factor(float[] x, int n, int wanted, int draws, Scratch s) {
        float factor = draws;
        int before = -1;
        for (int round = 0; round < ROUNDS; round++) {
            float limit = 1 / factor;
            int certain = proportions.countFrom(x, 0, n, limit);
            if (certain == before) {
                break;
            }
            factor = (wanted - certain) / proportions.sumBelow(x, 0, x, 0, n, limit, s.tiles);
            before = certain;
        }
        return factor;
    }

    /** Systematic sampling: one token at each whole number that the running sum of their probabilities passes. */
    private static void draw(Scratch s, int stride, int first, int start, Selection into) {
        int[] chances = s.chances, places = s.places;
        int drawn = 0, sum = start;
        for (int i = 0; i < stride; i++) {
            sum += chances[i];
            if (sum >= Proportions.ONE) {
                sum -= Proportions.ONE;
                places[drawn++] = i;
            }
        }
        s.logWeights = Shares.grown(s.logWeights, drawn);
        for (int i = 0; i < drawn; i++) {
            double probability = (double) chances[places[i]] / Proportions.ONE;
            s.logWeights[i] = (float) (0 - Math.log(probability)); // 0, not −0, of 1
        }
        into.addAll(first, places, s.logWeights, drawn);
    }
}
