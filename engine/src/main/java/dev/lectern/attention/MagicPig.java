package dev.lectern.attention;

import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormat;
import dev.lectern.kv.NativeBlock;
import dev.lectern.options.NamedOptions;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Samples keys by their direction, and weighs each by how probable it was: keys of the middle, less their mean μ, are put into L hash tables by K signs of random projections ({@link SimHash}). A query
 * head reads those that it meets in at least T tables ({@code hits}). Of a key at the cosine {@code c = q·(k − μ) / |q||k − μ|} that has the probability u(c) over the projections
 * ({@link InclusionTable}), so a sampled key weighs {@code e^{q·k/√d} / (u + eps)}: numerator and denominator of the softmax are what they would be over all keys, on average.
 *
 * <p>The index is made before the first answer token, or when a text is read that is asked more than once, of the tokens that are then between sinks and window, and its mean stays. Over a format that
 * keeps codes of keys, the keys of indexed layers are kept in f16 beside them until then, and the tables made of these, unless {@code keys=stored} saves the memory or the text was found on a disk. What comes later is read exactly, as published, or with {@code append=N}
 * is put into further tables as often as N tokens have left the window. Where there are fewer tokens than tables, all are read.
 *
 * <p>Source: Chen et al., "MagicPIG: LSH sampling for efficient LLM generation" (arXiv 2410.16179), sections 4 and 5, algorithm 1. Deviations: scores stay those of uncentred keys, which all differ by
 * q·μ from those of centred ones; cosines are bounded, norms and projections f32; ids have 16 bits; {@code eps} (1e-4 there) is an option, {@code centre} and {@code correct} can be left out.
 */
final class MagicPig extends IndexedChoice {
    private static final String DENSE_LAYERS = "0+16+32+48+64"; // as published
    private static final String YES = "yes";
    private static final String NO = "no";
    private static final String SHARED = "shared";
    private static final String HEAD = "head";
    private static final String EXACT = "exact";
    private static final String STORED = "stored";
    private static final String OF_STORED = ":keys=" + STORED;
    private static final int MOST_BITS = 16;
    private static final int MOST_TABLES = 4096;
    private static final int MOST_HITS = 8;

    private final Settings settings;
    private final Projections projections;
    private final String index; // the name of what is kept
    private final InclusionTable inclusion;
    private final HashIndex.Maker maker;

    private SimHash[][] hashes = {}; // [layers][1, or kvHeads]
    private HashTables.Scratch[] scratch = {}; // [workers]
    private float[][] products = {}; // [workers][heads together][64]
    private Sample[] samples = {}; // [rows][heads]
    private HashIndex.Layer[] indexed = {}; // [rows]
    private long[] words = {}; // [rows][heads][words]: the queries' bits
    private float[] q = {};
    private Heads heads = new Heads(1, 1, 1, 0);

    /** Where projections come from. */
    @FunctionalInterface
    interface Projections {
        /** Of one layer and kv head; of layer and kv head 0 where all share one. */
        SimHash of(int headDim, int layer, int kvHead);
    }

    MagicPig(NamedOptions options) {
        this(options, Settings.of(options));
    }

    private MagicPig(NamedOptions options, Settings settings) {
        this(
                options,
                settings,
                (headDim, layer, kvHead) ->
                        SimHash.gaussian(settings.bits, settings.tables, headDim, settings.seed, layer, kvHead));
    }

    MagicPig(NamedOptions options, Projections projections) {
        this(options, Settings.of(options), projections);
    }

    private MagicPig(NamedOptions options, Settings settings, Projections projections) {
        super(options, settings.described(), DENSE_LAYERS);
        this.settings = settings;
        this.projections = projections;
        index = "magicpig:" + settings.describedIndex() + ":sinks=" + sinks() + ":window=" + window();
        inclusion = new InclusionTable(settings.bits, settings.tables, settings.hits, settings.eps);
        maker = new HashIndex.Maker(settings.bits, settings.tables, settings.centred);
    }

    /** The options of its own. */
    private record Settings(
            int bits,
            int tables,
            int hits,
            double eps,
            boolean centred,
            boolean corrected,
            boolean shared,
            boolean exact,
            int seed,
            int append) {
        static Settings of(NamedOptions options) {
            Settings settings = new Settings(
                    options.whole("k", 10, 1, MOST_BITS),
                    options.whole("l", 150, 1, MOST_TABLES),
                    options.whole("hits", 2, 1, MOST_HITS),
                    options.share("eps", 1e-4),
                    options.word("centre", YES, NO).equals(YES),
                    options.word("correct", YES, NO).equals(YES),
                    options.word("projection", SHARED, HEAD).equals(SHARED),
                    options.word("keys", EXACT, STORED).equals(EXACT),
                    options.whole("seed", 1, 0, Integer.MAX_VALUE),
                    options.whole("append", 0, 0, Integer.MAX_VALUE));
            if (settings.hits > settings.tables) {
                throw options.bad("hits is " + settings.hits + ", but there are " + settings.tables + " tables");
            }
            return settings;
        }

        String described() {
            return describedIndex() + ":hits=" + hits + ":eps=" + eps + ":correct=" + (corrected ? YES : NO);
        }

        /** What the index depends on. */
        String describedIndex() {
            return "k=" + bits + ":l=" + tables + ":centre=" + (centred ? YES : NO) + ":projection="
                    + (shared ? SHARED : HEAD) + ":seed=" + seed + ":append=" + append
                    + (exact ? "" : OF_STORED);
        }
    }

    /** The sampled tokens of a query head, to which it gives their weights. */
    private static final class Sample implements ScoreCorrection {
        private final InclusionTable inclusion;
        private int first; // place of the first in the selection
        private int count;
        private float[] scales = {}; // [count]: what makes a cosine of a score, less that of the mean
        private float ofMean;
        private long bytesRead; // of tables, since they were noted

        Sample(InclusionTable inclusion) {
            this.inclusion = inclusion;
        }

        void begin(int first) {
            this.first = first;
            count = 0;
        }

        void add(float scale) {
            if (count == scales.length) {
                scales = Arrays.copyOf(scales, Math.max(256, 2 * count));
            }
            scales[count++] = scale;
            bytesRead += Float.BYTES;
        }

        @Override
        public void correct(int head, int from, int to, float[] scores, int at) {
            for (int i = Math.max(from, first); i < Math.min(to, first + count); i++) {
                float score = scores[at + i - from];
                scores[at + i - from] = score + inclusion.logWeight((score - ofMean) * scales[i - first]);
            }
        }
    }

    @Override
    public KvFormat.Layout keyLayout() {
        return KvFormat.Layout.ROW;
    }

    @Override
    int sets(Heads heads) {
        return heads.heads();
    }

    @Override
    public long bytes(Heads heads, int rows, long tokens) {
        long scales = Math.multiplyExact(Math.multiplyExact((long) rows * heads.heads(), tokens), Float.BYTES);
        return Math.addExact(super.bytes(heads, rows, tokens), settings.corrected ? scales : 0);
    }

    /** Of all tokens as one text; what is appended takes more for each token. */
    @Override
    public long indexBytes(Heads heads, long tokens) {
        long seen = heads.window() == 0 ? tokens : Math.min(tokens, heads.window());
        long left = seen - sinks() - window(), bytes = 0;
        if (left < settings.tables) {
            return 0;
        }
        for (; left > 0; left -= HashTables.MOST) {
            int count = (int) Math.min(left, HashTables.MOST);
            bytes = Math.addExact(bytes, HashTables.bytes(heads.kvHeads(), settings.bits, settings.tables, count));
        }
        return bytes;
    }

    @Override
    void prepare(Step step) {
        q = step.q();
        heads = step.heads();
        if (scratch.length < step.exact().workers().threads()) {
            scratch = new HashTables.Scratch[step.exact().workers().threads()];
            products = new float[scratch.length][0];
            Arrays.setAll(scratch, i -> new HashTables.Scratch());
        }
        if (samples.length < step.rows() * heads.heads()) {
            samples = new Sample[step.rows() * heads.heads()];
            Arrays.setAll(samples, i -> new Sample(inclusion));
        }
        indexed = indexed.length < step.rows() ? new HashIndex.Layer[step.rows()] : indexed;
        SimHash[] hashesOfLayer = hashes(step.layer());
        boolean any = false;
        for (int row = 0; row < step.rows(); row++) {
            KvCache cache = step.caches()[row];
            extend(step, row);
            indexed[row] = index(cache).layer(step.layer());
            any |= indexed[row].end() > 0;
        }
        if (any) {
            hashQueries(step, hashesOfLayer);
        }
    }

    /** The projections of a layer: one, or one for each kv head. */
    private SimHash[] hashes(int layer) {
        if (hashes.length <= layer) {
            int known = hashes.length;
            hashes = Arrays.copyOf(hashes, layer + 1);
            Arrays.fill(hashes, known, layer + 1, new SimHash[0]);
        }
        if (hashes[layer].length == 0) {
            SimHash[] made = new SimHash[settings.shared ? 1 : heads.kvHeads()];
            Arrays.setAll(
                    made, kvHead -> settings.shared ? sharedHash() : projections.of(heads.headDim(), layer, kvHead));
            hashes[layer] = made;
        }
        return hashes[layer];
    }

    private SimHash sharedHash() {
        for (SimHash[] known : hashes) {
            if (known.length > 0 && known[0].headDim() == heads.headDim()) {
                return known[0];
            }
        }
        return projections.of(heads.headDim(), 0, 0);
    }

    private HashIndex index(KvCache cache) {
        return cache.index(
                index, HashIndex.class, () -> new HashIndex(cache.layers().size()));
    }

    @Override
    String indexName() {
        return index;
    }

    /** Of a cache whose keys are exact, or whose exact keys are there still, it has to be of these; otherwise one that was made of them is better than what can be made. */
    @Override
    public List<String> keptNames(KvCache cache) {
        boolean canBeExact = IntStream.range(0, cache.layers().size())
                .allMatch(layer -> isDense(layer) || cache.hasExactKeys(layer));
        return !settings.exact || canBeExact ? List.of(wholeName()) : List.of(wholeName(), wholeName() + OF_STORED);
    }

    @Override
    public Optional<String> keptName(KvCache cache) {
        return image(cache).map(image -> wholeName() + (isAsNamed(cache) ? "" : OF_STORED));
    }

    /** Whether it is of exact keys, or not meant to be. */
    private boolean isAsNamed(KvCache cache) {
        return !settings.exact || !cache.hasIndex(index) || index(cache).isExact();
    }

    @Override
    HashIndex restored(KvCache cache, int[] state, NativeBlock bytes) {
        return HashIndex.restored(cache, settings.bits, settings.tables, state, bytes);
    }

    @Override
    public String ranAs(KvCache cache) {
        return name() + (isAsNamed(cache) ? "" : OF_STORED);
    }

    @Override
    public boolean wantsExactKeys(int layer) {
        return settings.exact && !isDense(layer);
    }

    /** Indexes what is to be indexed by now. */
    @Override
    void extend(Step step, int row) {
        heads = step.heads();
        SimHash[] hashes = hashes(step.layer());
        KvCache cache = step.caches()[row];
        HashIndex.Layer layer = index(cache).layer(step.layer());
        int known = layer.end(), from = step.first(row) + sinks();
        boolean exact = known == 0 && cache.hasExactKeys(step.layer());
        int end = Math.min(step.tokens(row) - window(), exact ? cache.length() : cache.settledKeys(step.layer()));
        if (known == 0) {
            if (end - from >= settings.tables) {
                maker.begin(step, row, layer, from, end, hashes);
                cache.forgetExactKeys(step.layer());
            }
        } else if (settings.append > 0 && end - known >= settings.append) {
            maker.append(step, row, layer, end - (end - known) % settings.append, hashes);
        }
    }

    /** Query heads that share a projection are hashed together, a word at a time. */
    private void hashQueries(Step step, SimHash[] hashes) {
        int stride = hashes[0].words(), together = heads.heads() / hashes.length, headDim = heads.headDim();
        if (words.length < step.rows() * heads.heads() * stride) {
            words = new long[step.rows() * heads.heads() * stride];
        }
        for (int i = 0; i < products.length; i++) {
            products[i] = Shares.grown(products[i], together * SimHash.WORD);
        }
        step.exact().workers().run(step.rows() * hashes.length * stride, step.cancellation(), (task, worker) -> {
            int word = task % stride, which = task / stride, head = which * together;
            SimHash hash = hashes[which % hashes.length];
            hash.hash(q, head * headDim, together, word, products[worker], words, head * stride + word, stride);
        });
    }

    @Override
    int middleEnd(Step step, int row, int end) {
        return Math.min(end, indexed[row].end());
    }

    @Override
    void choose(Middle middle, Selection into, int worker) {
        HashIndex.Layer known = indexed[middle.row];
        int from = Math.clamp(known.from(), middle.from, middle.to);
        into.addRun(middle.from, from - middle.from, 0); // the window may have been elsewhere when it was indexed
        int kvHead = middle.set / heads.group(), head = middle.row * heads.heads() + middle.set;
        SimHash hash = hashes[middle.layer][kvHead % hashes[middle.layer].length];
        Sample sample = samples[head];
        sample.begin(into.count());
        float inverseNorm = queryNorm(head, kvHead, known.mean(), sample);
        HashTables.Scratch s = scratch[worker];
        for (HashTables part : known.parts()) {
            if (part.end() <= from || part.first() >= middle.to) {
                continue; // before a model's window, or in ours
            }
            int count = part.sample(kvHead, hash, words, head * hash.words(), settings.hits, from, middle.to, s);
            sample.bytesRead += s.bytesRead();
            for (int i = 0; i < count; i++) {
                int token = s.sampled(i);
                into.add(token, 0);
                if (settings.corrected) {
                    sample.add(part.scale(kvHead, token - part.first()) * inverseNorm);
                }
            }
        }
        if (settings.corrected) {
            into.correctBy(sample);
        }
    }

    /** Tells a sample the score of the mean; returns 1 over the norm of the query that it is the score with. */
    private float queryNorm(int head, int kvHead, float[] mean, Sample sample) {
        int headDim = heads.headDim();
        float scale = heads.scale();
        double squares = 0, ofMean = 0;
        for (int d = 0; d < headDim; d++) {
            double x = q[head * headDim + d] * scale;
            squares += x * x;
            ofMean += x * mean[kvHead * headDim + d];
        }
        sample.ofMean = (float) ofMean;
        return HashIndex.inverse(Math.sqrt(squares));
    }

    @Override
    void chosen(Step step) {
        for (int head = 0; head < step.rows() * heads.heads(); head++) {
            step.exact().noteRead(samples[head].bytesRead);
            samples[head].bytesRead = 0;
        }
    }
}
