package dev.lectern.attention;

import dev.lectern.Cancellation;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.CacheIndex;
import dev.lectern.kv.KvCache;
import java.util.Arrays;

/**
 * How much each token of a text has weighed in the attention of all queries after it, summed while the text is read. It costs about as much as reading the text again.
 */
public final class AttentionSums implements CacheIndex {
    private static final String NAME = "attention-sums";

    private final float[][][] sums; // [layers][kvHeads][tokens]
    private boolean fromTheFirst; // whether the text's beginning was seen being read

    private AttentionSums(float[][][] sums, boolean fromTheFirst) {
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
                                .map(layer -> new float[layer.kvHeads()][0])
                                .toArray(float[][][]::new),
                        true));
    }

    /** Bytes of those of one layer of one sequence, at a depth. */
    public static long bytes(Heads heads, long tokens) {
        return Math.multiplyExact((long) Float.BYTES * heads.kvHeads(), tokens);
    }

    /** Whether they are kept of a cache. */
    public static boolean areKept(KvCache cache) {
        return cache.hasIndex(NAME);
    }

    /** Whether all tokens of a layer before one were seen being read. */
    boolean areWhole(int layer, int before) {
        return fromTheFirst && sums[layer][0].length >= before;
    }

    /** The sums of a kv head, a number for each token; not to be changed. */
    float[] of(int layer, int kvHead) {
        return sums[layer][kvHead];
    }

    /**
     * Adds what the queries of a chunk look at, whose keys are stored.
     *
     * @param q {@code [rows][heads][headDim]} from row firstRow on, rotated
     * @param firstToken of the chunk
     */
    public void add(
            Workers workers,
            Heads heads,
            int layer,
            KvCache cache,
            float[] q,
            int firstRow,
            int rows,
            int firstToken,
            Cancellation cancellation) {
        AttentionRow[] scratch = new AttentionRow[workers.threads()];
        Arrays.setAll(scratch, i -> new AttentionRow());
        int width = heads.heads() * heads.headDim();
        fromTheFirst &= sums[layer][0].length > 0 || firstToken == 0;
        workers.run(heads.kvHeads(), cancellation, (kvHead, worker) -> {
            // What a step that was given up left of the tokens of this one is forgotten.
            float[] sum = Arrays.copyOf(Arrays.copyOf(sums[layer][kvHead], firstToken), firstToken + rows);
            AttentionRow row = scratch[worker];
            for (int r = 0; r < rows; r++) {
                cancellation.check();
                int at = (firstRow + r) * width + kvHead * heads.group() * heads.headDim();
                float[] weights = row.of(heads, cache, layer, kvHead, q, at, firstToken + r);
                for (int g = 0; g < heads.group(); g++) {
                    for (int i = 0; i <= firstToken + r; i++) {
                        sum[i] += weights[g * row.stride() + i];
                    }
                }
            }
            sums[layer][kvHead] = sum;
        });
    }

    @Override
    public CacheIndex fork() {
        return new AttentionSums(Arrays.stream(sums).map(float[][]::clone).toArray(float[][][]::new), fromTheFirst);
    }

    /** What the forgotten tokens looked at stays counted. */
    @Override
    public void truncate(int length) {
        for (float[][] layer : sums) {
            for (int head = 0; head < layer.length; head++) {
                layer[head] = layer[head].length > length ? Arrays.copyOf(layer[head], length) : layer[head];
            }
        }
    }

    @Override
    public long bytes() {
        return Arrays.stream(sums)
                .flatMap(Arrays::stream)
                .mapToLong(head -> (long) Float.BYTES * head.length)
                .sum();
    }

    @Override
    public void close() {
        // Of the heap.
    }
}
