package dev.lectern.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Quantised weights with {@value #ROWS} rows interleaved, and the specification of that layout: the lanes of a vector are rows, so a product needs no sum over lanes, scales are
 * applied as vectors, and whatever is done to unpack a weight is done to a whole vector of them. The numbers are those of {@link Blocks}, in as many bytes (3 % more for Q4_K and Q5_K).
 *
 * <p>A matrix is a sequence of groups of {@value #ROWS} rows (the last one filled up with zeros), each a multiple of 64 bytes, little-endian:
 *
 * <ol>
 *   <li>scales. Q4_0, Q5_0: {@code [blocks][32]} f16. Q4_1, Q5_1: the same, then the offsets likewise. Q4_K, Q5_K: for each block of 256 {@code [32]} f16 scales and
 *       {@code [32]} f16 scales of offsets, then {@code [8][32]} bytes of scales and {@code [8][32]} of offsets. Q6_K: {@code [32]} f16 scales and {@code [16][32]} bytes.
 *       Filled up to a multiple of 64 bytes.
 *   <li>upper bits, {@code [blocks of 32][words][32]} int, one word for the fifth bits, two for the fifth and sixth.
 *   <li>low nibbles, {@code [blocks of 32][4][32]} int. Word j has columns 8j … 8j + 7 of the block; column 8j + f (its <em>field</em> is f) is at bit 4f.
 * </ol>
 *
 * <p>The upper bits of field f of word j are at bit 4f + j (five bits: one word for all four), or 4f + 2 (j mod 2) of word j / 2 (six bits).
 */
public final class Interleaved {
    /** Rows in a group. */
    public static final int ROWS = 32;

    /** Columns in a block of words. */
    static final int BLOCK = 32;

    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Interleaved() {}

    /** Whether weights of a type gain by being interleaved. Q8_0 does not: in place it is as fast as memory. */
    public static boolean suits(ElementType type) {
        return type.blockElements() > 1 && type != ElementType.Q8_0;
    }

    /** Bits above the low nibble. */
    static int upperBits(ElementType type) {
        return switch (type) {
            case Q4_0, Q4_1, Q4_K -> 0;
            case Q5_0, Q5_1, Q5_K -> 1;
            case Q6_K -> 2;
            default -> throw new IllegalArgumentException(type + " is not interleaved");
        };
    }

    /** Consecutive columns that share a scale. */
    static int span(ElementType type) {
        return type == ElementType.Q6_K ? 16 : 32;
    }

    /** log2 of how many pairs of words share a scale. */
    static int perScale(ElementType type) {
        return span(type) == 16 ? 0 : 1;
    }

    /** Where the upper bits of a group begin: bytes of its scales. */
    static long upper(ElementType type, int columns) {
        long perRow = switch (type) {
            case Q4_0, Q5_0 -> 2L * (columns / 32);
            case Q4_1, Q5_1 -> 4L * (columns / 32);
            case Q4_K, Q5_K -> 20L * (columns / 256);
            case Q6_K -> 18L * (columns / 256);
            default -> throw new IllegalArgumentException(type + " is not interleaved");
        };
        return (perRow * ROWS + 63) / 64 * 64;
    }

    /** Where the low nibbles of a group begin. */
    static long nibbles(ElementType type, int columns) {
        return upper(type, columns) + (long) columns / 8 * upperBits(type) * ROWS;
    }

    /** Where in a group the upper bits of a column's block begin. */
    static long upper(ElementType type, int columns, int column) {
        return upper(type, columns) + (long) column / 8 * upperBits(type) * ROWS;
    }

    /** Where in a group the low nibbles of a column's word begin. */
    static long nibbles(ElementType type, int columns, int column) {
        return nibbles(type, columns) + (long) column / 2 * ROWS;
    }

    /** Bytes of a group. */
    public static long groupBytes(ElementType type, int columns) {
        return nibbles(type, columns) + (long) columns / 2 * ROWS;
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
                scales(type, from.columns(), block, c / type.blockElements(), lane, to, at);
                quants(type, from.columns(), block, c, lane, to, at);
            }
        }
    }

    private static void scales(
            ElementType type, int columns, byte[] b, int block, int lane, MemorySegment to, long at) {
        switch (type) {
            case Q4_0, Q5_0 -> to.set(I16, half(at, block, lane), scale(b, 0));
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

    private static void quants(
            ElementType type, int columns, byte[] b, int first, int lane, MemorySegment to, long at) {
        int bits = upperBits(type);
        for (int i = 0; i < type.blockElements(); i += BLOCK) {
            long block = (first + i) / BLOCK;
            long upper = at + upper(type, columns) + (block * bits * ROWS + lane) * 4;
            long nibbles = at + nibbles(type, columns) + (block * 4 * ROWS + lane) * 4;
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
            long block = c / BLOCK;
            int word = c % BLOCK / 8, field = c % 8;
            long nibbles = group + nibbles(type, m.columns()) + ((block * 4 + word) * ROWS + lane) * 4;
            int quant = w.get(I32, nibbles) >>> 4 * field & 15;
            if (bits > 0) {
                long upper = group + upper(type, m.columns());
                upper += ((block * bits + word * bits / 4) * ROWS + lane) * 4;
                quant |= (w.get(I32, upper) >>> (4 * field + word * bits % 4) & ((1 << bits) - 1)) << 4;
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
        return switch (m.type()) {
            case Q4_K, Q5_K -> {
                long p = group + 20L * ROWS * (column / 256);
                yield f16(w, half(p, 0, lane)) * w.get(ValueLayout.JAVA_BYTE, octet(p, 4 + column % 256 / 32, lane));
            }
            case Q6_K -> {
                long p = group + 18L * ROWS * (column / 256);
                yield f16(w, half(p, 0, lane)) * w.get(ValueLayout.JAVA_BYTE, octet(p, 2 + column % 256 / 16, lane));
            }
            default -> f16(w, half(group, column / 32, lane));
        };
    }

    private static float offset(Matrix m, long group, int column, int lane) {
        MemorySegment w = m.segment();
        return switch (m.type()) {
            case Q4_0 -> -8 * scale(m, group, column, lane);
            case Q5_0 -> -16 * scale(m, group, column, lane);
            case Q6_K -> -32 * scale(m, group, column, lane);
            case Q4_1, Q5_1 -> f16(w, half(group, (m.columns() + column) / 32, lane));
            default -> {
                long p = group + 20L * ROWS * (column / 256);
                yield -f16(w, half(p, 1, lane)) * w.get(ValueLayout.JAVA_BYTE, octet(p, 12 + column % 256 / 32, lane));
            }
        };
    }
}
