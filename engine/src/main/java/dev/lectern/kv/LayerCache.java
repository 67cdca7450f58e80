package dev.lectern.kv;

import java.lang.foreign.MemorySegment;

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
        keys.requireFit(headDim);
        values.requireFit(headDim);
    }

    private SideShape keyShape(boolean first) {
        return new SideShape(keyLayout, kvHeads, headDim, first);
    }

    private SideShape valueShape(boolean first) {
        return new SideShape(KvFormat.Layout.ROW, kvHeads, headDim, first);
    }

    /** Whether its keys want to be told queries. */
    boolean observes() {
        return keys.observesQueries();
    }

    /** Bytes of the keys of a page, and then of its values. */
    private long keyBytes(boolean open, boolean first) {
        SideShape shape = keyShape(first);
        return padded(open ? keys.openBytes(shape) : keys.bytes(shape));
    }

    private long valueBytes(boolean open, boolean first) {
        SideShape shape = valueShape(first);
        return padded(open ? values.openBytes(shape) : values.bytes(shape));
    }

    /** Bytes of one page. */
    long pageBytes(boolean open, boolean first) {
        return Math.addExact(keyBytes(open, first), valueBytes(open, first));
    }

    /** A view of a closed page. */
    Page closedPage(MemorySegment memory, boolean first) {
        long keyBytes = keyBytes(false, first);
        return new Page(
                keys.closed(keyShape(first), memory.asSlice(0, keyBytes)),
                values.closed(valueShape(first), memory.asSlice(keyBytes)));
    }

    /** A view of an open page, of which some tokens may be closed. */
    Page openPage(MemorySegment memory, boolean first, int closedKeys, int closedValues) {
        long keyBytes = keyBytes(true, first);
        return new Page(
                keys.open(keyShape(first), memory.asSlice(0, keyBytes), closedKeys),
                values.open(valueShape(first), memory.asSlice(keyBytes), closedValues));
    }

    /** Writes the closed form of a page. */
    void close(Page page, MemorySegment memory, boolean first) {
        long keyBytes = keyBytes(false, first);
        page.keys().closeInto(memory.asSlice(0, keys.bytes(keyShape(first))));
        page.values().closeInto(memory.asSlice(keyBytes, values.bytes(valueShape(first))));
    }

    private static long padded(long bytes) {
        return Math.addExact(bytes, 63) & ~63L;
    }
}
