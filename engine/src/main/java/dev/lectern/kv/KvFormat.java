package dev.lectern.kv;

import java.lang.foreign.MemorySegment;

/**
 * How the keys, or the values, of a page are stored. A format is a factory of {@link KvSide sides}; K and V choose theirs separately.
 *
 * <p>Laws, tested for every format: (1) {@link #bytes} is a multiple of 64 and all that a side touches; (2) what {@link KvSide} reads back
 * is the same in both layouts and at every vector width, bit for bit; (3) a side over a copy of the bytes of another reads the same.
 */
public interface KvFormat {
    /** How the elements of a head stand in a page. */
    enum Layout {
        /** {@code [kvHeads][tokens / 16][headDim][16]}: a tile of 16 tokens, transposed; what dense attention wants of keys. */
        TILE,
        /** {@code [kvHeads][tokens][headDim]}: a row per token; what dense attention wants of values, and gathering of both. */
        ROW
    }

    /** What options and results call it: {@code f16}. */
    String name();

    /** Bytes of one side of a page of {@link Page#TOKENS} tokens. */
    long bytes(int kvHeads, int headDim);

    /**
     * A view of one side of one page.
     *
     * @param segment {@link #bytes} long; zeroed, or written by a side of this format, layout and shape
     */
    KvSide side(MemorySegment segment, Layout layout, int kvHeads, int headDim);
}
