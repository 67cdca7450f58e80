package dev.lectern.attention;

import dev.lectern.Cancellation;
import dev.lectern.kv.CacheIndex;
import dev.lectern.kv.KvCache;
import java.util.Arrays;

/**
 * How much each token of a text has weighed in the attention of all queries after it, summed while the text is read. It costs somewhat more than half of what attention to the text costs.
 */
public final class AttentionSums implements CacheIndex {
    private static final String NAME = "attention-sums";

    /**
     * Those of one kv head. A step may be given up after it was added, in some layers and not in others, so the sums before it are held until the next one tells by its first token which it was.
     *
     * @param before the last step, a number for each token that it followed
     * @param with the last step, a number for each token
     * @param first token of the last step
     */
    private record Sums(float[] before, float[] with, int first) {
        static final Sums NONE = new Sums(new float[0], new float[0], 0);

        /** Those of so many tokens that are part of the sequence. */
        float[] of(int committed) {
            return committed > first ? with : before;
        }

        Sums cut(int length) {
            return new Sums(cut(before, length), cut(with, length), first);
        }

        private static float[] cut(float[] sums, int length) {
            return sums.length > length ? Arrays.copyOf(sums, length) : sums;
        }
    }

    private final Sums[][] sums; // [layers][kvHeads]
    private boolean fromTheFirst; // whether the text's beginning was seen being read

    private AttentionSums(Sums[][] sums, boolean fromTheFirst) {
        this.sums = sums;
        this.fromTheFirst = fromTheFirst;
    }

    /** Those of a cache; has them kept from here on, where they were not. */
    public static AttentionSums of(KvCache cache) {
        return cache.index(
                NAME,
                AttentionSums.class,
                () -> new AttentionSums(
                        cache.layers().stream()
                                .map(layer -> {
                                    Sums[] heads = new Sums[layer.kvHeads()];
                                    Arrays.fill(heads, Sums.NONE);
                                    return heads;
                                })
                                .toArray(Sums[][]::new),
                        true));
    }

    /** Bytes of those of one layer of one sequence, at a depth. */
    public static long bytes(Heads heads, long tokens) {
        return Math.multiplyExact(2L * Float.BYTES * heads.kvHeads(), tokens);
    }

    /** Whether they are kept of a cache. */
    public static boolean areKept(KvCache cache) {
        return cache.hasIndex(NAME);
    }

    /** Whether all tokens of a layer before one were seen being read. */
    boolean areWhole(int layer, int before) {
        return fromTheFirst && sums[layer][0].of(before).length >= before;
    }

    /**
     * The sums of a kv head, a number for each token; not to be changed.
     *
     * @param committed tokens of the cache: what a step that was given up has added is not among them
     */
    float[] of(int layer, int kvHead, int committed) {
        return sums[layer][kvHead].of(committed);
    }

    /**
     * Adds what the queries of a chunk look at, whose keys are stored.
     *
     * @param q {@code [rows][heads][headDim]} from row firstRow on, rotated
     * @param firstToken of the chunk
     * @param logSumExp of the queries, {@code [rows][heads]} from row firstRow on
     */
    public void add(
            ExactAttention exact,
            Heads heads,
            int layer,
            KvCache cache,
            float[] q,
            int firstRow,
            int rows,
            int firstToken,
            float[] logSumExp,
            Cancellation cancellation) {
        fromTheFirst &= sums[layer][0].with.length > 0 || firstToken == 0;
        int tokens = firstToken + rows;
        float[][] before = new float[heads.kvHeads()][], with = new float[heads.kvHeads()][];
        for (int kvHead = 0; kvHead < before.length; kvHead++) {
            // What a step that was given up left is forgotten.
            before[kvHead] = Arrays.copyOf(sums[layer][kvHead].of(firstToken), firstToken);
            with[kvHead] = Arrays.copyOf(before[kvHead], tokens);
        }
        Segments segments = Segments.of(cache, layer, tokens);
        exact.weights(heads, q, firstRow, rows, firstToken, segments, logSumExp, with, cancellation);
        Arrays.setAll(sums[layer], kvHead -> new Sums(before[kvHead], with[kvHead], firstToken));
    }

    @Override
    public CacheIndex fork() {
        return new AttentionSums(Arrays.stream(sums).map(Sums[]::clone).toArray(Sums[][]::new), fromTheFirst);
    }

    /** What the forgotten tokens looked at stays counted, but for those of the last step. */
    @Override
    public void truncate(int length) {
        for (Sums[] layer : sums) {
            Arrays.setAll(layer, head -> layer[head].cut(length));
        }
    }

    @Override
    public long bytes() {
        return Arrays.stream(sums)
                .flatMap(Arrays::stream)
                .mapToLong(head -> (long) Float.BYTES * (head.before.length + head.with.length))
                .sum();
    }

    @Override
    public void close() {
        // Of the heap.
    }
}
