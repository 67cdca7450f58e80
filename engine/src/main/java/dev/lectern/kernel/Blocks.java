package dev.lectern.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The specification of the weight formats: what number each element of a block is, as ggml's reference quantisation code
 * ({@code ggml-quants.c}, {@code dequantize_row_*}) and the Python package {@code gguf} define it.
 *
 * <p>Scales are half floats, quants small integers. All products of the two have at most 24 significant bits, so they are exact in f32:
 * a fused multiply-add gives the same bits as a product and a sum. Damaged scales (infinite, NaN) give numbers that are infinite or NaN.
 */
public final class Blocks {
    /** The neutral element of addition: +0 would turn −0 into +0. */
    private static final float NO_OFFSET = -0.0f;

    private Blocks() {}

    /**
     * Decodes a part of a row.
     *
     * @param firstColumn a multiple of the type's block
     * @param count how many columns, whole blocks
     * @param out receives the numbers from index {@code at} on
     * @throws IllegalArgumentException if the part is not whole blocks within the row
     */
    public static void decode(Matrix m, int row, int firstColumn, int count, float[] out, int at) {
        ElementType type = m.type();
        int elements = type.blockElements();
        boolean inside =
                row >= 0 && row < m.rows() && firstColumn >= 0 && count >= 0 && firstColumn <= m.columns() - count;
        if (!inside || firstColumn % elements != 0 || count % elements != 0) {
            throw new IllegalArgumentException("columns " + firstColumn + " + " + count + " of row " + row
                    + " of a matrix of " + m.rows() + " x " + m.columns() + " in blocks of " + elements);
        }
        if (m.isInterleaved()) {
            Interleaved.decode(m, row, firstColumn, count, out, at);
        } else {
            decode(type, m.segment(), row * m.rowBytes() + type.bytes(firstColumn), count, out, at);
        }
    }

    /** Decodes whole blocks from byte {@code p} on. */
    static void decode(ElementType type, MemorySegment w, long p, int count, float[] out, int at) {
        byte[] block = new byte[type.blockBytes()];
        for (int done = 0; done < count; done += type.blockElements(), p += block.length) {
            MemorySegment.copy(w, ValueLayout.JAVA_BYTE, p, block, 0, block.length);
            decodeBlock(type, block, out, at + done);
        }
    }

    private static void decodeBlock(ElementType type, byte[] b, float[] out, int at) {
        switch (type) {
            case F32 -> out[at] = Float.intBitsToFloat(u16(b, 0) | u16(b, 2) << 16);
            case F16 -> out[at] = f16(b, 0);
            case BF16 -> out[at] = Float.intBitsToFloat(u16(b, 0) << 16);
            case Q8_0 -> q8(b, out, at);
            default -> {
                int zero = zero(type);
                for (int i = 0; i < type.blockElements(); i++) {
                    out[at + i] = scale(type, b, i) * (quant(type, b, i) - zero) + offset(type, b, i);
                }
            }
        }
    }

    private static void q8(byte[] b, float[] out, int at) {
        float scale = f16(b, 0);
        for (int i = 0; i < 32; i++) {
            out[at + i] = scale * b[2 + i];
        }
    }

    /**
     * The stored integer of element i, from 0 to 15, 31 or 63.
     *
     * <p>Blocks of 32: 16 bytes whose low nibbles are the first half of the block and whose high ones the second; before them four bytes of fifth bits, element 0 lowest.
     *
     * <p>Q4_K, Q5_K: groups of 32, two of which share 32 bytes of nibbles; the fifth bit of column c of group g is bit g of byte 16 + c. Q6_K: 128 bytes of low
     * nibbles, 64 of upper bit pairs, 16 signed scales of 16 elements each, one half float.
     */
    static int quant(ElementType type, byte[] b, int i) {
        return switch (type) {
            case Q4_0 -> nibble32(b, 2, i);
            case Q4_1 -> nibble32(b, 4, i);
            case Q5_0 -> nibble32(b, 6, i) | bit(b, 2, i) << 4;
            case Q5_1 -> nibble32(b, 8, i) | bit(b, 4, i) << 4;
            case Q8_0 -> b[2 + i] + 128;
            case Q4_K -> nibble256(b, 16, i);
            case Q5_K -> nibble256(b, 48, i) | (b[16 + i % 32] >>> i / 32 & 1) << 4;
            case Q6_K -> {
                int half = i / 128;
                int quarter = i % 128 / 32;
                int packed = half * 64 + i % 64;
                int nibble = quarter < 2 ? low(b, packed) : high(b, packed);
                yield nibble | (b[128 + half * 32 + i % 32] >>> 2 * quarter & 3) << 4;
            }
            default -> throw new IllegalArgumentException(type + " has no packed integers");
        };
    }

    private static int nibble32(byte[] b, int p, int i) {
        return i < 16 ? low(b, p + i) : high(b, p + i - 16);
    }

    private static int nibble256(byte[] b, int p, int i) {
        int packed = p + i / 64 * 32 + i % 32;
        return i / 32 % 2 == 0 ? low(b, packed) : high(b, packed);
    }

    private static int bit(byte[] b, int p, int i) {
        return b[p + i / 8] >>> i % 8 & 1;
    }

    /** What is subtracted from the integers. */
    private static int zero(ElementType type) {
        return switch (type) {
            case Q4_0 -> 8;
            case Q5_0 -> 16;
            case Q6_K -> 32;
            default -> 0;
        };
    }

    private static float scale(ElementType type, byte[] b, int i) {
        return switch (type) {
            case Q4_K, Q5_K -> f16(b, 0) * scaleK(b, i / 32);
            case Q6_K -> f16(b, 208) * b[192 + i / 16];
            default -> f16(b, 0);
        };
    }

    private static float offset(ElementType type, byte[] b, int i) {
        return switch (type) {
            case Q4_1, Q5_1 -> f16(b, 2);
            case Q4_K, Q5_K -> -(f16(b, 2) * minimumK(b, i / 32));
            default -> NO_OFFSET;
        };
    }

    /** The 6-bit scale of a group of Q4_K and Q5_K: bytes 4 to 15 hold eight scales and eight minima. */
    static int scaleK(byte[] b, int group) {
        return group < 4 ? b[4 + group] & 63 : b[8 + group] & 15 | (b[group] >>> 6 & 3) << 4;
    }

    /** The 6-bit minimum of a group of Q4_K and Q5_K. */
    static int minimumK(byte[] b, int group) {
        return group < 4 ? b[8 + group] & 63 : b[8 + group] >>> 4 & 15 | (b[4 + group] >>> 6 & 3) << 4;
    }

    private static int low(byte[] b, int p) {
        return b[p] & 15;
    }

    private static int high(byte[] b, int p) {
        return b[p] >>> 4 & 15;
    }

    private static int u16(byte[] b, int p) {
        return b[p] & 255 | (b[p + 1] & 255) << 8;
    }

    private static float f16(byte[] b, int p) {
        return Float.float16ToFloat(half(b, p));
    }

    /** The bits of a half float. */
    static short half(byte[] b, int p) {
        return (short) u16(b, p);
    }
}
