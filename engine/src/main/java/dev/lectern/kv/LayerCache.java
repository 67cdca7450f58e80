package dev.lectern.kv;

/**
 * What one layer keeps per token, and how.
 *
 * @param window how many tokens back a token may look, itself included; 0 for all
 * @param keyLayout tiles, unless a method reads mostly single keys; values stand in rows always, which suit both
 */
public record LayerCache(
        int kvHeads, int headDim, int window, KvFormat keys, KvFormat values, KvFormat.Layout keyLayout) {
    /** Keys in tiles. */
    public LayerCache(int kvHeads, int headDim, int window, KvFormat keys, KvFormat values) {
        this(kvHeads, headDim, window, keys, values, KvFormat.Layout.TILE);
    }

    public LayerCache {
        if (kvHeads <= 0 || headDim <= 0 || window < 0) {
            throw new IllegalArgumentException("kvHeads " + kvHeads + ", headDim " + headDim + ", window " + window);
        }
    }

    /** Bytes of one page. */
    public long pageBytes() {
        return Math.addExact(keyBytes(), valueBytes());
    }

    long keyBytes() {
        return padded(keys.bytes(kvHeads, headDim));
    }

    long valueBytes() {
        return padded(values.bytes(kvHeads, headDim));
    }

    private static long padded(long bytes) {
        return Math.addExact(bytes, 63) & ~63L;
    }
}
