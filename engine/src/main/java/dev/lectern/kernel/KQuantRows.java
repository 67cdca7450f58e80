package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.L;
import static dev.lectern.kernel.Lanes.all;
import static dev.lectern.kernel.Lanes.bytes;
import static dev.lectern.kernel.Lanes.f16;
import static dev.lectern.kernel.Lanes.i32;
import static dev.lectern.kernel.Lanes.signed;
import static dev.lectern.kernel.Lanes.toFloat;
import static dev.lectern.kernel.Lanes.unsigned;
import static dev.lectern.kernel.Lanes.x;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rows of the formats with blocks of 256: Q4_K, Q5_K, Q6_K, at 256 or 512 bits. A load of packed bytes gives elements by its low nibbles and,
 * 32 columns further (Q6_K: 64), by its high ones. Products are summed as {@link VectorRows} says.
 */
final class KQuantRows {
    private static final VectorSpecies<Byte> B32 = ByteVector.SPECIES_256;

    private static final int BYTES6 = Scratch.UNPACKED / 256 * 210;

    private static final MethodHandle[] UNPACK = {
        VectorRows.kernel(
                KQuantRows.class,
                "unpackQ6_K",
                MethodType.methodType(
                        void.class, MemorySegment.class, long.class, int.class, byte[].class, float[].class))
    };

    private KQuantRows() {}

    /** The eight 6-bit scales that the 12 bytes from {@code p} on hold beside as many minima, one a byte: see {@link Blocks}. */
    private static long scales(MemorySegment w, long p) {
        int first = i32(w, p);
        int last = i32(w, p + 8) & 0x0f0f0f0f | (first >>> 6 & 0x03030303) << 4;
        return first & 0x3f3f3f3f | (long) last << 32;
    }

    /** The eight minima that stand beside the scales. */
    private static long minima(MemorySegment w, long p) {
        int first = i32(w, p + 4);
        int last = i32(w, p + 8) >>> 4 & 0x0f0f0f0f | (first >>> 6 & 0x03030303) << 4;
        return first & 0x3f3f3f3f | (long) last << 32;
    }

    /** One of the eight, multiplied. */
    private static FloatVector times(float factor, long eight, int group) {
        return all(factor * (int) (eight >>> 8 * group & 63));
    }

    /**
     * Unpacks columns of Q6_K to signed bytes and scales. Working on 32 bytes at a time costs a third of working on integers, though the bytes make a turn
     * through the cache (Zen 4, 512 bits: 10 instead of 6 billion weights a second).
     */
    static void unpackQ6_K(MemorySegment w, long p, int count, byte[] quants, float[] scales) {
        for (int k = 0; k < count; k += 256, p += 210) {
            for (int half = 0; half < 2; half++) {
                ByteVector upper = bytes(B32, w, p + 128 + 32 * half);
                for (int quarter = 0; quarter < 2; quarter++) {
                    ByteVector packed = bytes(B32, w, p + 64 * half + 32 * quarter);
                    ByteVector pairs = shiftRight(upper, 2 * quarter);
                    int at = k + 128 * half + 32 * quarter;
                    packed.and((byte) 15)
                            .or(shiftLeft4(pairs.and((byte) 3)))
                            .sub((byte) 32)
                            .intoArray(quants, at);
                    shiftRight(packed, 4)
                            .and((byte) 15)
                            .or(pairs.and((byte) 48))
                            .sub((byte) 32)
                            .intoArray(quants, at + 64);
                }
            }
            float scale = f16(w, p + 208);
            for (int i = 0; i < 16; i += L) {
                signed(w, p + 192 + i).mul(scale).intoArray(scales, k / 16 + i);
            }
        }
    }

    /** {@link #unpackQ6_K} to the scratch, compiled by itself like all kernels: see {@link VectorRows}. */
    private static void unpack(MemorySegment w, long p, int count, Scratch s) {
        try {
            UNPACK[0].invokeExact(w, p, count, s.quants, s.scales);
        } catch (Throwable e) {
            throw VectorRows.unchecked(e);
        }
    }

    /** Bits of the next byte come in from above: to be masked away. There is no shift of bytes on x86. */
    private static ByteVector shiftRight(ByteVector v, int bits) {
        return v.reinterpretAsInts().lanewise(VectorOperators.LSHR, bits).reinterpretAsBytes();
    }

    private static ByteVector shiftLeft4(ByteVector v) {
        return v.reinterpretAsInts().lanewise(VectorOperators.LSHL, 4).reinterpretAsBytes();
    }

    static void decodeQ4_K(
            MemorySegment w, long p, long rowBytes, int rows, int count, float[] out, int at, int stride, Scratch s) {
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            int to = at + r * stride;
            for (int k = 0; k < count; k += 256, q += 144) {
                float scale = f16(w, q);
                float minimum = -f16(w, q + 2);
                long scales = scales(w, q + 4);
                long minima = minima(w, q + 4);
                for (int j = 0; j < 4; j++) {
                    int o = to + k + 64 * j;
                    FloatVector scale1 = times(scale, scales, 2 * j);
                    FloatVector offset1 = times(minimum, minima, 2 * j);
                    FloatVector scale2 = times(scale, scales, 2 * j + 1);
                    FloatVector offset2 = times(minimum, minima, 2 * j + 1);
                    for (int i = 0; i < 32; i += L) {
                        IntVector packed = unsigned(w, q + 16 + 32 * j + i);
                        toFloat(packed.and(15)).fma(scale1, offset1).intoArray(out, o + i);
                        toFloat(packed.lanewise(VectorOperators.LSHR, 4))
                                .fma(scale2, offset2)
                                .intoArray(out, o + 32 + i);
                    }
                }
            }
        }
    }

    static void dotQ4_K(MemorySegment w, long p, long rowBytes, int rows, int count, float[] x, int at, Scratch s) {
        float[] lanes = s.lanes;
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            FloatVector first = FloatVector.zero(F);
            FloatVector second = first;
            for (int k = 0; k < count; k += 256, q += 144) {
                float scale = f16(w, q);
                float minimum = -f16(w, q + 2);
                long scales = scales(w, q + 4);
                long minima = minima(w, q + 4);
                for (int j = 0; j < 4; j++) {
                    int o = at + k + 64 * j;
                    FloatVector scale1 = times(scale, scales, 2 * j);
                    FloatVector offset1 = times(minimum, minima, 2 * j);
                    FloatVector scale2 = times(scale, scales, 2 * j + 1);
                    FloatVector offset2 = times(minimum, minima, 2 * j + 1);
                    for (int i = 0; i < 32; i += L) {
                        IntVector packed = unsigned(w, q + 16 + 32 * j + i);
                        first = toFloat(packed.and(15)).fma(scale1, offset1).fma(x(x, o + i), first);
                        second = toFloat(packed.lanewise(VectorOperators.LSHR, 4))
                                .fma(scale2, offset2)
                                .fma(x(x, o + 32 + i), second);
                    }
                }
            }
            first.add(second).intoArray(lanes, r * L);
        }
    }

    static void decodeQ5_K(
            MemorySegment w, long p, long rowBytes, int rows, int count, float[] out, int at, int stride, Scratch s) {
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            int to = at + r * stride;
            for (int k = 0; k < count; k += 256, q += 176) {
                float scale = f16(w, q);
                float minimum = -f16(w, q + 2);
                long scales = scales(w, q + 4);
                long minima = minima(w, q + 4);
                for (int j = 0; j < 4; j++) {
                    int o = to + k + 64 * j;
                    FloatVector scale1 = times(scale, scales, 2 * j);
                    FloatVector offset1 = times(minimum, minima, 2 * j);
                    FloatVector scale2 = times(scale, scales, 2 * j + 1);
                    FloatVector offset2 = times(minimum, minima, 2 * j + 1);
                    for (int i = 0; i < 32; i += L) {
                        IntVector packed = unsigned(w, q + 48 + 32 * j + i);
                        IntVector fifth = unsigned(w, q + 16 + i).lanewise(VectorOperators.LSHR, 2 * j);
                        toFloat(packed.and(15)
                                        .or(fifth.lanewise(VectorOperators.LSHL, 4)
                                                .and(16)))
                                .fma(scale1, offset1)
                                .intoArray(out, o + i);
                        toFloat(packed.lanewise(VectorOperators.LSHR, 4)
                                        .or(fifth.lanewise(VectorOperators.LSHL, 3)
                                                .and(16)))
                                .fma(scale2, offset2)
                                .intoArray(out, o + 32 + i);
                    }
                }
            }
        }
    }

    static void dotQ5_K(MemorySegment w, long p, long rowBytes, int rows, int count, float[] x, int at, Scratch s) {
        float[] lanes = s.lanes;
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            FloatVector first = FloatVector.zero(F);
            FloatVector second = first;
            for (int k = 0; k < count; k += 256, q += 176) {
                float scale = f16(w, q);
                float minimum = -f16(w, q + 2);
                long scales = scales(w, q + 4);
                long minima = minima(w, q + 4);
                for (int j = 0; j < 4; j++) {
                    int o = at + k + 64 * j;
                    FloatVector scale1 = times(scale, scales, 2 * j);
                    FloatVector offset1 = times(minimum, minima, 2 * j);
                    FloatVector scale2 = times(scale, scales, 2 * j + 1);
                    FloatVector offset2 = times(minimum, minima, 2 * j + 1);
                    for (int i = 0; i < 32; i += L) {
                        IntVector packed = unsigned(w, q + 48 + 32 * j + i);
                        IntVector fifth = unsigned(w, q + 16 + i).lanewise(VectorOperators.LSHR, 2 * j);
                        first = toFloat(packed.and(15)
                                        .or(fifth.lanewise(VectorOperators.LSHL, 4)
                                                .and(16)))
                                .fma(scale1, offset1)
                                .fma(x(x, o + i), first);
                        second = toFloat(packed.lanewise(VectorOperators.LSHR, 4)
                                        .or(fifth.lanewise(VectorOperators.LSHL, 3)
                                                .and(16)))
                                .fma(scale2, offset2)
                                .fma(x(x, o + 32 + i), second);
                    }
                }
            }
            first.add(second).intoArray(lanes, r * L);
        }
    }

    static void decodeQ6_K(
            MemorySegment w, long p, long rowBytes, int rows, int count, float[] out, int at, int stride, Scratch s) {
        byte[] quants = s.quants;
        float[] scales = s.scales;
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            for (int k = 0; k < count; k += Scratch.UNPACKED, q += BYTES6) {
                int some = Math.min(Scratch.UNPACKED, count - k);
                unpack(w, q, some, s);
                int to = at + r * stride + k;
                for (int j = 0; j < some; j += 16) {
                    for (int i = 0; i < 16; i += L) {
                        signed(quants, j + i).mul(scales[j / 16]).intoArray(out, to + j + i);
                    }
                }
            }
        }
    }

    static void dotQ6_K(MemorySegment w, long p, long rowBytes, int rows, int count, float[] x, int at, Scratch s) {
        byte[] quants = s.quants;
        float[] scales = s.scales;
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            FloatVector first = FloatVector.zero(F);
            FloatVector second = first;
            for (int k = 0; k < count; k += Scratch.UNPACKED, q += BYTES6) {
                int some = Math.min(Scratch.UNPACKED, count - k);
                unpack(w, q, some, s);
                for (int j = 0; j < some; j += 32) {
                    for (int i = 0; i < 16; i += L) {
                        int o = at + k + j + i;
                        first = signed(quants, j + i).mul(scales[j / 16]).fma(x(x, o), first);
                        second = signed(quants, j + i + 16)
                                .mul(scales[j / 16 + 1])
                                .fma(x(x, o + 16), second);
                    }
                }
            }
            first.add(second).intoArray(s.lanes, r * L);
        }
    }
}
