package dev.lectern.attention;

import dev.lectern.Cancellation;
import dev.lectern.kv.KvCache;
import dev.lectern.options.NamedOptions;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Methods that choose some tokens of those between the first few (the <em>sinks</em> of attention) and the last few (the local <em>window</em>), which are always read: the <em>middle</em>. Query heads
 * that choose together are a <em>set</em>: one head, or all that share a kv head.
 *
 * <p>All take the options {@code sinks} and {@code window}, in tokens, and {@code dense}: layers where everything is read, because a method fails there.
 */
abstract class TokenChoice implements DecodeAttention {
    /** What published comparisons take: 4 and 64 (MagicPIG, arXiv 2410.16179, section 5). */
    static final int SINKS = 4;

    private static final int WINDOW = 64;
    private static final int MOST = 1 << 20;

    private static final String NO_LAYERS = "none";

    private final String name;
    private final int sinks;
    private final int window;
    private final LayerSet dense;

    private Selection[] selections = {};
    private Segments[] segments = {};
    private Middle[] middles = {};
    private float[] ownSums = {}; // [rows][heads], where nobody wants them

    /**
     * @param described the method's own options, as they are named in results; may be empty
     */
    TokenChoice(NamedOptions options, String described) {
        this(options, described, NO_LAYERS);
    }

    /** @param denseLayers unless the option says otherwise */
    TokenChoice(NamedOptions options, String described, String denseLayers) {
        sinks = options.whole("sinks", SINKS, 0, MOST);
        window = options.whole("window", WINDOW, 1, MOST);
        dense = LayerSet.of(options, "dense", denseLayers);
        boolean usual = dense.toString().equals(NO_LAYERS) && denseLayers.equals(NO_LAYERS);
        name = options.name() + (described.isEmpty() ? "" : ":" + described) + ":sinks=" + sinks + ":window=" + window
                + (usual ? "" : ":dense=" + dense);
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final boolean readsAll(int layer) {
        return dense.contains(layer);
    }

    /** Sets of a row: as many as kv heads, or as query heads. */
    abstract int sets(Heads heads);

    /** Before the choices of a step: looks at keys, brings indexes up to date. */
    void prepare(Step step) {}

    /**
     * The first token that is always read again.
     *
     * @param end where the window begins
     * @return no more than that: what no index knows yet is read too
     */
    int middleEnd(Step step, int row, int end) {
        return end;
    }

    /** After the choices of a step: notes what was read for them. */
    void chosen(Step step) {}

    /**
     * Looks at the outputs of a step; settles selections, or fills them anew by {@link #fill}.
     *
     * @param segments {@code [rows]}
     * @param selections {@code [rows][sets]}
     * @param out {@code [rows][heads][headDim]}
     * @param logSumExp {@code [rows][heads]}: ln Σ w exp(score) of the chosen tokens
     * @return whether some are to be attended to again
     */
    boolean wantsMore(Step step, Segments[] segments, Selection[] selections, float[] out, float[] logSumExp) {
        return false;
    }

    /** Chooses; all tokens of the middle are given to it where it has any. */
    abstract void choose(Middle middle, Selection into, int worker);

    /** How tokens back a row's always read ones begin. */
    final int window() {
        return window;
    }

    /** Whether everything is read in a layer. */
    final boolean isDense(int layer) {
        return dense.contains(layer);
    }

    /** The layers where everything is read, as the option names them. */
    final String dense() {
        return dense.toString();
    }

    final int sinks() {
        return sinks;
    }

    @Override
    public long bytes(Heads heads, int rows, long tokens) {
        long perToken = (long) Integer.BYTES + Float.BYTES; // an id and a weight
        return Math.multiplyExact(Math.multiplyExact((long) rows * sets(heads), tokens), perToken);
    }

    @Override
    public final void attend(
            ExactAttention exact,
            int layer,
            Heads heads,
            KvCache[] caches,
            float[] q,
            float[] out,
            float @Nullable [] logSumExp,
            Cancellation cancellation) {
        if (readsAll(layer)) {
            exact.all(heads, layer, caches, q, out, logSumExp, cancellation);
            return;
        }
        Step step = new Step(exact, layer, heads, caches, q, cancellation);
        int rows = step.rows(), setsOfRow = sets(heads), sets = rows * setsOfRow;
        if (segments.length < rows) {
            segments = new Segments[rows];
        }
        if (selections.length < sets) {
            selections = new Selection[sets];
            Arrays.setAll(selections, i -> new Selection());
        }
        if (middles.length < exact.workers().threads()) {
            middles = new Middle[exact.workers().threads()];
            Arrays.setAll(middles, i -> new Middle());
        }
        for (int row = 0; row < rows; row++) {
            segments[row] = Segments.of(caches[row], layer, step.tokens(row));
            exact.noteDropped(heads, caches[row]);
        }
        try {
            prepare(step);
            exact.workers().run(sets, cancellation, (set, worker) -> fill(step, set, selections[set], worker));
            chosen(step);
            float[] sums = logSumExp == null ? Shares.grown(ownSums, rows * heads.heads()) : logSumExp;
            ownSums = logSumExp == null ? sums : ownSums;
            exact.gather(
                    heads,
                    rows,
                    setsOfRow,
                    q,
                    segments,
                    selections,
                    out,
                    sums,
                    () -> wantsMore(step, segments, selections, out, sums),
                    cancellation);
        } finally {
            Arrays.fill(segments, 0, rows, null); // a cache that is closed can go
        }
    }

    /**
     * Chooses for one of all sets of a step.
     *
     * @param set {@code [rows][sets]}
     */
    final void fill(Step step, int set, Selection selection, int worker) {
        Middle middle = middles[worker];
        int setsOfRow = sets(step.heads());
        begin(middle, step, set / setsOfRow, set % setsOfRow);
        selection.clear();
        selection.addRun(middle.first, middle.from - middle.first, 0);
        if (middle.count() > 0) {
            choose(middle, selection, worker);
        }
        selection.addRun(middle.to, middle.tokens - middle.to, 0);
    }

    /** Says what a set of a row may choose from; after what {@link #middleEnd} depends on is known. */
    final void begin(Middle middle, Step step, int row, int set) {
        int tokens = step.tokens(row);
        middle.layer = step.layer();
        middle.row = row;
        middle.set = set;
        middle.tokens = tokens;
        middle.place = step.place(row);
        middle.first = step.first(row);
        middle.from = Math.min(middle.first + sinks, tokens);
        middle.to = Math.max(middle.from, middleEnd(step, row, tokens - window));
    }

    /** What one set of query heads may choose from. */
    static final class Middle {
        int layer;
        int row;

        /** Which of the row's sets. */
        int set;

        /** Tokens that are looked at. */
        int tokens;

        /** Tokens of the sequence, wherever they are: tells one step from another. */
        int place;

        /** The first token that is seen: of a layer without a window, the first of all. */
        int first;

        /** The first token of the middle. */
        int from;

        /** The first token after it. */
        int to;

        int count() {
            return to - from;
        }
    }
}
