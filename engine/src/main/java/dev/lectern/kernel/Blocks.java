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
        decode(type, m.segment(), row * m.rowBytes() + type.bytes(firstColumn), count, out, at);
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
            case Q4_0 -> q4(b, 2, f16(b, 0), 8, NO_OFFSET, out, at);
            case Q4_1 -> q4(b, 4, f16(b, 0), 0, f16(b, 2), out, at);
            case Q5_0 -> q5(b, 2, f16(b, 0), 16, NO_OFFSET, out, at);
            case Q5_1 -> q5(b, 4, f16(b, 0), 0, f16(b, 2), out, at);
            case Q8_0 -> q8(b, out, at);
            case Q4_K -> q4k(b, out, at);
            case Q5_K -> q5k(b, out, at);
            case Q6_K -> q6k(b, out, at);
        }
    }

    /** 16 bytes: the low nibbles are the first half of the block, the high ones the second. */
    private static void q4(byte[] b, int p, float scale, int zero, float offset, float[] out, int at) {
        for (int i = 0; i < 16; i++) {
            out[at + i] = scale * (low(b, p + i) - zero) + offset;
            out[at + 16 + i] = scale * (high(b, p + i) - zero) + offset;
        }
    }

    /** Four bytes of fifth bits, element 0 lowest; then nibbles as in {@link #q4}. */
    private static void q5(byte[] b, int p, float scale, int zero, float offset, float[] out, int at) {
        int fifth = u16(b, p) | u16(b, p + 2) << 16;
        for (int i = 0; i < 16; i++) {
            int first = low(b, p + 4 + i) | (fifth >>> i & 1) << 4;
            int second = high(b, p + 4 + i) | (fifth >>> (i + 16) & 1) << 4;
            out[at + i] = scale * (first - zero) + offset;
            out[at + 16 + i] = scale * (second - zero) + offset;
        }
    }

    private static void q8(byte[] b, float[] out, int at) {
        float scale = f16(b, 0);
        for (int i = 0; i < 32; i++) {
            out[at + i] = scale * b[2 + i];
        }
    }

    /** Two half floats, eight groups of 32 with scale and minimum, then nibbles: two groups share 32 bytes. */
    private static void q4k(byte[] b, float[] out, int at) {
        for (int i = 0; i < 256; i++) {
            int group = i / 32;
            int packed = 16 + i / 64 * 32 + i % 32;
            int quant = group % 2 == 0 ? low(b, packed) : high(b, packed);
            out[at + i] = f16(b, 0) * scaleK(b, group) * quant - f16(b, 2) * minimumK(b, group);
        }
    }

    /** As {@link #q4k}; before the nibbles, the fifth bit of column {@code c} of group {@code g} is bit {@code g} of byte {@code 16 + c}. */
    private static void q5k(byte[] b, float[] out, int at) {
        for (int i = 0; i < 256; i++) {
            int group = i / 32;
            int packed = 48 + i / 64 * 32 + i % 32;
            int quant = group % 2 == 0 ? low(b, packed) : high(b, packed);
            quant |= (b[16 + i % 32] >>> group & 1) << 4;
            out[at + i] = f16(b, 0) * scaleK(b, group) * quant - f16(b, 2) * minimumK(b, group);
        }
    }

    /** 128 bytes of low nibbles, 64 of upper bit pairs, 16 signed scales of 16 elements each, one half float. */
    private static void q6k(byte[] b, float[] out, int at) {
        for (int i = 0; i < 256; i++) {
            int half = i / 128;
            int quarter = i % 128 / 32;
            int packed = half * 64 + i % 64;
            int nibble = quarter < 2 ? low(b, packed) : high(b, packed);
            int pair = b[128 + half * 32 + i % 32] >>> 2 * quarter & 3;
            out[at + i] = f16(b, 208) * b[192 + i / 16] * ((nibble | pair << 4) - 32);
        }
    }

    /** The 6-bit scale of a group of Q4_K and Q5_K: bytes 4 to 15 hold eight scales and eight minima. */
    private static int scaleK(byte[] b, int group) {
        return group < 4 ? b[4 + group] & 63 : b[8 + group] & 15 | (b[group] >>> 6 & 3) << 4;
    }

    /** The 6-bit minimum of a group of Q4_K and Q5_K. */
    private static int minimumK(byte[] b, int group) {
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
        return Float.float16ToFloat((short) u16(b, p));
    }
}
