package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.LANES;

import dev.lectern.kv.Page;
import java.util.Arrays;

/**
 * What the query heads of a chunk look at, each block of {@value dev.lectern.kernel.AttentionTiles#LANES} queries by itself: strips of {@value #STRIP} tokens, and single tokens that lie in none of them. A mask holds beside it: nobody looks at tokens
 * after its own.
 *
 * <p>Strips and tokens are counted through all segments, of which all but the last are whole pages. Choices of different heads may be made by different threads.
 */
public final class StripChoice {
    /** Tokens that are chosen together. */
    public static final int STRIP = ChunkAttention.STRIP;

    /** Strips of a page. */
    static final int IN_PAGE = Page.TOKENS / STRIP;

    private static final int[] NONE = {};

    private final int heads;
    private final int blocks;
    private final int strips;
    private final int words;
    private final long[] bits; // [heads][blocks][words]
    private final int[][] single; // [heads · blocks][tokens]

    /**
     * Of nothing yet.
     *
     * @param heads query heads
     * @param rows queries of the chunk
     * @param tokens of all segments
     */
    public StripChoice(int heads, int rows, int tokens) {
        this.heads = heads;
        blocks = Math.ceilDiv(rows, LANES);
        strips = Math.ceilDiv(tokens, STRIP);
        words = Math.ceilDiv(strips, Long.SIZE);
        bits = new long[Math.multiplyExact(Math.multiplyExact(heads, blocks), words)];
        single = new int[heads * blocks][];
        Arrays.fill(single, NONE);
    }

    /** Blocks of queries. */
    public int blocks() {
        return blocks;
    }

    /** Strips that there are. */
    public int strips() {
        return strips;
    }

    private int at(int head, int block) {
        return head * blocks + block;
    }

    /** Has a block of queries look at a strip. */
    public void add(int head, int block, int strip) {
        bits[at(head, block) * words + strip / Long.SIZE] |= 1L << strip;
    }

    /** Has a block of queries look at the strips from one on up to another, without it. */
    public void add(int head, int block, int from, int to) {
        for (int strip = Math.max(0, from); strip < Math.min(to, strips); strip++) {
            add(head, block, strip);
        }
    }

    /** Whether a block of queries looks at a strip. */
    public boolean has(int head, int block, int strip) {
        return (bits[at(head, block) * words + strip / Long.SIZE] & 1L << strip) != 0;
    }

    /** Has a block of queries look at those of some tokens, ascending, that are in no strip that was chosen for it until now. */
    public void addTokens(int head, int block, int[] tokens) {
        int count = 0;
        int[] left = new int[tokens.length];
        for (int token : tokens) {
            if (!has(head, block, token / STRIP)) {
                left[count++] = token;
            }
        }
        single[at(head, block)] = Arrays.copyOf(left, count);
    }

    /** The single tokens that a block of queries looks at, ascending; not to be changed. */
    public int[] tokens(int head, int block) {
        return single[at(head, block)];
    }

    /** Whether any query head from one on up to another looks at a strip. */
    boolean anyHas(int from, int to, int block, int strip) {
        for (int head = from; head < to; head++) {
            if (has(head, block, strip)) {
                return true;
            }
        }
        return false;
    }

    /** @throws IllegalArgumentException unless it was made for such a chunk */
    void requireFit(int heads, int rows, int tokens) {
        if (heads != this.heads || Math.ceilDiv(rows, LANES) != blocks || Math.ceilDiv(tokens, STRIP) != strips) {
            throw new IllegalArgumentException("a choice for " + this.heads + " heads, " + blocks + " blocks and "
                    + strips + " strips cannot serve " + heads + " heads, " + rows + " queries and " + tokens
                    + " tokens");
        }
    }
}
