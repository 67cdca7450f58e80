package dev.lectern.kernel;

import java.lang.foreign.MemorySegment;

/**
 * The inner loops of exact attention, on f32 tiles that fit a core's first-level cache. Keys come transposed, {@code [headDim][16]}, values as
 * rows, {@code [16][width]}; a tile is {@value #TILE} tokens.
 *
 * <p>Two shapes of work: <em>decode</em>, where a tile serves all query heads of its group and the lanes of a vector are tokens, and
 * <em>chunk</em>, where a tile serves a block of {@value #LANES} queries of one head and the lanes are queries, so that nothing is ever summed
 * across lanes.
 *
 * <p>Scores are binary logarithms: a softmax of natural scores wants its queries multiplied by log₂ e. A power of two costs fewer steps than one of e.
 *
 * <p>Laws: (1) equals {@link ScalarAttentionTiles} to f32 rounding; (2) the result for one head or one query does not depend, bit for bit, on
 * the others; (3) a masked token contributes exactly nothing.
 */
public interface AttentionTiles {
    /** Tokens in a tile. */
    int TILE = 16;

    /** Queries in a block of a chunk. */
    int LANES = 64;

    /** {@link #storedWeigh} wants whole rows of so many columns. */
    int STORED_WIDTH = 64;

    /** The score of a token that may not be looked at. */
    float MASKED = -3e38f;

    /** Where a running maximum starts: below every score, above {@link #MASKED}. */
    float LOWEST = -1e30f;

    /**
     * Decode: scores of each query head against tiles, {@code s[h][t] = Σ_d q[h][d] · k[d][t]}.
     *
     * @param q {@code [heads][headDim]} from qAt
     * @param k {@code [tiles][headDim][16]} from kAt
     * @param s {@code [heads][stride]} from sAt; {@code 16 · tiles} scores written per head
     */
    void scores(
            float[] q, int qAt, int heads, int headDim, float[] k, int kAt, int tiles, float[] s, int sAt, int stride);

    /**
     * Decode: scores of each query head against keys in rows, {@code s[h][t] = Σ_d q[h][d] · k[t][d]}.
     *
     * @param q {@code [heads][headDim]} from qAt
     * @param k {@code [tokens][kStride]} from kAt
     * @param s {@code [heads][stride]} from sAt; a score for each token written per head
     */
    void rowScores(
            float[] q,
            int qAt,
            int heads,
            int headDim,
            float[] k,
            int kAt,
            int kStride,
            int tokens,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch);

    /**
     * Decode: {@code s[from … to) ← 2^(s − m)} with m their maximum; the rest of {@code s[0 … n)} becomes 0.
     *
     * @param n a multiple of 16
     * @param stats {@code stats[statsAt] ← m}, {@code stats[statsAt + 1] ← Σ 2^(s − m)}
     */
    void softmax(float[] s, int sAt, int n, int from, int to, float[] stats, int statsAt, TileScratch scratch);

    /**
     * Decode: {@code o[h][c] += Σ_t p[h][t] · v[t][c]}.
     *
     * @param p {@code [heads][stride]} from pAt
     * @param v {@code [tokens][vStride]} from vAt
     * @param o {@code [heads][width]} from oAt
     * @param width headDim rounded up to a multiple of 16
     */
    void weigh(
            float[] p,
            int pAt,
            int stride,
            int heads,
            float[] v,
            int vAt,
            int vStride,
            int tokens,
            int width,
            float[] o,
            int oAt);

    /**
     * Decode: {@link #scores} of stored tiles, without a copy of them as f32. The result is that of {@link #decode} and {@link #scores}, bit for bit
     * as long as no product is below 2⁻⁷⁰.
     *
     * @param type F16 or BF16
     * @param keys {@code [tiles][headDim][16]} from byte keysAt, all finite
     * @param q {@code [heads][headDim]} from qAt
     * @param s {@code [heads][stride]} from sAt; {@code 16 · tiles} scores written per head
     */
    void storedScores(
            ElementType type,
            MemorySegment keys,
            long keysAt,
            int tiles,
            float[] q,
            int qAt,
            int heads,
            int headDim,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch);

    /**
     * Decode: {@link #weigh} of stored rows, without a copy of them as f32. The result is that of {@link #decode} and {@link #weigh}, bit for bit.
     *
     * @param type F16 or BF16
     * @param values {@code [tokens][headDim]} from byte valuesAt, all finite
     * @param tokens a multiple of 16
     * @param p {@code [heads][stride]} from pAt, none above 1
     * @param o {@code [heads][headDim]} from oAt; headDim a multiple of {@value #STORED_WIDTH}
     */
    void storedWeigh(
            ElementType type,
            MemorySegment values,
            long valuesAt,
            int tokens,
            float[] p,
            int pAt,
            int stride,
            int heads,
            int headDim,
            float[] o,
            int oAt,
            TileScratch scratch);

    /**
     * Decode: {@link #rowScores} of chosen stored rows, without a copy of them as f32. The result is the same within rounding.
     *
     * @param type F16 or BF16
     * @param keys {@code [rows][headDim]} from byte keysAt, all finite
     * @param ids which rows: {@code ids[from … from + count)}
     * @param q {@code [heads][headDim]} from qAt; headDim a multiple of {@value #STORED_WIDTH}
     * @param s {@code [heads][stride]} from sAt; a score for each chosen row written per head
     */
    void chosenScores(
            ElementType type,
            MemorySegment keys,
            long keysAt,
            int[] ids,
            int from,
            int count,
            float[] q,
            int qAt,
            int heads,
            int headDim,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch);

    /**
     * Decode: {@link #weigh} of chosen stored rows, without a copy of them as f32. The result is the same within rounding.
     *
     * @param type F16 or BF16
     * @param values {@code [rows][headDim]} from byte valuesAt, all finite
     * @param ids which rows: {@code ids[from … from + count)}
     * @param p {@code [heads][stride]} from pAt, none above 1
     * @param o {@code [heads][headDim]} from oAt; headDim a multiple of {@value #STORED_WIDTH}
     */
    void chosenWeigh(
            ElementType type,
            MemorySegment values,
            long valuesAt,
            int[] ids,
            int from,
            int count,
            float[] p,
            int pAt,
            int stride,
            int heads,
            int headDim,
            float[] o,
            int oAt);

    /**
     * Chunk: {@code s[t][lane] = Σ_d k[d][t] · q[d][lane]}, tile by tile.
     *
     * @param q {@code [headDim][64]} from qAt
     * @param k {@code [tiles][headDim][16]} from kAt
     * @param s {@code [tiles · 16][64]} from sAt
     */
    void chunkScores(float[] q, int qAt, int headDim, float[] k, int kAt, int tiles, float[] s, int sAt);

    /**
     * Chunk: one step of the online softmax. With m' = max(m, max_t s[t]): {@code s ← 2^(s − m')},
     * {@code scale ← 2^(m − m')}, {@code sum ← sum · scale + Σ_t s}, {@code m ← m'}, lane by lane.
     *
     * @param s {@code [tokens][64]} from sAt
     * @param max running maximum, {@code [64]} from statsAt
     * @param sum running sum, {@code [64]} from statsAt
     * @param scale {@code [64]}, written
     * @return whether any maximum rose; otherwise every scale is 1
     */
    boolean chunkSoftmax(float[] s, int sAt, int tokens, float[] max, float[] sum, int statsAt, float[] scale);

    /** Chunk: {@code o[c][lane] ← o[c][lane] · scale[lane]}, o {@code [width][64]} from oAt. */
    void chunkRescale(float[] o, int oAt, int width, float[] scale);

    /**
     * Chunk: {@code o[c][lane] += Σ_t v[t][c] · p[t][lane]}.
     *
     * @param p {@code [tokens][64]} from pAt
     * @param v {@code [width / 16][tokens][16]} from vAt
     * @param o {@code [width][64]} from oAt; width a multiple of 16
     */
    void chunkWeigh(float[] p, int pAt, int tokens, float[] v, int vAt, int width, float[] o, int oAt);

    /**
     * Chunk: what tokens, and distances from the queries, have of the softmax. With {@code w[t][lane] = p[t][lane] · factor[lane]}: {@code columns[t] = Σ_lane w[t][lane]} and
     * {@code diagonals[lane − t] += w[t][lane]}.
     *
     * @param p {@code [tokens][64]} from pAt
     * @param factors {@code [64]} from factorsAt
     * @param columns {@code [tokens]} from columnsAt, written
     * @param diagonals {@code [tokens + 63]}, of which diagonalsAt is the place of {@code lane − t = 0}
     */
    void chunkShares(
            float[] p,
            int pAt,
            int tokens,
            float[] factors,
            int factorsAt,
            float[] columns,
            int columnsAt,
            float[] diagonals,
            int diagonalsAt);

    /**
     * Chunk: rows of values, {@code [tokens][width]} from rowsAt, as tiles of 16 columns, {@code [width / 16][tokens][16]} from outAt.
     */
    void columns(float[] rows, int rowsAt, int tokens, int width, float[] out, int outAt);

    /**
     * Reads stored floats.
     *
     * @param type F32, F16 or BF16
     * @param offset bytes into the segment
     * @param count elements
     */
    void decode(ElementType type, MemorySegment segment, long offset, int count, float[] out, int at);

    /** As {@link #decode}, of numbers that are {@value #TILE} elements apart: one token of a transposed tile. */
    void decodeColumn(ElementType type, MemorySegment segment, long offset, int count, float[] out, int at);

    /** Which of the 64 numbers from at are above 0; the first is the lowest bit. */
    long positive(float[] x, int at);
}
