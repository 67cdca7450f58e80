package dev.lectern.kv;

import java.lang.foreign.MemorySegment;

/**
 * How the keys, or the values, of a page are stored. A format is a factory of {@link KvSide sides}; K and V choose theirs separately.
 *
 * <p>A page is <em>open</em> while tokens of it may be stored or stand in it exactly, and <em>closed</em> when all of it is in its final form. Where tokens get that form at once, the
 * two are the same.
 *
 * <p>Laws, tested for every format: (1) {@link #bytes} and {@link #openBytes} are all that a side touches; (2) what {@link KvSide} reads back is the same in both layouts and at every vector width, bit
 * for bit; (3) a side over a copy of the bytes of another reads the same; (4) scores and weighted sums are those of what is read back, within rounding.
 */
public interface KvFormat {
    /** How the elements of a head stand in a page. */
    enum Layout {
        /** {@code [kvHeads][tokens / 16][headDim][16]}: a tile of 16 tokens, transposed; what dense attention wants of keys. */
        TILE,
        /** {@code [kvHeads][tokens][headDim]}: a row per token; what dense attention wants of values, and gathering of both. */
        ROW
    }

    /** What options and results call it, with all options that it depends on: {@code f16}, {@code hf-int4:group=32}. */
    String name();

    /**
     * Checks that it can store such heads.
     *
     * @throws dev.lectern.LecternException of kind {@code BAD_OPTION} that says why not
     */
    default void requireFit(int headDim) {}

    /** Whether sides of keys want to be told of queries, {@link KvSide#observe}. */
    default boolean observesQueries() {
        return false;
    }

    /** Whether keys with a large offset in some channels lose in it what the other channels say; see {@link KeyNorms}. */
    default boolean suffersFromOffsets() {
        return false;
    }

    /** Whether all tokens stand as they were computed, but for the rounding of floats. */
    default boolean isExact() {
        return false;
    }

    /** When its tokens are closed. */
    Closing closing();

    /** Whether tokens of an open page are closed in place, before the page is. */
    default boolean closesInPlace() {
        return !(closing() instanceof Closing.Pages);
    }

    /** Bytes of one side of a closed page of {@link Page#TOKENS} tokens. */
    long bytes(SideShape shape);

    /** Bytes of one side of an open page. */
    long openBytes(SideShape shape);

    /**
     * A view of one side of a closed page.
     *
     * @param memory {@link #bytes} long; written by {@link KvSide#closeInto} of this format and shape
     */
    KvSide closed(SideShape shape, MemorySegment memory);

    /**
     * A view of one side of an open page.
     *
     * @param memory {@link #openBytes} long; zeroed, or written by an open side of this format and shape
     * @param closed tokens of it that are closed
     */
    KvSide open(SideShape shape, MemorySegment memory, int closed);
}
