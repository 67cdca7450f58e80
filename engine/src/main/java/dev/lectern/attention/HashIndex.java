package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.kv.CacheIndex;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvSide;
import dev.lectern.kv.LayerCache;
import dev.lectern.kv.NativeBlock;
import dev.lectern.kv.Page;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Hash tables of the keys of a sequence, by layer. A layer has nothing, or the mean of some tokens' keys and {@link HashTables} of these and later ones, less that mean. Of a cache that keeps codes of
 * keys, the mean and the first tables are of the exact keys where those are there ({@link KvCache#keepExactKeys}), and otherwise, as what is appended, of what the codes say.
 */
final class HashIndex implements CacheIndex {
    private final Layer[] layers;

    HashIndex(int layers) {
        this.layers = new Layer[layers];
        Arrays.setAll(this.layers, i -> new Layer());
    }

    private HashIndex(HashIndex of) {
        layers = Arrays.stream(of.layers).map(Layer::fork).toArray(Layer[]::new);
    }

    Layer layer(int layer) {
        return layers[layer];
    }

    @Override
    public CacheIndex fork() {
        return new HashIndex(this);
    }

    /** Whether all tables that begin a layer are of exact keys. */
    boolean isExact() {
        return Arrays.stream(layers).allMatch(layer -> layer.parts.isEmpty() || layer.exact);
    }

    /** Of each layer the number of tables; where there are some, whether they are exact, the token after those that the mean is of, and the mean; of each the first token, and the one after the last. */
    @Override
    public Optional<Image> image() {
        IntStream.Builder state = IntStream.builder();
        List<MemorySegment> parts = new ArrayList<>();
        for (Layer layer : layers) {
            state.add(layer.parts.size());
            if (!layer.parts.isEmpty()) {
                state.add(layer.exact ? 1 : 0).add(layer.meanEnd);
                StateReader.bits(layer.mean).forEach(state::add);
            }
            for (HashTables part : layer.parts) {
                state.add(part.first()).add(part.end());
                parts.add(part.memory());
            }
        }
        return parts.isEmpty()
                ? Optional.empty()
                : Optional.of(new Image(state.build().toArray(), parts));
    }

    /**
     * One that was kept.
     *
     * @throws IllegalArgumentException if it is not of such layers
     */
    static HashIndex restored(KvCache cache, int bits, int tables, int[] state, NativeBlock bytes) {
        HashIndex index = new HashIndex(cache.layers().size());
        StateReader from = new StateReader(state, bytes);
        for (int l = 0; l < index.layers.length; l++) {
            Layer layer = index.layers[l];
            LayerCache shape = cache.layers().get(l);
            int parts = from.next(0, cache.length());
            if (parts > 0) {
                layer.exact = from.next(0, 1) == 1;
                layer.meanEnd = from.next(1, cache.length());
                layer.mean = from.floats(shape.kvHeads() * shape.headDim());
            }
            for (int i = 0; i < parts; i++) {
                int first = from.next(i == 0 ? 0 : layer.end(), i == 0 ? cache.length() : layer.end());
                int count = from.next(first + 1, cache.length()) - first;
                StateReader.require(count <= HashTables.MOST);
                layer.parts.add(HashTables.restored(shape.kvHeads(), bits, tables, first, count, from));
            }
        }
        from.end();
        return index;
    }

    @Override
    public void truncate(int length) {
        Arrays.stream(layers).forEach(layer -> layer.truncate(length));
    }

    /** What is known of exact keys stays; what was appended to it is of codes in any case. */
    @Override
    public void unsettle(int settled) {
        for (Layer layer : layers) {
            layer.truncate(layer.exact ? Math.max(settled, layer.meanEnd) : settled);
        }
    }

    @Override
    public long bytes() {
        return Arrays.stream(layers).mapToLong(Layer::bytes).sum();
    }

    @Override
    public void close() {
        truncate(0);
    }

    /** What is kept of a layer. */
    static final class Layer {
        private final List<HashTables> parts = new ArrayList<>();
        private float[] mean = {}; // [kvHeads][headDim]
        private int meanEnd; // the token after those that the mean is of
        private boolean exact; // whether it, and the tables of these tokens, are of exact keys

        private Layer fork() {
            Layer fork = new Layer();
            parts.forEach(part -> fork.parts.add(part.share()));
            fork.mean = mean;
            fork.meanEnd = meanEnd;
            fork.exact = exact;
            return fork;
        }

        /** Without a token that the mean is of, all is made again. */
        private void truncate(int length) {
            int kept = length < meanEnd ? 0 : length;
            while (end() > kept) {
                parts.removeLast().release();
            }
        }

        private long bytes() {
            return parts.stream().mapToLong(HashTables::bytes).sum();
        }

        /** The tables, in the order of their tokens. */
        List<HashTables> parts() {
            return parts;
        }

        /** The mean key of each kv head, {@code [kvHeads][headDim]}. */
        float[] mean() {
            return mean;
        }

        /** The first token that is indexed, if any is. */
        int from() {
            return parts.getFirst().first();
        }

        /** The token after the last that is indexed; 0 if none is. */
        int end() {
            return parts.isEmpty() ? 0 : parts.getLast().end();
        }
    }

    /** Fills indexes. What comes of it does not depend on the number of threads. */
    static final class Maker {
        /** Keys that are hashed at a time; a page is several. */
        private static final int BATCH = 64;

        private final int bits;
        private final int tables;
        private final boolean centred;
        private Scratch[] scratch = {}; // [workers]

        /** What a worker needs. */
        private static final class Scratch {
            final HashTables.Scratch tables = new HashTables.Scratch();
            float[] keys = {};
            float[] products = {};
            long[] words = {};
        }

        /** @param centred whether a mean is subtracted; otherwise it is 0 */
        Maker(int bits, int tables, boolean centred) {
            this.bits = bits;
            this.tables = tables;
            this.centred = centred;
        }

        /**
         * Indexes first tokens.
         *
         * @param layer has nothing
         * @param hashes one, or one for each kv head
         */
        void begin(Step step, int row, Layer layer, int from, int end, SimHash[] hashes) {
            grow(step);
            float[] mean = mean(step, row, from, end);
            layer.parts.addAll(parts(step, row, from, end, mean, hashes));
            layer.mean = mean;
            layer.meanEnd = end;
            layer.exact = step.caches()[row].hasExactKeys(step.layer());
        }

        /** Indexes the tokens that follow, up to one, by the same mean. */
        void append(Step step, int row, Layer layer, int end, SimHash[] hashes) {
            grow(step);
            layer.parts.addAll(parts(step, row, layer.end(), end, layer.mean, hashes));
        }

        private void grow(Step step) {
            if (scratch.length < step.exact().workers().threads()) {
                scratch = new Scratch[step.exact().workers().threads()];
                Arrays.setAll(scratch, i -> new Scratch());
            }
        }

        /** A part of the tokens, all in one page, which threads share by pages. */
        private interface PageTask {
            void run(int task, KvSide keys, int kvHead, int from, int to, Scratch s);
        }

        /** Runs {@code tasks(kvHeads, pages)}: all pages of the first kv head, then those of the next. */
        private void pages(Step step, int row, int from, int end, PageTask task) {
            int firstPage = from / Page.TOKENS, pages = pages(from, end), layer = step.layer();
            step.exact().workers().run(step.heads().kvHeads() * pages, step.cancellation(), (index, worker) -> {
                int page = firstPage + index % pages, last = Math.min(end, (page + 1) * Page.TOKENS);
                KvSide keys = step.caches()[row].exactestKeys(layer, page);
                for (int at = Math.max(from, page * Page.TOKENS), next; at < last; at = next) {
                    next = Math.min(last, (at / BATCH + 1) * BATCH);
                    task.run(index, keys, index / pages, at, next, scratch[worker]);
                }
            });
        }

        private static int pages(int from, int end) {
            return (end - 1) / Page.TOKENS + 1 - from / Page.TOKENS;
        }

        private float[] mean(Step step, int row, int from, int end) {
            int headDim = step.heads().headDim(), pages = pages(from, end);
            float[] mean = new float[step.heads().kvHeads() * headDim];
            if (!centred) {
                return mean;
            }
            double[][] sums = new double[step.heads().kvHeads() * pages][headDim];
            pages(step, row, from, end, (task, keys, kvHead, first, to, s) -> {
                int at = rows(keys, kvHead, first, to, headDim, s);
                for (int i = 0; i < to - first; i++) {
                    for (int d = 0; d < headDim; d++) {
                        sums[task][d] += s.keys[at + i * headDim + d];
                    }
                }
            });
            for (int i = 0; i < mean.length; i++) {
                double sum = 0;
                for (int page = 0; page < pages; page++) {
                    sum += sums[i / headDim * pages + page][i % headDim];
                }
                mean[i] = (float) (sum / (end - from));
            }
            return mean;
        }

        /** Reads the keys of a batch; returns where the first begins. */
        private static int rows(KvSide keys, int kvHead, int from, int to, int headDim, Scratch s) {
            s.keys = Shares.grown(s.keys, BATCH * headDim);
            for (int tile = from / TILE; tile * TILE < to; tile++) {
                keys.rows(kvHead, tile % (Page.TOKENS / TILE), s.keys, tile * TILE % BATCH * headDim, headDim);
            }
            return from % BATCH * headDim;
        }

        private List<HashTables> parts(Step step, int row, int from, int end, float[] mean, SimHash[] hashes) {
            List<HashTables> parts = new ArrayList<>();
            boolean made = false;
            try {
                for (int at = from; at < end; at = parts.getLast().end()) {
                    int count = Math.min(end - at, HashTables.MOST);
                    parts.add(new HashTables(step.heads().kvHeads(), bits, tables, at, count));
                    fill(parts.getLast(), step, row, mean, hashes);
                }
                made = true;
            } finally {
                if (!made) {
                    parts.forEach(HashTables::release);
                }
            }
            return parts;
        }

        private void fill(HashTables part, Step step, int row, float[] mean, SimHash[] hashes) {
            pages(step, row, part.first(), part.end(), (task, keys, kvHead, from, to, s) -> {
                int at = rows(keys, kvHead, from, to, step.heads().headDim(), s);
                put(part, kvHead, from, to - from, at, mean, hashes[kvHead % hashes.length], s);
            });
            int all = step.heads().kvHeads() * tables;
            step.exact()
                    .workers()
                    .run(
                            all,
                            step.cancellation(),
                            (task, worker) -> part.sort(task / tables, task % tables, scratch[worker].tables));
        }

        /** Puts the keys of a batch into tables. */
        private static void put(
                HashTables part, int kvHead, int token, int tokens, int keysAt, float[] mean, SimHash hash, Scratch s) {
            int headDim = hash.headDim(), stride = hash.words(), place = token - part.first();
            for (int i = 0; i < tokens; i++) {
                double squares = 0;
                for (int d = 0; d < headDim; d++) {
                    int at = keysAt + i * headDim + d;
                    s.keys[at] -= mean[kvHead * headDim + d];
                    squares += (double) s.keys[at] * s.keys[at];
                }
                part.putScale(kvHead, place + i, inverse(Math.sqrt(squares)));
            }
            s.products = Shares.grown(s.products, BATCH * SimHash.WORD);
            s.words = s.words.length < BATCH * stride ? new long[BATCH * stride] : s.words;
            for (int word = 0; word < stride; word++) {
                hash.hash(s.keys, keysAt, tokens, word, s.products, s.words, word, stride);
            }
            part.put(kvHead, place, tokens, hash, s.words);
        }
    }

    /** 1 over a norm; of the vector 0, which has no direction, 0, so that its cosines are 0. */
    static float inverse(double norm) {
        return norm == 0 ? 0 : (float) (1 / norm);
    }
}
