package dev.lectern.prefill;

import static dev.lectern.kernel.AttentionTiles.LANES;
import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.attention.Heads;
import dev.lectern.attention.Highest;
import dev.lectern.attention.StripChoice;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.Page;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The choices of {@link MInference}: of each query head by its pattern. */
final class PatternChooser implements Chunkwise.Chooser {
    /** Tokens at the beginning of a text, and distances from the nearest on, that a {@link HeadPattern.VerticalSlash} always takes; as in the authors' code. */
    static final int FIRST_TOKENS = 30;

    static final int NEAREST = 100;

    private static final int STRIP = StripChoice.STRIP;

    /** The pattern of a head. */
    @FunctionalInterface
    interface Patterns {
        HeadPattern of(int layer, int head);
    }

    /** What the last queries that were asked look at most, ascending. */
    private record Places(int[] tokens, int[] distances) {}

    private final Patterns patterns;
    private final List<Places[]> places = new ArrayList<>(); // [layers][heads]
    private final List<Integer> asked = new ArrayList<>(); // [layers]: how many times Full.CHUNK lay before
    private LastQueries[] lastQueries = {}; // [workers]

    /** @param patterns scaled to the text */
    PatternChooser(Patterns patterns) {
        this.patterns = patterns;
    }

    /** Bytes that one holds for a text of so many tokens, with a thread for each processor, as far as there are heads. */
    static long bytes(Heads heads, long tokens) {
        int threads = Math.min(heads.heads(), Runtime.getRuntime().availableProcessors());
        return Math.multiplyExact((long) threads, LastQueries.bytes(tokens));
    }

    @Override
    public StripChoice choose(RowAttention.Rows rows) {
        Heads heads = rows.heads();
        int tokens = rows.cache().length() + rows.count();
        Workers workers = rows.exact().workers();
        if (lastQueries.length < workers.threads()) {
            lastQueries = new LastQueries[workers.threads()];
            Arrays.setAll(lastQueries, i -> new LastQueries());
        }
        boolean asks = asks(rows);
        Places[] of = places.get(rows.layer());
        StripChoice choice = new StripChoice(heads.heads(), rows.count(), tokens);
        workers.run(heads.heads(), rows.cancellation(), (head, worker) -> {
            switch (patterns.of(rows.layer(), head)) {
                case HeadPattern.AShape shape -> choose(shape, rows, head, choice);
                case HeadPattern.VerticalSlash shape -> {
                    if (asks || suffices(shape, tokens)) {
                        of[head] = places(shape, rows, head, lastQueries[worker]);
                    }
                    choose(of[head], rows, head, choice);
                }
                case HeadPattern.BlockSparse shape -> choose(shape, rows, head, choice);
            }
        });
        for (int head = 0; head < heads.heads(); head++) {
            rows.exact().noteScored(scored(patterns.of(rows.layer(), head), rows, choice, asks));
        }
        return choice;
    }

    /** Whether places are to be found for a chunk: for each, unless formats of keys and values want shorter ones than {@link Full}'s; then for each as long as one of those. */
    private boolean asks(RowAttention.Rows rows) {
        int chunk = rows.cache().length() / Full.CHUNK, layer = rows.layer();
        while (places.size() <= layer) {
            places.add(new Places[rows.heads().heads()]);
            asked.add(-1);
        }
        return asked.set(layer, chunk) != chunk;
    }

    /** Whether a budget is enough for all tokens so far: then places that were found before do not serve those that have come since. */
    private static boolean suffices(HeadPattern.VerticalSlash shape, int tokens) {
        return Math.max(shape.vertical(), shape.slash()) >= tokens;
    }

    /** Scores that are computed to choose. */
    private static long scored(HeadPattern pattern, RowAttention.Rows rows, StripChoice choice, boolean asks) {
        return switch (pattern) {
            case HeadPattern.AShape shape -> 0;
            case HeadPattern.VerticalSlash shape -> {
                int tokens = rows.cache().length() + rows.count();
                yield asks || suffices(shape, tokens) ? (long) LastQueries.count(rows) * tokens : 0;
            }
            case HeadPattern.BlockSparse shape -> (long) choice.blocks() * choice.strips();
        };
    }

    /** The place of a block's first query in the text. */
    private static int first(RowAttention.Rows rows, int block) {
        return rows.cache().length() + block * LANES;
    }

    /** The place of a block's last query. */
    private static int last(RowAttention.Rows rows, int block) {
        return rows.cache().length() + Math.min(rows.count(), (block + 1) * LANES) - 1;
    }

    private static void choose(HeadPattern.AShape shape, RowAttention.Rows rows, int head, StripChoice choice) {
        for (int block = 0; block < choice.blocks(); block++) {
            int end = last(rows, block) / STRIP + 1;
            choice.add(head, block, 0, Math.min(end, Math.ceilDiv(shape.sinks(), STRIP)));
            choice.add(head, block, Math.max(0, first(rows, block) - shape.window() + 1) / STRIP, end);
        }
    }

    private static Places places(HeadPattern.VerticalSlash shape, RowAttention.Rows rows, int head, LastQueries last) {
        int tokens = rows.cache().length() + rows.count();
        last.look(rows, head);
        return new Places(
                most(last.columns(), tokens, shape.vertical(), FIRST_TOKENS),
                most(last.distances(), tokens, shape.slash(), NEAREST));
    }

    private static void choose(Places places, RowAttention.Rows rows, int head, StripChoice choice) {
        for (int block = 0; block < choice.blocks(); block++) {
            int first = first(rows, block), end = last(rows, block);
            for (int distance : places.distances) {
                if (distance <= end) {
                    choice.add(head, block, Math.max(0, first - distance) / STRIP, (end - distance) / STRIP + 1);
                }
            }
            int before = Arrays.binarySearch(places.tokens, end + 1);
            choice.addTokens(head, block, Arrays.copyOf(places.tokens, before < 0 ? -before - 1 : before));
        }
    }

    /**
     * The first few of some numbers and the largest others.
     *
     * @param count numbers that there are
     * @param wanted all together, unless that is fewer than the first
     */
    static int[] most(float[] numbers, int count, int wanted, int first) {
        float[] some = Arrays.copyOf(numbers, count);
        Arrays.fill(some, 0, Math.min(first, count), Float.POSITIVE_INFINITY);
        return Highest.and(some, Math.min(count, Math.max(wanted, first)), 0, 0);
    }

    private static void choose(HeadPattern.BlockSparse shape, RowAttention.Rows rows, int head, StripChoice choice) {
        Heads heads = rows.heads();
        int headDim = heads.headDim();
        float[] keys = meanKeys(rows, head / heads.group(), choice.strips());
        float[] query = new float[headDim];
        for (int block = 0; block < choice.blocks(); block++) {
            int end = last(rows, block) / STRIP + 1, diagonal = first(rows, block) / STRIP;
            Arrays.fill(query, 0);
            for (int row = block * LANES; row < Math.min(rows.count(), (block + 1) * LANES); row++) {
                int from = ((rows.first() + row) * heads.heads() + head) * headDim;
                for (int d = 0; d < headDim; d++) {
                    query[d] += rows.q()[from + d];
                }
            }
            float[] scores = new float[end];
            for (int strip = 0; strip < end; strip++) {
                float sum = 0;
                for (int d = 0; d < headDim; d++) {
                    sum += query[d] * keys[strip * headDim + d];
                }
                scores[strip] = strip < diagonal ? sum : Float.POSITIVE_INFINITY;
            }
            for (int strip : Highest.and(scores, Math.clamp(shape.blocks(), end - diagonal, end), 0, 0)) {
                choice.add(head, block, strip);
            }
        }
    }

    /** The means of the keys of all strips, {@code [strips][headDim]}. */
    private static float[] meanKeys(RowAttention.Rows rows, int kvHead, int strips) {
        int headDim = rows.heads().headDim(), tokens = rows.cache().length() + rows.count();
        KvCache cache = rows.cache();
        float[] means = new float[Math.multiplyExact(strips, headDim)], tile = new float[headDim * TILE];
        for (int from = 0; from < tokens; from += TILE) {
            int count = Math.min(TILE, tokens - from), strip = from / STRIP;
            float share = 1f / Math.min(STRIP, tokens - strip * STRIP);
            cache.page(rows.layer(), from / Page.TOKENS).keys().tile(kvHead, from % Page.TOKENS / TILE, tile, 0);
            for (int d = 0; d < headDim; d++) {
                for (int t = 0; t < count; t++) {
                    means[strip * headDim + d] += tile[d * TILE + t] * share;
                }
            }
        }
        return means;
    }
}
