package dev.lectern.kv;

import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.LecternException;
import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.ElementType;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.TileScratch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Plain floats: {@code f32}, {@code f16} and {@code bf16}, rounded to nearest even. */
public final class FloatFormat implements KvFormat {
    public static final FloatFormat F32 = new FloatFormat("f32", ElementType.F32);
    public static final FloatFormat F16 = new FloatFormat("f16", ElementType.F16);
    public static final FloatFormat BF16 = new FloatFormat("bf16", ElementType.BF16);

    /** Bytes that come from memory together. */
    private static final int LINE = 64;

    private static final AttentionTiles KERNEL = Kernels.attentionTiles();

    private final String name;
    private final ElementType type;
    private final int bytesPerElement;

    private FloatFormat(String name, ElementType type) {
        this.name = name;
        this.type = type;
        bytesPerElement = type.blockBytes();
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean isExact() {
        return true;
    }

    @Override
    public Closing closing() {
        return new Closing.AtOnce();
    }

    @Override
    public long bytes(SideShape shape) {
        return Math.multiplyExact(type.bytes((long) Page.TOKENS * shape.kvHeads()), (long) shape.headDim());
    }

    @Override
    public long openBytes(SideShape shape) {
        return bytes(shape);
    }

    @Override
    public KvSide closed(SideShape shape, MemorySegment memory) {
        return new Side(memory, shape);
    }

    @Override
    public KvSide open(SideShape shape, MemorySegment memory, int closed) {
        return new Side(memory, shape);
    }

    private final class Side implements KvSide {
        private final MemorySegment segment;
        private final Layout layout;
        private final int kvHeads;
        private final int headDim;

        Side(MemorySegment segment, SideShape shape) {
            this.segment = segment;
            layout = shape.layout();
            kvHeads = shape.kvHeads();
            headDim = shape.headDim();
        }

        @Override
        public int closed() {
            return Page.TOKENS;
        }

        @Override
        public void close(int to) {}

        @Override
        public void reopen(int to) {}

        @Override
        public void closeInto(MemorySegment memory) {
            memory.copyFrom(segment);
        }

        /** Where an element begins, in bytes. */
        private long at(long element) {
            return element * bytesPerElement;
        }

        /** The element index of the first number of a tile; in both layouts a tile of one head is contiguous. */
        private long tileStart(int head, int tile) {
            return ((long) head * Page.TOKENS + (long) tile * TILE) * headDim;
        }

        @Override
        public void put(int token, float[] x, int xAt) {
            int inTile = token % TILE;
            for (int head = 0; head < kvHeads; head++) {
                long start = tileStart(head, token / TILE);
                for (int d = 0; d < headDim; d++) {
                    long index = layout == Layout.TILE
                            ? start + (long) d * TILE + inTile
                            : start + (long) inTile * headDim + d;
                    store(index, x[xAt + head * headDim + d]);
                }
            }
        }

        private void store(long index, float value) {
            switch (type) {
                case F32 -> segment.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * index, value);
                case F16 -> {
                    segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * index, half(value));
                }
                default -> segment.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * index, roundToBf16(value));
            }
        }

        @Override
        public void tile(int head, int tile, float[] out, int at) {
            long start = tileStart(head, tile);
            if (layout == Layout.TILE) {
                KERNEL.decode(type, segment, at(start), TILE * headDim, out, at);
                return;
            }
            float[] row = new float[headDim];
            for (int t = 0; t < TILE; t++) {
                KERNEL.decode(type, segment, at(start + (long) t * headDim), headDim, row, 0);
                for (int d = 0; d < headDim; d++) {
                    out[at + d * TILE + t] = row[d];
                }
            }
        }

        @Override
        public void rows(int head, int tile, float[] out, int at, int stride) {
            long start = tileStart(head, tile);
            if (layout == Layout.ROW) {
                if (stride == headDim) {
                    KERNEL.decode(type, segment, at(start), TILE * headDim, out, at);
                    return;
                }
                for (int t = 0; t < TILE; t++) {
                    long row = at(start + (long) t * headDim);
                    KERNEL.decode(type, segment, row, headDim, out, at + t * stride);
                }
                return;
            }
            float[] column = new float[TILE];
            for (int d = 0; d < headDim; d++) {
                KERNEL.decode(type, segment, at(start + (long) d * TILE), TILE, column, 0);
                for (int t = 0; t < TILE; t++) {
                    out[at + t * stride + d] = column[t];
                }
            }
        }

        @Override
        public Layout layout() {
            return layout;
        }

        @Override
        public int rowBytes() {
            return headDim * bytesPerElement;
        }

        @Override
        public void gather(int head, int[] ids, int from, int count, int firstId, float[] out, int at, int stride) {
            for (int i = 0; i < count; i++) {
                int token = ids[from + i] - firstId, to = at + i * stride;
                long start = tileStart(head, token / TILE);
                int inTile = token % TILE;
                if (layout == Layout.ROW) {
                    long row = at(start + (long) inTile * headDim);
                    KERNEL.decode(type, segment, row, headDim, out, to);
                } else {
                    KERNEL.decodeColumn(type, segment, at(start + inTile), headDim, out, to);
                }
            }
        }

        /** Whether chosen rows can be computed with as they are stored. */
        private boolean isStoredRows() {
            return type != ElementType.F32 && layout == Layout.ROW && headDim % AttentionTiles.STORED_WIDTH == 0;
        }

        /** Where the row of token 0 would be if the page's first had this id. */
        private long rowsAt(int head, int firstId) {
            return at(tileStart(head, 0) - (long) firstId * headDim);
        }

        @Override
        public void gatherScores(
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
            if (!isStoredRows()) {
                KvSide.super.gatherScores(
                        head, ids, from, count, firstId, q, qAt, heads, headDim, width, s, sAt, stride, scratch);
                return;
            }
            long at = rowsAt(head, firstId);
            KERNEL.chosenScores(type, segment, at, ids, from, count, q, qAt, heads, headDim, s, sAt, stride, scratch);
        }

        @Override
        public void gatherWeigh(
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
            if (!isStoredRows()) {
                KvSide.super.gatherWeigh(
                        head, ids, from, count, firstId, p, pAt, stride, heads, headDim, width, o, oAt, scratch);
                return;
            }
            long at = rowsAt(head, firstId);
            KERNEL.chosenWeigh(type, segment, at, ids, from, count, p, pAt, stride, heads, headDim, o, oAt);
        }

        @Override
        public long touch(int head, int[] ids, int from, int count, int firstId) {
            if (layout == Layout.TILE) {
                return 0; // a key is all over its tile
            }
            long read = 0;
            long rows = rowsAt(head, firstId);
            int bytes = rowBytes();
            for (int i = from; i < from + count; i++) {
                read += FloatFormat.touch(segment, rows + (long) ids[i] * bytes, bytes);
            }
            return read;
        }

        @Override
        public void scores(
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
            if (type == ElementType.F32 || layout == Layout.ROW) {
                KvSide.super.scores(head, firstTile, tiles, q, qAt, heads, headDim, s, sAt, stride, scratch);
                return;
            }
            long at = at(tileStart(head, firstTile));
            KERNEL.storedScores(type, segment, at, tiles, q, qAt, heads, headDim, s, sAt, stride, scratch);
        }

        @Override
        public void weigh(
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
            boolean wholeRows = layout == Layout.ROW && headDim % AttentionTiles.STORED_WIDTH == 0;
            if (type == ElementType.F32 || !wholeRows) {
                KvSide.super.weigh(head, firstTile, tiles, p, pAt, stride, heads, headDim, width, o, oAt, scratch);
                return;
            }
            long at = at(tileStart(head, firstTile));
            KERNEL.storedWeigh(type, segment, at, tiles * TILE, p, pAt, stride, heads, headDim, o, oAt, scratch);
        }
    }

    /** Reads a byte of each cache line of a row; see {@link KvSide#touch}. */
    static long touch(MemorySegment memory, long row, long bytes) {
        long read = 0;
        for (long line = 0; line < bytes; line += LINE) {
            read += memory.get(ValueLayout.JAVA_BYTE, row + line);
        }
        return read;
    }

    /**
     * Rounds to f16.
     *
     * @throws LecternException if the number is too large, or is none
     */
    static short half(float value) {
        short half = Float.floatToFloat16(value);
        if ((half & 0x7c00) == 0x7c00) {
            throw tooLarge(value);
        }
        return half;
    }

    private static LecternException tooLarge(float value) {
        return Float.isFinite(value)
                ? new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "The model produced the key or value " + value
                                + ", which f16 cannot hold, nor a format that is exact in f16 first: use --kv bf16 or --kv f32.")
                : new LecternException(
                        LecternException.Kind.BAD_MODEL_FILE,
                        "The model computes keys or values that are not numbers: its file is damaged, or was made so;"
                                + " pull it again.");
    }

    static short roundToBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
    }
}
