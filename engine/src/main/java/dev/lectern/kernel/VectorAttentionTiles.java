package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.L;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.VectorOperators;

/** {@link AttentionTiles} with the Vector API. */
final class VectorAttentionTiles implements AttentionTiles {
    private static final AttentionTiles REST = new ScalarAttentionTiles();
    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;

    @Override
    public void scores(
            float[] q, int qAt, int heads, int headDim, float[] k, int kAt, int tiles, float[] s, int sAt, int stride) {
        DecodeTiles.scores(q, qAt, heads, headDim, k, kAt, tiles, s, sAt, stride);
    }

    @Override
    public void rowScores(
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
            TileScratch scratch) {
        RowTiles.scores(q, qAt, heads, headDim, k, kAt, kStride, tokens, s, sAt, stride, scratch);
    }

    @Override
    public void softmax(float[] s, int sAt, int n, int from, int to, float[] stats, int statsAt, TileScratch scratch) {
        DecodeTiles.softmax(s, sAt, n, from, to, stats, statsAt, scratch);
    }

    @Override
    public void weigh(
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
            int oAt) {
        DecodeTiles.weigh(p, pAt, stride, heads, v, vAt, vStride, tokens, width, o, oAt);
    }

    @Override
    public void storedScores(
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
            TileScratch scratch) {
        StoredKeys.scores(type, keys, keysAt, tiles, q, qAt, heads, headDim, s, sAt, stride, scratch);
    }

    @Override
    public void storedWeigh(
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
            TileScratch scratch) {
        StoredValues.weigh(type, values, valuesAt, tokens, p, pAt, stride, heads, headDim, o, oAt, scratch);
    }

    @Override
    public void chosenScores(
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
            TileScratch scratch) {
        ChosenRows.scores(type, keys, keysAt, ids, from, count, q, qAt, heads, headDim, s, sAt, stride, scratch);
    }

    @Override
    public void chosenWeigh(
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
            int oAt) {
        ChosenRows.weigh(type, values, valuesAt, ids, from, count, p, pAt, stride, heads, headDim, o, oAt);
    }

    @Override
    public void chunkScores(float[] q, int qAt, int headDim, float[] k, int kAt, int tiles, float[] s, int sAt) {
        ChunkTiles.scores(q, qAt, headDim, k, kAt, tiles, s, sAt);
    }

    @Override
    public boolean chunkSoftmax(float[] s, int sAt, int tokens, float[] max, float[] sum, int statsAt, float[] scale) {
        return ChunkTiles.softmax(s, sAt, tokens, max, sum, statsAt, scale);
    }

    @Override
    public void chunkRescale(float[] o, int oAt, int width, float[] scale) {
        ChunkTiles.rescale(o, oAt, width, scale);
    }

    @Override
    public void chunkShares(
            float[] p,
            int pAt,
            int tokens,
            float[] factors,
            int factorsAt,
            float[] columns,
            int columnsAt,
            float[] diagonals,
            int diagonalsAt) {
        ChunkTiles.shares(p, pAt, tokens, factors, factorsAt, columns, columnsAt, diagonals, diagonalsAt);
    }

    @Override
    public void chunkWeigh(float[] p, int pAt, int tokens, float[] v, int vAt, int width, float[] o, int oAt) {
        ChunkTiles.weigh(p, pAt, tokens, v, vAt, width, o, oAt);
    }

    @Override
    public void columns(float[] rows, int rowsAt, int tokens, int width, float[] out, int outAt) {
        ChunkTiles.columns(rows, rowsAt, tokens, width, out, outAt);
    }

    /** A loop for each type: vectors that meet at the end of a switch are put on the heap. */
    @Override
    public void decode(ElementType type, MemorySegment segment, long offset, int count, float[] out, int at) {
        int whole = count - count % L;
        switch (type) {
            case F32 -> floats(segment, offset, whole, out, at);
            case F16 -> halves(segment, offset, whole, out, at);
            case BF16 -> brains(segment, offset, whole, out, at);
            default -> throw new IllegalArgumentException(type + " is not a plain float");
        }
        if (whole < count) {
            REST.decode(type, segment, offset + type.bytes(whole), count - whole, out, at + whole);
        }
    }

    /** A number of each line of memory: no work for vectors. */
    @Override
    public void decodeColumn(ElementType type, MemorySegment segment, long offset, int count, float[] out, int at) {
        REST.decodeColumn(type, segment, offset, count, out, at);
    }

    @Override
    public long positive(float[] x, int at) {
        return DecodeTiles.positive(x, at);
    }

    private static void floats(MemorySegment segment, long offset, int count, float[] out, int at) {
        for (int i = 0; i < count; i += L) {
            Lanes.floats(segment, offset + 4L * i).intoArray(out, at + i);
        }
    }

    private static void halves(MemorySegment segment, long offset, int count, float[] out, int at) {
        for (int i = 0; i < count; i += L) {
            Lanes.halves(segment, offset + 2L * i).intoArray(out, at + i);
        }
    }

    private static void brains(MemorySegment segment, long offset, int count, float[] out, int at) {
        for (int i = 0; i < count; i += L) {
            Lanes.shorts(segment, offset + 2L * i)
                    .lanewise(VectorOperators.LSHL, 16)
                    .reinterpretAsFloats()
                    .intoArray(out, at + i);
        }
    }
}
