package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.L;
import static dev.lectern.kernel.Lanes.all;
import static dev.lectern.kernel.Lanes.f16;
import static dev.lectern.kernel.Lanes.i32;
import static dev.lectern.kernel.Lanes.i8;
import static dev.lectern.kernel.Lanes.toFloat;
import static dev.lectern.kernel.Lanes.unsigned;
import static dev.lectern.kernel.Lanes.x;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Rows of the formats with blocks of 256: Q4_K, Q5_K, Q6_K, at 256 or 512 bits. A load of packed bytes gives elements by its low nibbles and,
 * 32 columns further (Q6_K: 64), by its high ones. Products are summed as {@link VectorRows} says.
 */
final class KQuantRows {
    private KQuantRows() {}

    /** The eight 6-bit scales that the 12 bytes from {@code p} on hold beside as many minima, one a byte: {@link Blocks#scaleK}. */
    private static long scales(MemorySegment w, long p) {
        int first = i32(w, p);
        int last = i32(w, p + 8) & 0x0f0f0f0f | (first >>> 6 & 0x03030303) << 4;
        return first & 0x3f3f3f3f | (long) last << 32;
    }

    /** The eight minima: {@link Blocks#minimumK}. */
    private static long minima(MemorySegment w, long p) {
        int first = i32(w, p + 4);
        int last = i32(w, p + 8) >>> 4 & 0x0f0f0f0f | (first >>> 6 & 0x03030303) << 4;
        return first & 0x3f3f3f3f | (long) last << 32;
    }

    /** One of the eight, multiplied. */
    private static FloatVector times(float factor, long eight, int group) {
        return all(factor * (int) (eight >>> 8 * group & 63));
    }

    private static float scale6(MemorySegment w, long p, int column) {
        return f16(w, p + 208) * i8(w, p + 192 + column / 16);
    }

    /** The low nibbles of Q6_K with their upper bits, for 32 columns from {@code 64 · (packed / 64) …} on. */
    private static FloatVector low6(IntVector packed, IntVector upper) {
        return toFloat(packed.and(15)
                .or(upper.lanewise(VectorOperators.LSHL, 4).and(48))
                .sub(32));
    }

    private static FloatVector high6(IntVector packed, IntVector upper) {
        return toFloat(
                packed.lanewise(VectorOperators.LSHR, 4).or(upper.and(48)).sub(32));
    }

    static void decodeQ4_K(MemorySegment w, long p, int count, float[] out, int at) {
        for (int k = 0; k < count; k += 256, p += 144) {
            float scale = f16(w, p);
            float minimum = -f16(w, p + 2);
            long scales = scales(w, p + 4);
            long minima = minima(w, p + 4);
            for (int j = 0; j < 4; j++) {
                int o = at + k + 64 * j;
                FloatVector scale1 = times(scale, scales, 2 * j);
                FloatVector offset1 = times(minimum, minima, 2 * j);
                FloatVector scale2 = times(scale, scales, 2 * j + 1);
                FloatVector offset2 = times(minimum, minima, 2 * j + 1);
                for (int i = 0; i < 32; i += L) {
                    IntVector packed = unsigned(w, p + 16 + 32 * j + i);
                    toFloat(packed.and(15)).fma(scale1, offset1).intoArray(out, o + i);
                    toFloat(packed.lanewise(VectorOperators.LSHR, 4))
                            .fma(scale2, offset2)
                            .intoArray(out, o + 32 + i);
                }
            }
        }
    }

    static void dotQ4_K(MemorySegment w, long p, int count, float[] x, int at, float[] lanes, int to) {
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        for (int k = 0; k < count; k += 256, p += 144) {
            float scale = f16(w, p);
            float minimum = -f16(w, p + 2);
            long scales = scales(w, p + 4);
            long minima = minima(w, p + 4);
            for (int j = 0; j < 4; j++) {
                int o = at + k + 64 * j;
                FloatVector scale1 = times(scale, scales, 2 * j);
                FloatVector offset1 = times(minimum, minima, 2 * j);
                FloatVector scale2 = times(scale, scales, 2 * j + 1);
                FloatVector offset2 = times(minimum, minima, 2 * j + 1);
                for (int i = 0; i < 32; i += L) {
                    IntVector packed = unsigned(w, p + 16 + 32 * j + i);
                    first = toFloat(packed.and(15)).fma(scale1, offset1).fma(x(x, o + i), first);
                    second = toFloat(packed.lanewise(VectorOperators.LSHR, 4))
                            .fma(scale2, offset2)
                            .fma(x(x, o + 32 + i), second);
                }
            }
        }
        first.add(second).intoArray(lanes, to);
    }

    static void decodeQ5_K(MemorySegment w, long p, int count, float[] out, int at) {
        for (int k = 0; k < count; k += 256, p += 176) {
            float scale = f16(w, p);
            float minimum = -f16(w, p + 2);
            long scales = scales(w, p + 4);
            long minima = minima(w, p + 4);
            for (int j = 0; j < 4; j++) {
                int o = at + k + 64 * j;
                FloatVector scale1 = times(scale, scales, 2 * j);
                FloatVector offset1 = times(minimum, minima, 2 * j);
                FloatVector scale2 = times(scale, scales, 2 * j + 1);
                FloatVector offset2 = times(minimum, minima, 2 * j + 1);
                for (int i = 0; i < 32; i += L) {
                    IntVector packed = unsigned(w, p + 48 + 32 * j + i);
                    IntVector fifth = unsigned(w, p + 16 + i).lanewise(VectorOperators.LSHR, 2 * j);
                    toFloat(packed.and(15)
                                    .or(fifth.lanewise(VectorOperators.LSHL, 4).and(16)))
                            .fma(scale1, offset1)
                            .intoArray(out, o + i);
                    toFloat(packed.lanewise(VectorOperators.LSHR, 4)
                                    .or(fifth.lanewise(VectorOperators.LSHL, 3).and(16)))
                            .fma(scale2, offset2)
                            .intoArray(out, o + 32 + i);
                }
            }
        }
    }

    static void dotQ5_K(MemorySegment w, long p, int count, float[] x, int at, float[] lanes, int to) {
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        for (int k = 0; k < count; k += 256, p += 176) {
            float scale = f16(w, p);
            float minimum = -f16(w, p + 2);
            long scales = scales(w, p + 4);
            long minima = minima(w, p + 4);
            for (int j = 0; j < 4; j++) {
                int o = at + k + 64 * j;
                FloatVector scale1 = times(scale, scales, 2 * j);
                FloatVector offset1 = times(minimum, minima, 2 * j);
                FloatVector scale2 = times(scale, scales, 2 * j + 1);
                FloatVector offset2 = times(minimum, minima, 2 * j + 1);
                for (int i = 0; i < 32; i += L) {
                    IntVector packed = unsigned(w, p + 48 + 32 * j + i);
                    IntVector fifth = unsigned(w, p + 16 + i).lanewise(VectorOperators.LSHR, 2 * j);
                    first = toFloat(packed.and(15)
                                    .or(fifth.lanewise(VectorOperators.LSHL, 4).and(16)))
                            .fma(scale1, offset1)
                            .fma(x(x, o + i), first);
                    second = toFloat(packed.lanewise(VectorOperators.LSHR, 4)
                                    .or(fifth.lanewise(VectorOperators.LSHL, 3).and(16)))
                            .fma(scale2, offset2)
                            .fma(x(x, o + 32 + i), second);
                }
            }
        }
        first.add(second).intoArray(lanes, to);
    }

    static void decodeQ6_K(MemorySegment w, long p, int count, float[] out, int at) {
        for (int k = 0; k < count; k += 256, p += 210) {
            for (int j = 0; j < 4; j++) {
                // 32 of the packed bytes: columns c … c + 31 by their low nibbles, c + 64 … by their high ones
                int c = j / 2 * 128 + j % 2 * 32;
                for (int i = 0; i < 32; i += L) {
                    IntVector packed = unsigned(w, p + 32 * j + i);
                    IntVector upper = unsigned(w, p + 128 + j / 2 * 32 + i).lanewise(VectorOperators.LSHR, j % 2 * 2);
                    low6(packed, upper).mul(all(scale6(w, p, c + i))).intoArray(out, at + k + c + i);
                    high6(packed, upper).mul(all(scale6(w, p, c + 64 + i))).intoArray(out, at + k + c + 64 + i);
                }
            }
        }
    }

    static void dotQ6_K(MemorySegment w, long p, int count, float[] x, int at, float[] lanes, int to) {
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        for (int k = 0; k < count; k += 256, p += 210) {
            for (int j = 0; j < 4; j++) {
                int c = j / 2 * 128 + j % 2 * 32;
                for (int i = 0; i < 32; i += L) {
                    IntVector packed = unsigned(w, p + 32 * j + i);
                    IntVector upper = unsigned(w, p + 128 + j / 2 * 32 + i).lanewise(VectorOperators.LSHR, j % 2 * 2);
                    first = low6(packed, upper).mul(all(scale6(w, p, c + i))).fma(x(x, at + k + c + i), first);
                    second = high6(packed, upper)
                            .mul(all(scale6(w, p, c + 64 + i)))
                            .fma(x(x, at + k + c + 64 + i), second);
                }
            }
        }
        first.add(second).intoArray(lanes, to);
    }
}
