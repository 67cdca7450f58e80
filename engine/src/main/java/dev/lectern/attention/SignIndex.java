package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.kernel.BitPlanes;
import dev.lectern.kernel.CodeTiles;
import dev.lectern.kernel.Kernels;
import dev.lectern.kv.CacheIndex;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvSide;
import dev.lectern.kv.LayerCache;
import dev.lectern.kv.NativeBlock;
import dev.lectern.kv.Page;
import dev.lectern.kv.QueryWindow;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The keys of a sequence in one or two bits a channel, of which scores are computed many times faster than of the keys.
 *
 * <p>With a mean μ and a balance s of each channel of a kv head, a key k becomes {@code y = H((k − μ) / s)} with the Walsh–Hadamard transform H, and a query q becomes {@code H(q ∘ s)}, so that {@code q·k =
 * H(q ∘ s)·y + q·μ}; the last term is the same for all keys, and no softmax notices it. Of y the signs are kept, or a uniform code of two bits, and a scale f: {@code q·k ≈ f Σ_d H(q ∘ s)_d level_d}.
 * The balance is {@code s = √((ρ + ε) / (ω + ε))}, with the standard deviation ρ of keys and the root mean square ω of queries: of all s it makes the error of scores least when y has the same error in all
 * channels (Cauchy–Schwarz). Head sizes that are no power of two are transformed in blocks.
 *
 * <p>Measured by the error of outputs (prose of 3 949 tokens, SmolLM2-135M; of 3 000, Qwen2.5-Coder-0.5B): queries of four bits err 1 % more than queries of eight; the least-squares scale f, which is used, errs
 * within 5 % of the unbiased one, {@code y·y / y·level}, in whose place it could be.
 *
 * <p>The sign plane of rotated vectors with a scale of their own is that of Gao and Long, "RaBitQ" (SIGMOD 2024, arXiv 2405.12497); without the balance it fails on models whose keys have a few channels
 * that vary much and queries that hardly weigh them. The rotation is a Hadamard transform as in QuaRot (Ashkboos et al., arXiv 2404.00456).
 *
 * <p>μ and s of a layer are taken once, when it has {@value #LEAST} keys, and stay: tokens that come later are coded with them, so an index that grew differs from one that was made at once in what it keeps of
 * those. A cut into the tokens that μ and s are of forgets all of the layer.
 */
final class SignIndex extends TokenIndex {
    /** Tokens in a block: one row of scores that stays in a core's first-level cache. */
    static final int IN_BLOCK = 1024;

    /** Keys that μ and s are taken from, at least. */
    private static final int LEAST = 256;

    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfFloat SCALE = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final double EPSILON = 1e-6;

    /** The best step of a uniform code of two bits for a normal variable: Max, "Quantizing for minimum distortion" (1960), table II. */
    private static final float STEP = 0.9957f;

    private static final CodeTiles CODES = Kernels.codeTiles();
    private static final Statistics NONE = new Statistics(new float[0], new float[0], 0);

    private final List<LayerCache> layers;
    private final int bits;
    private final int sinks;
    private final Statistics[] statistics; // [layers]

    /**
     * What the channels of a layer are shifted and scaled by.
     *
     * @param mean {@code [kvHeads][headDim]}
     * @param balance {@code [kvHeads][headDim]}
     * @param end of the tokens that they are of; 0 for none
     */
    private record Statistics(float[] mean, float[] balance, int end) {}

    /** What a worker needs. */
    static final class Scratch {
        private float[] rows = {};
        private double[] sums = {};
    }

    /** @param sinks first tokens that are not coded like the others, and so not in the statistics */
    SignIndex(List<LayerCache> layers, int bits, int sinks) {
        super(
                layers.size(),
                l -> blockBytes(layers.get(l).kvHeads(), layers.get(l).headDim(), bits),
                TILE,
                IN_BLOCK);
        this.layers = layers;
        this.bits = bits;
        this.sinks = sinks;
        statistics = new Statistics[layers.size()];
        Arrays.fill(statistics, NONE);
    }

    private SignIndex(SignIndex other) {
        super(other);
        layers = other.layers;
        bits = other.bits;
        sinks = other.sinks;
        statistics = other.statistics.clone();
    }

    /** Of each layer the token after those that its statistics are of, and these where there are some. */
    @Override
    int[] more() {
        return Arrays.stream(statistics)
                .flatMapToInt(of -> IntStream.concat(
                        IntStream.of(of.end),
                        IntStream.concat(StateReader.bits(of.mean), StateReader.bits(of.balance))))
                .toArray();
    }

    /**
     * One that was kept.
     *
     * @throws IllegalArgumentException if it is not of such layers
     */
    static SignIndex restored(KvCache cache, int bits, int sinks, int[] state, NativeBlock bytes) {
        SignIndex index = new SignIndex(cache.layers(), bits, sinks);
        StateReader from = new StateReader(state, bytes);
        index.restore(from, cache.length());
        for (int layer = 0; layer < index.statistics.length; layer++) {
            LayerCache shape = index.layers.get(layer);
            int end = from.next(0, cache.length()), width = shape.kvHeads() * shape.headDim();
            StateReader.require(end > 0 || index.tokens(layer) == 0);
            index.statistics[layer] = end == 0 ? NONE : new Statistics(from.floats(width), from.floats(width), end);
        }
        from.end();
        return index;
    }

    static long tokenBytes(int headDim, int bits) {
        return (long) Integer.BYTES * bits * BitPlanes.words(headDim) + Float.BYTES;
    }

    static long blockBytes(int kvHeads, int headDim, int bits) {
        return Math.multiplyExact(IN_BLOCK * tokenBytes(headDim, bits), (long) kvHeads);
    }

    @Override
    public CacheIndex fork() {
        return new SignIndex(this);
    }

    @Override
    public void truncate(int length) {
        for (int layer = 0; layer < statistics.length; layer++) {
            boolean cut = length < statistics[layer].end;
            statistics[layer] = cut ? NONE : statistics[layer];
            truncate(layer, cut ? 0 : length);
        }
    }

    /** Where the planes of a kv head begin in a block, in bytes. */
    long planesAt(int layer, int kvHead) {
        return kvHead * IN_BLOCK * tokenBytes(layers.get(layer).headDim(), bits);
    }

    /** Where its scales begin. */
    long scalesAt(int layer, int kvHead) {
        return planesAt(layer, kvHead + 1) - (long) Float.BYTES * IN_BLOCK;
    }

    /**
     * Codes tokens that are not coded yet.
     *
     * @param row of the step, whose cache this belongs to
     * @param to tokens before it, as far as they are settled
     * @param scratch for each worker
     */
    void extend(Step step, int row, int to, Scratch[] scratch) {
        int layer = step.layer(), from = tokens(layer);
        KvCache cache = step.caches()[row];
        int end = Math.min(to, cache.settledKeys(layer)) / TILE * TILE;
        if (end <= from || end - sinks < LEAST) {
            return;
        }
        boolean asksNothing = step.q().length == 0 && cache.queries().tokens(layer, step.tokens(row)).length == 0;
        if (statistics[layer] == NONE && asksNothing) {
            return; // the balance is by queries
        }
        int kvHeads = step.heads().kvHeads();
        if (statistics[layer] == NONE) {
            int width = kvHeads * step.heads().headDim();
            Statistics fresh = new Statistics(new float[width], new float[width], end);
            step.exact()
                    .workers()
                    .run(
                            kvHeads,
                            step.cancellation(),
                            (head, worker) -> measure(step, row, head, fresh, scratch[worker]));
            statistics[layer] = fresh;
        }
        int firstBlock = from / IN_BLOCK, lastBlock = (end - 1) / IN_BLOCK;
        own(layer, end);
        step.exact().workers().run((lastBlock - firstBlock + 1) * kvHeads, step.cancellation(), (task, worker) -> {
            int block = firstBlock + task / kvHeads, first = Math.max(from, block * IN_BLOCK);
            code(cache, layer, task % kvHeads, first, Math.min(end, (block + 1) * IN_BLOCK), scratch[worker]);
        });
        grown(layer, end);
    }

    private static void rows(KvCache cache, int layer, int kvHead, int token, int headDim, float[] rows) {
        KvSide keys = cache.page(layer, token / Page.TOKENS).keys();
        keys.rows(kvHead, token % Page.TOKENS / TILE, rows, 0, headDim);
    }

    /** Takes μ and s of one kv head. */
    private void measure(Step step, int row, int kvHead, Statistics to, Scratch s) {
        int headDim = step.heads().headDim(), count = to.end - sinks;
        s.rows = Shares.grown(s.rows, TILE * headDim);
        s.sums = s.sums.length >= 2 * headDim ? s.sums : new double[2 * headDim];
        Arrays.fill(s.sums, 0, 2 * headDim, 0);
        for (int tile = sinks / TILE; tile < to.end / TILE; tile++) {
            rows(step.caches()[row], step.layer(), kvHead, tile * TILE, headDim, s.rows);
            for (int t = Math.max(0, sinks - tile * TILE); t < TILE; t++) {
                for (int d = 0; d < headDim; d++) {
                    double x = s.rows[t * headDim + d];
                    s.sums[d] += x;
                    s.sums[headDim + d] += x * x;
                }
            }
        }
        double[] omega = rootMeanSquares(step, row, kvHead);
        for (int d = 0; d < headDim; d++) {
            double mean = s.sums[d] / count;
            double rho = Math.sqrt(Math.max(0, s.sums[headDim + d] / count - mean * mean));
            to.mean[kvHead * headDim + d] = (float) mean;
            to.balance[kvHead * headDim + d] = (float) Math.sqrt((rho + EPSILON) / (omega[d] + EPSILON));
        }
    }

    /** Of the channels of the queries of the last tokens that were read; of the step's own where none were. */
    private static double[] rootMeanSquares(Step step, int row, int kvHead) {
        Heads heads = step.heads();
        QueryWindow window = step.caches()[row].queries();
        int[] tokens = window.tokens(step.layer(), step.tokens(row));
        double[] squares = new double[heads.headDim()];
        for (int token : tokens) {
            addSquares(window.rows(step.layer()), window.at(step.layer(), token), heads, kvHead, squares);
        }
        if (tokens.length == 0) {
            addSquares(step.q(), row * heads.heads() * heads.headDim(), heads, kvHead, squares);
        }
        double count = (double) heads.group() * Math.max(1, tokens.length);
        return Arrays.stream(squares).map(sum -> Math.sqrt(sum / count)).toArray();
    }

    private static void addSquares(float[] q, int at, Heads heads, int kvHead, double[] squares) {
        int headDim = heads.headDim(), first = at + kvHead * heads.group() * headDim;
        for (int i = 0; i < heads.group() * headDim; i++) {
            squares[i % headDim] += (double) q[first + i] * q[first + i];
        }
    }

    /** Codes tokens of one block, whole tiles. */
    private void code(KvCache cache, int layer, int kvHead, int from, int to, Scratch s) {
        int headDim = layers.get(layer).headDim(), first = kvHead * headDim;
        float[] mean = statistics[layer].mean, balance = statistics[layer].balance;
        s.rows = Shares.grown(s.rows, TILE * headDim);
        MemorySegment block = block(layer, from / IN_BLOCK);
        for (int token = from; token < to; token += TILE) {
            rows(cache, layer, kvHead, token, headDim, s.rows);
            for (int t = 0; t < TILE; t++) {
                for (int d = 0; d < headDim; d++) {
                    s.rows[t * headDim + d] = (s.rows[t * headDim + d] - mean[first + d]) / balance[first + d];
                }
            }
            CODES.hadamard(s.rows, 0, TILE, headDim, headDim);
            for (int t = 0; t < TILE; t++) {
                code(s.rows, t * headDim, headDim, block, layer, kvHead, (token + t) % IN_BLOCK);
            }
        }
    }

    /** Writes the code of one token. */
    private void code(float[] y, int at, int headDim, MemorySegment block, int layer, int kvHead, int place) {
        float step = bits == 1 ? 0 : STEP * rootMeanSquare(y, at, headDim);
        int words = BitPlanes.words(headDim), outers = 0;
        long planesAt = planesAt(layer, kvHead) + (long) Integer.BYTES * place;
        float product = 0; // of the numbers and their levels
        for (int word = 0; word < words; word++) {
            int sign = 0, outer = 0;
            for (int d = word * Integer.SIZE; d < Math.min(headDim, (word + 1) * Integer.SIZE); d++) {
                // Signs of numbers in place of comparisons: nobody can guess them, and a wrong guess costs more than
                // all of this.
                float x = Math.abs(y[at + d]);
                int negative = Float.floatToRawIntBits(y[at + d]) >>> 31;
                int far = Float.floatToRawIntBits(step - x) >>> 31 & (bits - 1);
                sign |= (1 - negative) << d;
                outer |= far << d;
                product += x * (1 + 2 * far);
            }
            if (bits == 2) {
                // Of the codes 0 to 3, the outer ones are 0 and 3.
                block.set(WORD, planesAt + (long) Integer.BYTES * word * IN_BLOCK, ~(sign ^ outer));
                outers += Integer.bitCount(outer);
            }
            block.set(WORD, planesAt + (long) Integer.BYTES * ((bits - 1) * words + word) * IN_BLOCK, sign);
        }
        int energy = headDim + 8 * outers; // of the levels, 1 and 3
        block.set(SCALE, scalesAt(layer, kvHead) + (long) Float.BYTES * place, product / energy);
    }

    private static float rootMeanSquare(float[] y, int at, int headDim) {
        double squares = 0;
        for (int d = at; d < at + headDim; d++) {
            squares += (double) y[d] * y[d];
        }
        return (float) Math.sqrt(squares / headDim);
    }

    /**
     * Turns queries of one kv head into whole numbers.
     *
     * @param q {@code [group][headDim]} from qAt
     * @param planes {@code [group][words][4]}, as {@link BitPlanes} wants them
     * @param scales {@code [group]}: what a score is to be multiplied by to be a binary logarithm
     */
    void turn(int layer, Heads heads, int kvHead, float[] q, int qAt, int[] planes, float[] scales, Scratch s) {
        int headDim = heads.headDim(), group = heads.group(), words = BitPlanes.words(headDim);
        s.rows = Shares.grown(s.rows, group * headDim);
        for (int i = 0; i < group * headDim; i++) {
            s.rows[i] = q[qAt + i] * statistics[layer].balance[kvHead * headDim + i % headDim];
        }
        CODES.hadamard(s.rows, 0, group, headDim, headDim);
        Arrays.fill(planes, 0, group * words * BitPlanes.QUERY_PLANES, 0);
        for (int g = 0; g < group; g++) {
            float most = 0;
            for (int d = 0; d < headDim; d++) {
                most = Math.max(most, Math.abs(s.rows[g * headDim + d]));
            }
            float unit = most / BitPlanes.MOST;
            scales[g] = unit * heads.scale();
            for (int d = 0; d < headDim && unit > 0; d++) {
                int number = Math.round(s.rows[g * headDim + d] / unit);
                int at = (g * words + d / Integer.SIZE) * BitPlanes.QUERY_PLANES;
                for (int i = 0; i < BitPlanes.QUERY_PLANES; i++) {
                    planes[at + i] |= (number >> i & 1) << d;
                }
            }
        }
    }
}
