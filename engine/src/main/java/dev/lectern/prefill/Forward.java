package dev.lectern.prefill;

import dev.lectern.AttentionObserver;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Pairs;
import dev.lectern.Progress;
import dev.lectern.Traffic;
import dev.lectern.attention.AttentionSums;
import dev.lectern.attention.AttentionWeights;
import dev.lectern.attention.DecodeAttention;
import dev.lectern.attention.ExactAttention;
import dev.lectern.attention.Heads;
import dev.lectern.attention.Indexed;
import dev.lectern.attention.Retention;
import dev.lectern.attention.Segments;
import dev.lectern.attention.Selection;
import dev.lectern.comm.Communicator;
import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.MatMul;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.QueryWindow;
import dev.lectern.model.Config;
import dev.lectern.model.Decoder;
import dev.lectern.model.LayerAttention;
import dev.lectern.model.Part;
import dev.lectern.model.RopeConfig;
import dev.lectern.model.State;
import dev.lectern.model.Stopwatch;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Takes steps through a model: slices of several sequences together, so that the weights are read once for all. The rows of a slice come
 * out the same, bit for bit, whatever else is in the step. A step that fails or is cancelled leaves its sequences as they were.
 *
 * <p>Owns the scratch; one step at a time.
 */
public final class Forward {
    /** Rows that one worker rotates and stores at a time: mostly a tile of the cache, so that two workers seldom write to the same lines of memory. */
    private static final int ROWS_PER_TASK = AttentionTiles.TILE;

    private static final Selection[] EVERYTHING = {};

    private final Decoder decoder;
    private final Workers workers;
    private final State state;
    private final ExactAttention exact;
    private final AttentionWeights weights;
    private long densePairs;
    private final PartialAttention parts = new PartialAttention();
    private float[] logSumExp = {}; // [rows][heads], where hosts share a sequence, or weights are summed

    // Of slices of one token that attend another way than the first of the step: [slices][heads][headDim],
    // [slices][heads].
    private float[] someQueries = {};
    private float[] someOutputs = {};
    private float[] someSums = {};

    public Forward(Decoder decoder, Workers workers) {
        this.decoder = decoder;
        this.workers = workers;
        state = decoder.newState(workers);
        exact = new ExactAttention(workers);
        weights = new AttentionWeights(workers);
    }

    /**
     * Logits of a step, valid until the next one.
     *
     * @param values {@code [rows][vocabulary]}
     * @param first per slice, as given: its first row, or −1
     */
    public record Result(float[] values, int[] first, int vocabulary) {
        /** Where the logits of a slice's row begin in {@link #values}; rows count from the slice's first with logits. */
        public int at(int slice, int row) {
            return Math.multiplyExact(first[slice] + row, vocabulary);
        }
    }

    /**
     * Takes one step and commits its tokens to their sequences. Each sequence appears once.
     *
     * @throws LecternException of kind {@code BAD_MODEL_FILE} if logits are not numbers, {@code NO_MEMORY} if the heap cannot hold the
     *     scratch, {@code CANCELLED} on request
     */
    public Result step(List<Slice> slices, Cancellation cancellation) {
        return step(slices, Progress.NONE, cancellation);
    }

    /**
     * The same, for a step that takes long.
     *
     * @param layers told how many layers are done, of all
     */
    Result step(List<Slice> slices, Progress layers, Cancellation cancellation) {
        try {
            return step(new Plan(slices), layers, cancellation);
        } catch (OutOfMemoryError e) {
            throw new LecternException(
                    LecternException.Kind.NO_MEMORY,
                    "The Java heap of " + Runtime.getRuntime().maxMemory()
                            + " bytes cannot hold the activations of a step: give it more with -Xmx, or ask for fewer"
                            + " answers at once.",
                    e);
        }
    }

    private Result step(Plan plan, Progress layers, Cancellation cancellation) {
        for (Slice slice : plan.ordered) {
            slice.sequence().cache().reserve(slice.tokens().length);
        }
        Config config = decoder.config();
        plan.expectQueries(config.heads() * config.headDim());
        state.begin(plan.rows, plan.positions, cancellation);
        Stopwatch stopwatch = state.stopwatch();
        decoder.embed(state, plan.tokens);
        stopwatch.lap(Part.EMBEDDING);
        LayerAttention layerAttention = (layer, q, k, v, positions, out) -> {
            plan.tellProjected(layer, q, k, v);
            plan.rotateAndStore(layer, q, k, v);
            stopwatch.lap(Part.ROTATING);
            Heads heads = heads(config, layer);
            plan.expectLogSumExp(heads);
            plan.attendSingles(layer, heads, q, out);
            plan.attendChunks(layer, heads, q, out);
            stopwatch.lap(Part.ATTENTION);
            plan.tellAttended(layer, q, k, out);
        };
        for (int layer = 0; layer < config.layers(); layer++) {
            cancellation.check();
            decoder.layer(layer, state, layerAttention);
            layers.report(layer + 1L, config.layers());
        }
        if (plan.wanted.length > 0) {
            decoder.logits(state, plan.wanted, plan.wantedRows);
            requireNumbers(state.logits(), plan.wanted.length * config.vocabulary());
        }
        stopwatch.lap(Part.LOGITS);
        for (Slice slice : plan.ordered) {
            slice.sequence().cache().commit(slice.tokens().length, !slice.more(), workers);
        }
        stopwatch.stop();
        return new Result(state.logits(), plan.firstLogit, config.vocabulary());
    }

    private static void requireNumbers(float[] logits, int count) {
        for (int i = 0; i < count; i++) {
            if (!Float.isFinite(logits[i])) {
                throw new LecternException(
                        LecternException.Kind.BAD_MODEL_FILE,
                        "The model computes values that are not numbers: its file is damaged, or was made so; pull it"
                                + " again.");
            }
        }
    }

    /** How many positions there are: as many as were learned, or any number where they rotate. */
    int positions() {
        Config config = decoder.config();
        return config.rope() == RopeConfig.NONE ? config.context() : Integer.MAX_VALUE;
    }

    /** Numbers in a row of logits. */
    int vocabulary() {
        return decoder.config().vocabulary();
    }

    /** Who computes. */
    Workers workers() {
        return workers;
    }

    /** What attention has read for slices of one token. */
    public Traffic traffic() {
        return exact.traffic();
    }

    /** What attention has computed for slices of more tokens, or of methods of reading. */
    public Pairs pairs() {
        return new Pairs(exact.computedPairs(), exact.scoredPairs(), densePairs);
    }

    /**
     * A sequence of which only some tokens are left; see {@link Retention}.
     *
     * @return another sequence; the given one is as it was
     */
    public Sequence evict(Retention retention, Sequence sequence, Cancellation cancellation) {
        KvCache cache = sequence.cache();
        int[][][] kept = new int[decoder.config().layers()][][];
        for (int layer = 0; layer < kept.length; layer++) {
            kept[layer] = retention.kept(workers, layer, heads(decoder.config(), layer), cache, cancellation);
        }
        return kept[0][0].length == cache.length() ? sequence.fork() : sequence.with(cache.keeping(kept));
    }

    /** Makes what a method keeps of what a cache holds, layer by layer; see {@link Indexed#index}. */
    public void index(Indexed method, KvCache cache, Progress progress, Cancellation cancellation) {
        Config config = decoder.config();
        cache.requireWholeFiles();
        for (int layer = 0; layer < config.layers(); layer++) {
            cancellation.check();
            method.index(exact, layer, heads(config, layer), cache, cancellation);
            progress.report(layer + 1, config.layers());
        }
    }

    /** The shape of a layer's attention. */
    public static Heads heads(Config config, int layer) {
        return new Heads(
                config.heads(),
                config.kvHeads(),
                config.headDim(),
                config.windows().get(layer));
    }

    private static float[] grown(float[] array, int length) {
        return array.length >= length ? array : new float[length];
    }

    /**
     * Slices of one token that attend together.
     *
     * @param first of them in the step, and its row
     * @param caches of each
     */
    private record Alike(
            DecodeAttention attention, @Nullable AttentionObserver observer, int first, KvCache[] caches) {}

    /** The rows of one step: slices of one token first, those with logits for all of their tokens last. */
    private final class Plan {
        final List<Slice> ordered;
        final MatMul.Rows rows;
        final int[] tokens;
        final int[] positions; // in the text
        final int[] places; // in the cache
        final Slice[] sliceOf; // [rows]
        final int[] firstRow; // [ordered]
        final int[] wanted; // rows with logits
        final MatMul.Rows wantedRows;
        final int[] firstLogit; // per slice as given
        private final List<Alike> alike = new ArrayList<>(); // all slices of one token, in the order of their rows
        private final int[] observed; // indices in ordered
        private final int[] chosenAfter; // those of them of several tokens, after whose last one the next is chosen
        private final @Nullable Communicator hosts; // that share the sequences
        private final boolean wantsLogSumExp; // to put hosts' parts together, or for sums of weights
        private final int tableWidth; // cosines and sines of a row
        private final float[] angles; // [rows][2][pairs]

        Plan(List<Slice> slices) {
            ordered = ordered(slices);
            int singles = (int) slices.stream().filter(Slice::isSingle).count();
            int count = slices.stream().mapToInt(s -> s.tokens().length).reduce(0, Math::addExact);
            rows = new MatMul.Rows(singles, count - singles);
            tokens = new int[count];
            positions = new int[count];
            places = new int[count];
            sliceOf = new Slice[count];
            firstRow = new int[ordered.size()];
            wanted = new int[slices.stream().mapToInt(Slice::logitRows).sum()];
            // The only row of a slice with logits is multiplied as in decoding, where the vocabulary is not unpacked
            // for it.
            int alone = (int)
                    slices.stream().filter(slice -> slice.logitRows() == 1).count();
            wantedRows = new MatMul.Rows(alone, wanted.length - alone);
            firstLogit = new int[slices.size()];
            hosts = ordered.getFirst().sequence().hosts();
            wantsLogSumExp = hosts != null
                    || ordered.stream()
                            .anyMatch(slice ->
                                    AttentionSums.areKept(slice.sequence().cache()));
            int pairs = ordered.getFirst().sequence().rope().pairs();
            tableWidth = 2 * pairs;
            angles = new float[Math.multiplyExact(count, tableWidth)];
            int row = 0, logit = 0;
            for (int i = 0; i < ordered.size(); i++) {
                Slice slice = ordered.get(i);
                int n = slice.tokens().length;
                RowAttention method = slice.attention();
                firstRow[i] = row;
                firstLogit[slices.indexOf(slice)] = slice.logitRows() == 0 ? -1 : logit;
                for (int t = 0; t < n; t++, row++) {
                    tokens[row] = slice.tokens()[t];
                    int usual = slice.sequence().cache().position() + t;
                    positions[row] = method == null ? usual : method.position(t, usual);
                    places[row] = slice.sequence().cache().length() + t;
                    sliceOf[row] = slice;
                    slice.sequence().rope().angles(positions[row], angles, row * tableWidth);
                    if (t >= n - slice.logitRows()) {
                        wanted[logit++] = row;
                    }
                }
            }
            observed = IntStream.range(0, ordered.size())
                    .filter(i -> ordered.get(i).sequence().observer() != null)
                    .toArray();
            chosenAfter = IntStream.of(observed)
                    .filter(i -> i >= singles && ordered.get(i).logits() == Slice.Logits.LAST)
                    .toArray();
        }

        /** Slices of one token first, those that attend alike next to each other; those with logits for all of their tokens last. */
        private List<Slice> ordered(List<Slice> slices) {
            List<Slice> all = new ArrayList<>();
            for (Slice slice : slices) {
                if (slice.isSingle() && all.stream().noneMatch(other -> isAlike(other.sequence(), slice.sequence()))) {
                    Sequence first = slice.sequence();
                    List<Slice> some = slices.stream()
                            .filter(other -> other.isSingle() && isAlike(first, other.sequence()))
                            .toList();
                    KvCache[] caches =
                            some.stream().map(other -> other.sequence().cache()).toArray(KvCache[]::new);
                    alike.add(new Alike(first.attention(), first.observer(), all.size(), caches));
                    all.addAll(some);
                }
            }
            slices.stream()
                    .filter(slice -> !slice.isSingle())
                    .sorted(Comparator.comparing(slice -> slice.logits() == Slice.Logits.ALL))
                    .forEach(all::add);
            return all;
        }

        private static boolean isAlike(Sequence one, Sequence other) {
            return one.observer() == other.observer()
                    && (one.attention() == other.attention()
                            || one.attention().name().equals(other.attention().name()));
        }

        void tellProjected(int layer, float[] q, float[] k, float[] v) {
            Config config = decoder.config();
            for (int i = rows.singles(); i < ordered.size(); i++) {
                RowAttention method = ordered.get(i).attention();
                if (method != null) {
                    method.projected(layer, firstRow[i], ordered.get(i).tokens().length, q, k, v);
                }
            }
            for (int i : observed) {
                int n = ordered.get(i).tokens().length;
                int qAt = firstRow[i] * config.heads() * config.headDim();
                int kvAt = firstRow[i] * config.kvHeads() * config.headDim();
                observer(i).projected(layer, positions[firstRow[i]], n, q, qAt, k, kvAt, v, kvAt);
            }
        }

        void tellAttended(int layer, float[] q, float[] k, float[] out) {
            Config config = decoder.config();
            for (int i : observed) {
                int n = ordered.get(i).tokens().length;
                int qAt = firstRow[i] * config.heads() * config.headDim();
                int kAt = firstRow[i] * config.kvHeads() * config.headDim();
                observer(i).attended(layer, positions[firstRow[i]], n, q, qAt, k, kAt, out, qAt);
            }
        }

        void expectLogSumExp(Heads heads) {
            int needed = wantsLogSumExp ? Math.multiplyExact(rows.count(), heads.heads()) : 0;
            logSumExp = grown(logSumExp, needed);
        }

        void attendSingles(int layer, Heads heads, float[] q, float[] out) {
            for (Alike some : alike) {
                int count = some.caches.length, width = heads.heads() * heads.headDim(), at = some.first * width;
                if (some.first == 0) {
                    attend(some, layer, heads, q, out, hosts == null ? null : logSumExp);
                    continue;
                }
                // Methods know of no first row but 0.
                someQueries = grown(someQueries, count * width);
                someOutputs = grown(someOutputs, count * width);
                someSums = grown(someSums, count * heads.heads());
                System.arraycopy(q, at, someQueries, 0, count * width);
                attend(some, layer, heads, someQueries, someOutputs, hosts == null ? null : someSums);
                System.arraycopy(someOutputs, 0, out, at, count * width);
                if (hosts != null) {
                    System.arraycopy(someSums, 0, logSumExp, some.first * heads.heads(), count * heads.heads());
                }
            }
            Communicator others = hosts;
            if (others != null && rows.singles() > 0) {
                parts.merge(others, 0, rows.singles(), heads.heads(), heads.headDim(), out, logSumExp);
            }
        }

        /** @param q of these slices, as is {@code out} */
        private void attend(Alike some, int layer, Heads heads, float[] q, float[] out, float @Nullable [] sums) {
            DecodeAttention attention = some.attention;
            AttentionObserver observer = some.observer;
            if (observer == null) {
                attention.attend(exact, layer, heads, some.caches, q, out, sums, state.cancellation());
                return;
            }
            Traffic before = exact.traffic();
            boolean weighs = observer.wantsWeights(layer);
            int[] calls = new int[1];
            if (weighs) {
                exact.listen((shape, rows, sets, selections) -> {
                    if (++calls[0] > 1) {
                        throw new IllegalStateException(
                                attention.name() + " attends in parts, whose weights cannot be told one by one");
                    }
                    tellWeights(some, layer, heads, q, selections, sets);
                });
            }
            try {
                attention.attend(exact, layer, heads, some.caches, q, out, sums, state.cancellation());
            } finally {
                exact.listen(null);
            }
            if (weighs && calls[0] == 0) {
                tellWeights(some, layer, heads, q, EVERYTHING, 0);
            }
            observer.looked(layer, exact.traffic().since(before));
        }

        private void tellWeights(Alike some, int layer, Heads heads, float[] q, Selection[] selections, int sets) {
            for (int row = 0; row < some.caches.length; row++) {
                if (ordered.get(some.first + row).logits() == Slice.Logits.LAST) {
                    tellWeights(some.first + row, layer, heads, q, row, selections, sets);
                }
            }
        }

        /**
         * Tells of a slice's last token.
         *
         * @param row its query in q
         * @param sets selections of a row; 0 where everything was read
         */
        private void tellWeights(
                int slice, int layer, Heads heads, float[] q, int row, Selection[] selections, int sets) {
            int place = places[firstRow[slice] + ordered.get(slice).tokens().length - 1];
            KvCache cache = ordered.get(slice).sequence().cache();
            int at = row * heads.heads() * heads.headDim();
            weights.weigh(heads, layer, cache, place + 1, q, at, selections, row * sets, sets, state.cancellation());
            observer(slice).weighed(layer, place, heads.heads(), weights.weights(), weights.stride());
        }

        private AttentionObserver observer(int slice) {
            return Objects.requireNonNull(ordered.get(slice).sequence().observer());
        }

        void expectQueries(int width) {
            for (int i = rows.singles(); i < ordered.size(); i++) {
                ordered.get(i).sequence().cache().expectQueries(width);
            }
        }

        void rotateAndStore(int layer, float[] q, float[] k, float[] v) {
            Config config = decoder.config();
            int headDim = config.headDim();
            int queryWidth = config.heads() * headDim, kvWidth = config.kvHeads() * headDim;
            workers.run(Math.ceilDiv(rows.count(), ROWS_PER_TASK), state.cancellation(), (task, worker) -> {
                int to = Math.min(rows.count(), (task + 1) * ROWS_PER_TASK);
                for (int row = task * ROWS_PER_TASK; row < to; row++) {
                    Sequence sequence = sliceOf[row].sequence();
                    sequence.rope().rotate(q, row * queryWidth, config.heads(), headDim, angles, row * tableWidth);
                    sequence.rope().rotate(k, row * kvWidth, config.kvHeads(), headDim, angles, row * tableWidth);
                    sequence.cache().put(layer, places[row], k, row * kvWidth, v, row * kvWidth);
                    if (sequence.cache().observes()) {
                        int group = config.heads() / config.kvHeads();
                        sequence.cache().observe(layer, places[row], q, row * queryWidth, group);
                    }
                    if (row >= rows.singles() && isLast(row)) {
                        sequence.cache().remember(layer, places[row], q, row * queryWidth);
                    }
                }
            });
        }

        /** Whether a row is one of the last of its slice. */
        private boolean isLast(int row) {
            Slice slice = sliceOf[row];
            int end = slice.sequence().cache().length() + slice.tokens().length;
            return places[row] >= end - QueryWindow.TOKENS;
        }

        void attendChunks(int layer, Heads heads, float[] q, float[] out) {
            for (int row = rows.singles(); row < rows.count(); row++) {
                densePairs += heads.visible(positions[row] + 1L) * heads.heads();
            }
            for (int i = rows.singles(); i < ordered.size(); i++) {
                KvCache cache = ordered.get(i).sequence().cache();
                int n = ordered.get(i).tokens().length;
                RowAttention method = ordered.get(i).attention();
                if (method != null) {
                    method.attend(new RowAttention.Rows(
                            exact, layer, heads, cache, q, firstRow[i], n, out, state.cancellation()));
                    continue;
                }
                Communicator others = hosts;
                Segments segments = Segments.of(cache, layer, cache.visible(n));
                boolean keepsSums = others == null && AttentionSums.areKept(cache);
                float[] told = others != null || keepsSums ? logSumExp : null;
                exact.chunk(heads, q, firstRow[i], n, cache.length(), segments, out, told, state.cancellation());
                if (others != null) {
                    parts.merge(others, firstRow[i], n, heads.heads(), heads.headDim(), out, logSumExp);
                } else if (keepsSums) {
                    AttentionSums sums = AttentionSums.of(cache);
                    int first = cache.length();
                    sums.add(exact, heads, layer, cache, q, firstRow[i], n, first, logSumExp, state.cancellation());
                }
            }
            for (int i : chosenAfter) {
                if (observer(i).wantsWeights(layer)) {
                    int row = firstRow[i] + ordered.get(i).tokens().length - 1;
                    tellWeights(i, layer, heads, q, row, EVERYTHING, 0);
                }
            }
        }
    }
}
