package dev.lectern.kv;

import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.TileScratch;
import java.lang.foreign.MemorySegment;

/** The keys, or the values, of one page: all kv heads, up to {@link Page#TOKENS} tokens of one layer. Owns no memory. */
public interface KvSide {
    /**
     * Stores one token in an open page.
     *
     * @param token 0 … {@link Page#TOKENS} − 1
     * @param x {@code [kvHeads][headDim]} from xAt
     * @throws dev.lectern.LecternException if the format cannot hold a value
     */
    void put(int token, float[] x, int xAt);

    /** Tokens from the first on that are closed. */
    int closed();

    /**
     * Closes tokens in place, where the format can: until a page is full, or as long as it is not moved to its closed size.
     *
     * @param to those before it are closed from now on; a number that the format's {@link Closing} gives
     */
    void close(int to);

    /** Makes tokens of an open page from {@code to} on exact again, to be stored anew. */
    void reopen(int to);

    /**
     * Writes what a closed page holds, all tokens closed.
     *
     * @param memory {@link KvFormat#bytes} long, zeroed
     */
    void closeInto(MemorySegment memory);

    /**
     * Is told the queries of a token of the page, from which a format may learn which errors matter.
     *
     * @param q {@code [kvHeads · group][headDim]} from qAt, rotated
     */
    default void observe(int token, float[] q, int qAt, int group) {}

    /** Sixteen tokens of one head transposed, {@code [headDim][16]} into out. */
    void tile(int head, int tile, float[] out, int at);

    /** Sixteen tokens of one head as rows, {@code [16][stride]} into out; columns from headDim to stride are finite afterwards, and no more is said of them. */
    void rows(int head, int tile, float[] out, int at, int stride);

    /** How the elements of a head stand; what it costs to read single tokens, or whole tiles, depends on it. */
    KvFormat.Layout layout();

    /** Bytes that stand for one token of one head; what many share counts by the part. */
    int rowBytes();

    /**
     * Chosen tokens of one head as rows, {@code [count][stride]} into out; columns from headDim to stride are unspecified.
     *
     * @param ids of tokens; {@code ids[from … from + count)} are read
     * @param firstId the id of the page's first token
     */
    void gather(int head, int[] ids, int from, int count, int firstId, float[] out, int at, int stride);

    /**
     * Reads a little of each piece of memory that {@link #gather} of the same tokens will read, so that the processor fetches many of them at once instead of one after another.
     *
     * @return what was read, in a form of no meaning: whoever keeps it keeps the compiler from leaving the reads out
     */
    default long touch(int head, int[] ids, int from, int count, int firstId) {
        return 0;
    }

    /**
     * Scores of query heads against chosen keys of one kv head, as {@link AttentionTiles#rowScores} defines them. A format may have a faster way than through {@link #gather}; the result is the same within
     * rounding.
     *
     * @param ids of tokens; {@code ids[from … from + count)} are read
     * @param firstId the id of the page's first token
     * @param width headDim rounded up to a multiple of 16
     * @param s {@code [heads][stride]} from sAt; a score for each token written per head
     */
    default void gatherScores(
            int head,
            int[] ids,
            int from,
            int count,
            int firstId,
            float[] q,
            int qAt,
            int heads,
            int headDim,
            int width,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch) {
        float[] keys = scratch.tile(count * width);
        gather(head, ids, from, count, firstId, keys, 0, width);
        Kernels.attentionTiles().rowScores(q, qAt, heads, headDim, keys, 0, width, count, s, sAt, stride, scratch);
    }

    /**
     * Weighted sums of chosen values of one kv head, as {@link AttentionTiles#weigh} defines them. A format may have a faster way than through {@link #gather}; the result is the same within rounding.
     *
     * @param p {@code [heads][stride]} from pAt: a weight of at most 1 for each token
     * @param o {@code [heads][width]} from oAt, added to
     */
    default void gatherWeigh(
            int head,
            int[] ids,
            int from,
            int count,
            int firstId,
            float[] p,
            int pAt,
            int stride,
            int heads,
            int headDim,
            int width,
            float[] o,
            int oAt,
            TileScratch scratch) {
        float[] values = scratch.tile(count * width);
        gather(head, ids, from, count, firstId, values, 0, width);
        Kernels.attentionTiles().weigh(p, pAt, stride, heads, values, 0, width, count, width, o, oAt);
    }

    /**
     * Scores of query heads against the keys of one kv head, as {@link AttentionTiles#scores} defines them. A format may have a faster way than
     * through {@link #tile} or {@link #rows}; the result is the same within rounding.
     *
     * @param q {@code [heads][headDim]} from qAt
     * @param s {@code [heads][stride]} from sAt; {@code 16 · tiles} scores written per head
     */
    default void scores(
            int head,
            int firstTile,
            int tiles,
            float[] q,
            int qAt,
            int heads,
            int headDim,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch) {
        AttentionTiles kernel = Kernels.attentionTiles();
        float[] keys = scratch.tile(TILE * headDim);
        for (int i = 0; i < tiles; i++) {
            int to = sAt + i * TILE;
            if (layout() == KvFormat.Layout.TILE) {
                tile(head, firstTile + i, keys, 0);
                kernel.scores(q, qAt, heads, headDim, keys, 0, 1, s, to, stride);
            } else {
                rows(head, firstTile + i, keys, 0, headDim);
                kernel.rowScores(q, qAt, heads, headDim, keys, 0, headDim, TILE, s, to, stride, scratch);
            }
        }
    }

    /**
     * Weighted sums of the values of one kv head, as {@link AttentionTiles#weigh} defines them. A format may have a faster way than through
     * {@link #rows}; the result is the same.
     *
     * @param p {@code [heads][stride]} from pAt: a weight of at most 1 for each of {@code 16 · tiles} tokens
     * @param width headDim rounded up to a multiple of 16
     * @param o {@code [heads][width]} from oAt, added to
     */
    default void weigh(
            int head,
            int firstTile,
            int tiles,
            float[] p,
            int pAt,
            int stride,
            int heads,
            int headDim,
            int width,
            float[] o,
            int oAt,
            TileScratch scratch) {
        AttentionTiles kernel = Kernels.attentionTiles();
        float[] values = scratch.tile(TILE * width);
        for (int i = 0; i < tiles; i++) {
            rows(head, firstTile + i, values, 0, width);
            kernel.weigh(p, pAt + i * TILE, stride, heads, values, 0, width, TILE, width, o, oAt);
        }
    }
}
