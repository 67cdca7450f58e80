package dev.lectern.kv;

import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.CodeTiles;
import dev.lectern.kernel.ElementType;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.TileScratch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * A side of which some tokens stand as codes and the others exactly: the first ones of the first page (<em>sinks</em>, of which attention makes so much that their errors matter most) always, those
 * that are not closed yet until they are. Formats say how codes are written and read; who reads a tile gets both kinds from here.
 */
abstract class CodedSide implements KvSide {
    static final AttentionTiles KERNEL = Kernels.attentionTiles();
    static final CodeTiles CODES = Kernels.codeTiles();

    /** Tiles that are unpacked at a time: what stays in a core's first-level cache. */
    static final int TOGETHER = 4;

    final SideShape shape;
    final int sinks;

    /** The sinks of a closed page, {@code [kvHeads][sinks][headDim]} f16. */
    private final MemorySegment sinkRows;

    /** The tokens of an open page, or null. */
    private final @Nullable KvSide exact;

    private int closed;

    /**
     * @param sinks tokens of the first page that are never codes
     * @param sinkRows {@link #sinkBytes} long
     * @param open tokens in f16, of an open page, or null
     */
    CodedSide(SideShape shape, int sinks, MemorySegment sinkRows, @Nullable MemorySegment open, int closed) {
        this.shape = shape;
        this.sinks = shape.first() ? sinks : 0;
        this.sinkRows = sinkRows;
        exact = open == null ? null : FloatFormat.F16.open(shape, open, 0);
        this.closed = closed;
    }

    /** Bytes of the sinks of a closed page. */
    static long sinkBytes(SideShape shape, int sinks) {
        return shape.first() ? 2L * shape.kvHeads() * sinks * shape.headDim() : 0;
    }

    /** Bytes of the exact tokens of an open page. */
    static long exactBytes(SideShape shape) {
        return FloatFormat.F16.bytes(shape);
    }

    /** The numbers of a tile of codes, transposed as {@link #tile}. */
    abstract void codedTile(int head, int tile, float[] out, int at);

    /** The numbers of a tile of codes in rows of {@link SideShape#width} columns; those past headDim are unspecified. */
    abstract void codedRows(int head, int tile, float[] out, int at, int stride);

    /** The numbers of one token's codes. */
    abstract void codedRow(int head, int token, float[] out, int at);

    /** Bytes of the codes of one token of one head, with its scales. */
    abstract int codedRowBytes();

    void codedScores(
            int head,
            int firstTile,
            int tiles,
            float[] q,
            int qAt,
            int heads,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch) {
        KvSide.super.scores(head, firstTile, tiles, q, qAt, heads, shape.headDim(), s, sAt, stride, scratch);
    }

    void codedWeigh(
            int head,
            int firstTile,
            int tiles,
            float[] p,
            int pAt,
            int stride,
            int heads,
            int width,
            float[] o,
            int oAt,
            TileScratch scratch) {
        KvSide.super.weigh(head, firstTile, tiles, p, pAt, stride, heads, shape.headDim(), width, o, oAt, scratch);
    }

    /** {@link #gatherScores} of codes. */
    void codedGatherScores(
            int head,
            int[] ids,
            int from,
            int count,
            int firstId,
            float[] q,
            int qAt,
            int heads,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch) {
        int headDim = shape.headDim(), width = shape.width();
        KvSide.super.gatherScores(
                head, ids, from, count, firstId, q, qAt, heads, headDim, width, s, sAt, stride, scratch);
    }

    /** {@link #gatherWeigh} of codes. */
    void codedGatherWeigh(
            int head,
            int[] ids,
            int from,
            int count,
            int firstId,
            float[] p,
            int pAt,
            int stride,
            int heads,
            int width,
            float[] o,
            int oAt,
            TileScratch scratch) {
        KvSide.super.gatherWeigh(
                head, ids, from, count, firstId, p, pAt, stride, heads, shape.headDim(), width, o, oAt, scratch);
    }

    /** {@link #touch} of codes. */
    long codedTouch(int head, int[] ids, int from, int count, int firstId) {
        return 0;
    }

    /**
     * Queries times a factor for each channel.
     *
     * @param q {@code [heads][headDim]} from qAt
     * @param factors {@code [headDim]} from factorsAt
     * @param out {@code [heads][headDim]}
     */
    final void timesChannels(float[] q, int qAt, int heads, float[] factors, int factorsAt, float[] out) {
        int headDim = shape.headDim();
        if (headDim % CodeTiles.LANES == 0) {
            CODES.scaleWeights(q, qAt, headDim, heads, headDim, factors, factorsAt, out, 0);
            return;
        }
        for (int i = 0; i < heads * headDim; i++) {
            out[i] = q[qAt + i] * factors[factorsAt + i % headDim];
        }
    }

    private KvSide exact() {
        if (exact == null) {
            throw new IllegalStateException("the page is closed");
        }
        return exact;
    }

    private boolean isCoded(int token) {
        return token >= sinks && token < closed;
    }

    /** Tokens that are no codes, as {@link #gather}. */
    private void exactRows(int head, int[] ids, int from, int count, int firstId, float[] out, int at, int stride) {
        if (exact != null) {
            exact.gather(head, ids, from, count, firstId, out, at, stride);
            return;
        }
        for (int i = 0; i < count; i++) {
            exactRow(head, ids[from + i] - firstId, out, at + i * stride);
        }
    }

    /** A token that is no code. */
    final void exactRow(int head, int token, float[] out, int at) {
        if (exact != null) {
            exact.gather(head, new int[] {token}, 0, 1, 0, out, at, shape.headDim());
        } else {
            long from = 2L * ((long) head * sinks + token) * shape.headDim();
            KERNEL.decode(ElementType.F16, sinkRows, from, shape.headDim(), out, at);
        }
    }

    @Override
    public final int closed() {
        return closed;
    }

    /** Notes that tokens before one are codes. */
    final void closed(int to) {
        closed = to;
    }

    @Override
    public final void reopen(int to) {
        closed = exact == null ? closed : Math.min(closed, to);
    }

    @Override
    public void put(int token, float[] x, int xAt) {
        exact().put(token, x, xAt);
    }

    /** Copies the sinks to where they stand in a closed page. */
    final void writeSinks(MemorySegment to) {
        float[] row = new float[shape.headDim()];
        for (int head = 0; head < shape.kvHeads(); head++) {
            for (int token = 0; token < sinks; token++) {
                exactRow(head, token, row, 0);
                for (int d = 0; d < row.length; d++) {
                    long at = ((long) head * sinks + token) * row.length + d;
                    to.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * at, FloatFormat.half(row[d]));
                }
            }
        }
    }

    @Override
    public final KvFormat.Layout layout() {
        return shape.layout();
    }

    @Override
    public final int rowBytes() {
        return closed == 0 && exact != null ? exact.rowBytes() : codedRowBytes();
    }

    @Override
    public final void tile(int head, int tile, float[] out, int at) {
        int from = tile * TILE;
        if (from >= closed) {
            exact().tile(head, tile, out, at);
            return;
        }
        codedTile(head, tile, out, at);
        float[] row = null;
        for (int t = 0; t < TILE; t++) {
            if (!isCoded(from + t)) {
                row = row == null ? new float[shape.headDim()] : row;
                exactRow(head, from + t, row, 0);
                for (int d = 0; d < row.length; d++) {
                    out[at + d * TILE + t] = row[d];
                }
            }
        }
    }

    @Override
    public final void rows(int head, int tile, float[] out, int at, int stride) {
        int from = tile * TILE;
        if (from >= closed) {
            exact().rows(head, tile, out, at, stride);
            return;
        }
        codedRows(head, tile, out, at, stride);
        for (int t = 0; t < TILE; t++) {
            if (!isCoded(from + t)) {
                exactRow(head, from + t, out, at + t * stride);
            }
        }
    }

    @Override
    public final void gather(int head, int[] ids, int from, int count, int firstId, float[] out, int at, int stride) {
        for (int i = 0, n; i < count; i += n) {
            n = alike(ids, from + i, from + count, firstId);
            if (!isCoded(ids[from + i] - firstId)) {
                exactRows(head, ids, from + i, n, firstId, out, at + i * stride, stride);
                continue;
            }
            for (int j = i; j < i + n; j++) {
                codedRow(head, ids[from + j] - firstId, out, at + j * stride);
            }
        }
    }

    /** How many tokens from one on, before an end, are of its kind. */
    private int alike(int[] ids, int from, int end, int firstId) {
        boolean coded = isCoded(ids[from] - firstId);
        int next = from + 1;
        while (next < end && isCoded(ids[next] - firstId) == coded) {
            next++;
        }
        return next - from;
    }

    @Override
    public final void gatherScores(
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
        for (int i = 0, n; i < count; i += n) {
            int first = from + i, to = sAt + i;
            n = alike(ids, first, from + count, firstId);
            if (isCoded(ids[first] - firstId)) {
                codedGatherScores(head, ids, first, n, firstId, q, qAt, heads, s, to, stride, scratch);
            } else if (exact != null) {
                exact.gatherScores(head, ids, first, n, firstId, q, qAt, heads, headDim, width, s, to, stride, scratch);
            } else {
                KvSide.super.gatherScores(
                        head, ids, first, n, firstId, q, qAt, heads, headDim, width, s, to, stride, scratch);
            }
        }
    }

    @Override
    public final void gatherWeigh(
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
        for (int i = 0, n; i < count; i += n) {
            int first = from + i, at = pAt + i;
            n = alike(ids, first, from + count, firstId);
            if (isCoded(ids[first] - firstId)) {
                codedGatherWeigh(head, ids, first, n, firstId, p, at, stride, heads, width, o, oAt, scratch);
            } else if (exact != null) {
                exact.gatherWeigh(head, ids, first, n, firstId, p, at, stride, heads, headDim, width, o, oAt, scratch);
            } else {
                KvSide.super.gatherWeigh(
                        head, ids, first, n, firstId, p, at, stride, heads, headDim, width, o, oAt, scratch);
            }
        }
    }

    @Override
    public final long touch(int head, int[] ids, int from, int count, int firstId) {
        long read = 0;
        for (int i = from, n; i < from + count; i += n) {
            n = alike(ids, i, from + count, firstId);
            if (isCoded(ids[i] - firstId)) {
                read += codedTouch(head, ids, i, n, firstId);
            } else if (exact != null) {
                read += exact.touch(head, ids, i, n, firstId);
            }
        }
        return read;
    }

    @Override
    public final void scores(
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
        int end = firstTile + tiles;
        for (int tile = firstTile; tile < end; ) {
            int same = alike(tile, end), to = sAt + (tile - firstTile) * TILE;
            if (tile * TILE >= closed) {
                exact().scores(head, tile, same, q, qAt, heads, headDim, s, to, stride, scratch);
            } else if (isWhole(tile)) {
                codedScores(head, tile, same, q, qAt, heads, s, to, stride, scratch);
            } else {
                KvSide.super.scores(head, tile, same, q, qAt, heads, headDim, s, to, stride, scratch);
            }
            tile += same;
        }
    }

    @Override
    public final void weigh(
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
        int end = firstTile + tiles;
        for (int tile = firstTile; tile < end; ) {
            int same = alike(tile, end), from = pAt + (tile - firstTile) * TILE;
            if (tile * TILE >= closed) {
                exact().weigh(head, tile, same, p, from, stride, heads, headDim, width, o, oAt, scratch);
            } else if (isWhole(tile)) {
                codedWeigh(head, tile, same, p, from, stride, heads, width, o, oAt, scratch);
            } else {
                KvSide.super.weigh(head, tile, same, p, from, stride, heads, headDim, width, o, oAt, scratch);
            }
            tile += same;
        }
    }

    /** Whether all tokens of a tile are codes. */
    private boolean isWhole(int tile) {
        return tile * TILE >= sinks && (tile + 1) * TILE <= closed;
    }

    /** How many tiles from one on, before an end, are of its kind: all codes, or all exact; 1 for a mixed one. */
    private int alike(int tile, int end) {
        if (tile * TILE >= closed) {
            return end - tile;
        }
        return isWhole(tile) ? Math.min(end, closed / TILE) - tile : 1;
    }
}
