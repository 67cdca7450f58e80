package dev.lectern.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Quantised weights with {@value #ROWS} rows interleaved, and the specification of that layout: the lanes of a vector are rows, so a product needs no sum over lanes, scales are
 * applied as vectors, and whatever is done to unpack a weight is done to a whole vector of them. The numbers are those of {@link Blocks}, in as many bytes (3 % more for Q4_K and Q5_K).
 *
 * <p>A matrix is a sequence of groups of {@value #ROWS} rows (the last one filled up with zeros), and a group a sequence of strips of {@value #STRIP} columns (the last one may have
 * fewer): whoever multiplies goes through memory from its beginning to its end. A strip, little-endian, each of its two parts a multiple of 64 bytes:
 *
 * <ol>
 *   <li>scales. Q4_0, Q5_0, Q8_0: {@code [blocks][32]} f16. Q4_1, Q5_1: the same, then the offsets likewise. Q4_K, Q5_K: for each block of 256 {@code [32]} f16 scales and
 *       {@code [32]} f16 scales of offsets, then {@code [8][32]} bytes of scales and {@code [8][32]} of offsets. Q6_K: {@code [32]} f16 scales and {@code [16][32]} bytes.
 *       Filled up to a multiple of 64 bytes.
 *   <li>blocks of 32 columns. Q8_0: {@code [8][32]} int. Word j has columns 4j … 4j + 3 of the block; column 4j + f is at bit 8f, with 128 added. Of the others first the upper
 *       bits, {@code [words][32]} int, one word for the fifth bits, two for the fifth and sixth; then the low nibbles, {@code [4][32]} int. Word j has columns 8j … 8j + 7 of the
 *       block; column 8j + f (its <em>field</em> is f) is at bit 4f.
 * </ol>
 *
 * <p>The upper bits of field f of word j are at bit 4f + j (five bits: one word for all four), or 4f + 2 (j mod 2) of word j / 2 (six bits).
 */
public final class Interleaved {
    /** Rows in a group. */
    public static final int ROWS = 32;

    /** Columns in a strip: whole blocks of every type. A longer one is slower to stream, because its scales are a longer detour. */
    static final int STRIP = 256;

    /** Columns in a block of words. */
    static final int BLOCK = 32;

    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Interleaved() {}

    /** Whether weights of a type gain by being interleaved: all that are quantised. */
    public static boolean suits(ElementType type) {
        return type.blockElements() > 1;
    }

    /** Bits above the low nibble. */
    static int upperBits(ElementType type) {
        return switch (type) {
            case Q4_0, Q4_1, Q4_K -> 0;
            case Q5_0, Q5_1, Q5_K -> 1;
            case Q6_K -> 2;
            case Q8_0 -> 4;
            default -> throw new IllegalArgumentException(type + " is not interleaved");
        };
    }

    /** Whether a word holds four bytes, and not eight nibbles. */
    static boolean hasBytes(ElementType type) {
        return type == ElementType.Q8_0;
    }

    /** Consecutive columns that share a scale. */
    static int span(ElementType type) {
        return type == ElementType.Q6_K ? 16 : 32;
    }

    /** log2 of how many pairs of words share a scale. */
    static int perScale(ElementType type) {
        return span(type) == 16 ? 0 : 1;
    }

    /** Bytes of the scales of a strip. */
    private static long scaleBytes(ElementType type, int columns) {
        long perRow = switch (type) {
            case Q4_0, Q5_0, Q8_0 -> 2L * (columns / 32);
            case Q4_1, Q5_1 -> 4L * (columns / 32);
            case Q4_K, Q5_K -> 20L * (columns / 256);
            case Q6_K -> 18L * (columns / 256);
            default -> throw new IllegalArgumentException(type + " is not interleaved");
        };
        return (perRow * ROWS + 63) / 64 * 64;
    }

    /** Bytes of a block: its upper bits and its nibbles. */
    static long blockBytes(ElementType type) {
        return 4L * ROWS * (upperBits(type) + 4);
    }

    private static long stripBytes(ElementType type, int columns) {
        return scaleBytes(type, columns) + columns / BLOCK * blockBytes(type);
    }

    /** Where in a group the strip of a column begins: its scales. */
    static long strip(ElementType type, int column) {
        return column / STRIP * stripBytes(type, STRIP);
    }

    /** Columns in the strip of a column. */
    static int stripColumns(int columns, int column) {
        return Math.min(STRIP, columns - column / STRIP * STRIP);
    }

    /** Where in a group the block of a column begins. */
    static long block(ElementType type, int columns, int column) {
        long scales = scaleBytes(type, stripColumns(columns, column));
        return strip(type, column) + scales + column % STRIP / BLOCK * blockBytes(type);
    }

    /** Bytes of a group. */
    public static long groupBytes(ElementType type, int columns) {
        int rest = columns % STRIP;
        return strip(type, columns) + (rest == 0 ? 0 : stripBytes(type, rest));
    }

    public static int groups(int rows) {
        return (rows + ROWS - 1) / ROWS;
    }

    /** Bytes of a matrix. */
    public static long bytes(ElementType type, int rows, int columns) {
        return Math.multiplyExact(groupBytes(type, columns), (long) groups(rows));
    }

    /**
     * Interleaves one group of rows.
     *
     * @param from a matrix in rows
     * @param to receives {@link #groupBytes} bytes from {@code at} on; they are zero before
     * @throws IllegalArgumentException if a scale is infinite or not a number
     */
    public static void interleave(Matrix from, int group, MemorySegment to, long at) {
        ElementType type = from.type();
        byte[] block = new byte[type.blockBytes()];
        int first = group * ROWS;
        for (int lane = 0; lane < Math.min(ROWS, from.rows() - first); lane++) {
            long p = (first + lane) * from.rowBytes();
            for (int c = 0; c < from.columns(); c += type.blockElements(), p += block.length) {
                MemorySegment.copy(from.segment(), ValueLayout.JAVA_BYTE, p, block, 0, block.length);
                int inStrip = c % STRIP / type.blockElements();
                scales(type, stripColumns(from.columns(), c), block, inStrip, lane, to, at + strip(type, c));
                quants(type, from.columns(), block, c, lane, to, at);
            }
        }
    }

    private static void scales(
            ElementType type, int columns, byte[] b, int block, int lane, MemorySegment to, long at) {
        switch (type) {
            case Q4_0, Q5_0, Q8_0 -> to.set(I16, half(at, block, lane), scale(b, 0));
            case Q4_1, Q5_1 -> {
                to.set(I16, half(at, block, lane), scale(b, 0));
                to.set(I16, half(at, columns / 32 + block, lane), scale(b, 2));
            }
            case Q4_K, Q5_K -> {
                long p = at + 20L * ROWS * block;
                to.set(I16, half(p, 0, lane), scale(b, 0));
                to.set(I16, half(p, 1, lane), scale(b, 2));
                for (int i = 0; i < 8; i++) {
                    to.set(ValueLayout.JAVA_BYTE, octet(p, 4 + i, lane), (byte) Blocks.scaleK(b, i));
                    to.set(ValueLayout.JAVA_BYTE, octet(p, 12 + i, lane), (byte) Blocks.minimumK(b, i));
                }
            }
            case Q6_K -> {
                long p = at + 18L * ROWS * block;
                to.set(I16, half(p, 0, lane), scale(b, 208));
                for (int i = 0; i < 16; i++) {
                    to.set(ValueLayout.JAVA_BYTE, octet(p, 2 + i, lane), b[192 + i]);
                }
            }
            default -> throw new IllegalArgumentException(type + " is not interleaved");
        }
    }

    private static short scale(byte[] b, int p) {
        short scale = Blocks.half(b, p);
        if ((scale & 0x7c00) == 0x7c00) {
            throw new IllegalArgumentException("has a scale that is not a finite number");
        }
        return scale;
    }

    private static long half(long p, int row, int lane) {
        return p + 2L * (row * ROWS + lane);
    }

    private static long octet(long p, int row, int lane) {
        return p + row * ROWS + lane;
    }

    /** Where in a block of bytes, after its lane, that of a column is. */
    private static long octet(int column) {
        return 4L * ROWS * (column / 4) + column % 4;
    }

    private static void quants(
            ElementType type, int columns, byte[] b, int first, int lane, MemorySegment to, long at) {
        int bits = upperBits(type);
        for (int i = 0; i < type.blockElements(); i += BLOCK) {
            long upper = at + block(type, columns, first + i) + 4L * lane;
            if (hasBytes(type)) {
                for (int column = 0; column < BLOCK; column++) {
                    to.set(ValueLayout.JAVA_BYTE, upper + octet(column), (byte) Blocks.quant(type, b, i + column));
                }
                continue;
            }
            long nibbles = upper + 4L * ROWS * bits;
            int[] above = new int[2];
            for (int word = 0; word < 4; word++) {
                int packed = 0;
                for (int field = 0; field < 8; field++) {
                    int quant = Blocks.quant(type, b, i + 8 * word + field);
                    packed |= (quant & 15) << 4 * field;
                    above[word * bits / 4] |= quant >>> 4 << (4 * field + word * bits % 4);
                }
                to.set(I32, nibbles + 4L * ROWS * word, packed);
            }
            for (int word = 0; word < bits; word++) {
                to.set(I32, upper + 4L * ROWS * word, above[word]);
            }
        }
    }

    /** Decodes a part of a row: the specification of the layout. */
    static void decode(Matrix m, int row, int firstColumn, int count, float[] out, int at) {
        MemorySegment w = m.segment();
        ElementType type = m.type();
        int lane = row % ROWS;
        int bits = upperBits(type);
        long group = row / ROWS * groupBytes(type, m.columns());
        for (int c = firstColumn; c < firstColumn + count; c++) {
            int word = c % BLOCK / 8, field = c % 8;
            long upper = group + block(type, m.columns(), c) + 4L * lane;
            int quant;
            if (hasBytes(type)) {
                quant = Byte.toUnsignedInt(w.get(ValueLayout.JAVA_BYTE, upper + octet(c % BLOCK)));
            } else {
                quant = w.get(I32, upper + 4L * ROWS * (bits + word)) >>> 4 * field & 15;
                int above = w.get(I32, upper + 4L * ROWS * (word * bits / 4));
                quant |= (above >>> (4 * field + word * bits % 4) & ((1 << bits) - 1)) << 4;
            }
            out[at + c - firstColumn] = Fused.multiplyAdd(scale(m, group, c, lane), quant, offset(m, group, c, lane));
        }
    }

    /** The offset of a weight. */
    static float offset(Matrix m, int row, int column) {
        return offset(m, row / ROWS * groupBytes(m.type(), m.columns()), column, row % ROWS);
    }

    private static float f16(MemorySegment w, long at) {
        return Float.float16ToFloat(w.get(I16, at));
    }

    private static float scale(Matrix m, long group, int column, int lane) {
        MemorySegment w = m.segment();
        long strip = group + strip(m.type(), column);
        int c = column % STRIP;
        return switch (m.type()) {
            case Q4_K, Q5_K -> {
                long p = strip + 20L * ROWS * (c / 256);
                yield f16(w, half(p, 0, lane)) * w.get(ValueLayout.JAVA_BYTE, octet(p, 4 + c % 256 / 32, lane));
            }
            case Q6_K -> {
                long p = strip + 18L * ROWS * (c / 256);
                yield f16(w, half(p, 0, lane)) * w.get(ValueLayout.JAVA_BYTE, octet(p, 2 + c % 256 / 16, lane));
            }
            default -> f16(w, half(strip, c / 32, lane));
        };
    }

    private static float offset(Matrix m, long group, int column, int lane) {
        MemorySegment w = m.segment();
        long strip = group + strip(m.type(), column);
        int c = column % STRIP;
        return switch (m.type()) {
            case Q4_0 -> -8 * scale(m, group, column, lane);
            case Q5_0 -> -16 * scale(m, group, column, lane);
            case Q6_K -> -32 * scale(m, group, column, lane);
            case Q8_0 -> -128 * scale(m, group, column, lane);
            case Q4_1, Q5_1 -> f16(w, half(strip, (stripColumns(m.columns(), column) + c) / 32, lane));
            default -> {
                long p = strip + 20L * ROWS * (c / 256);
                yield -f16(w, half(p, 1, lane)) * w.get(ValueLayout.JAVA_BYTE, octet(p, 12 + c % 256 / 32, lane));
            }
        };
    }
}
