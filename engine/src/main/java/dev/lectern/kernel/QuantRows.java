package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.I;
import static dev.lectern.kernel.Lanes.L;
import static dev.lectern.kernel.Lanes.all;
import static dev.lectern.kernel.Lanes.f16;
import static dev.lectern.kernel.Lanes.i32;
import static dev.lectern.kernel.Lanes.signed;
import static dev.lectern.kernel.Lanes.toFloat;
import static dev.lectern.kernel.Lanes.unsigned;
import static dev.lectern.kernel.Lanes.x;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Rows of the formats with blocks of 32: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, at 256 or 512 bits. A load of packed bytes gives
 * elements of the first half of a block (low nibbles) and, 16 columns further, of the second (high nibbles). Products are summed as {@link VectorRows} says.
 */
final class QuantRows {
    private static final IntVector LANE = IntVector.zero(I).addIndex(1);

    private QuantRows() {}

    /** Lane {@code i}: bit 0 is the fifth bit of element {@code i}, bit 16 that of element {@code i + 16}. */
    private static IntVector fifthBits(MemorySegment w, long p) {
        return IntVector.broadcast(I, i32(w, p)).lanewise(VectorOperators.LSHR, LANE);
    }

    static void decodeQ4_0(MemorySegment w, long p, int count, float[] out, int at) {
        for (int k = 0; k < count; k += 32, p += 18) {
            FloatVector scale = all(f16(w, p));
            for (int i = 0; i < 16; i += L) {
                IntVector pair = unsigned(w, p + 2 + i);
                toFloat(pair.and(15).sub(8)).mul(scale).intoArray(out, at + k + i);
                toFloat(pair.lanewise(VectorOperators.LSHR, 4).sub(8))
                        .mul(scale)
                        .intoArray(out, at + k + 16 + i);
            }
        }
    }

    static void decodeQ4_1(MemorySegment w, long p, int count, float[] out, int at) {
        for (int k = 0; k < count; k += 32, p += 20) {
            FloatVector scale = all(f16(w, p));
            FloatVector offset = all(f16(w, p + 2));
            for (int i = 0; i < 16; i += L) {
                IntVector pair = unsigned(w, p + 4 + i);
                toFloat(pair.and(15)).fma(scale, offset).intoArray(out, at + k + i);
                toFloat(pair.lanewise(VectorOperators.LSHR, 4))
                        .fma(scale, offset)
                        .intoArray(out, at + k + 16 + i);
            }
        }
    }

    static void decodeQ5_0(MemorySegment w, long p, int count, float[] out, int at) {
        for (int k = 0; k < count; k += 32, p += 22) {
            FloatVector scale = all(f16(w, p));
            IntVector fifth = fifthBits(w, p + 2);
            for (int i = 0; i < 16; i += L) {
                IntVector pair = unsigned(w, p + 6 + i);
                IntVector upper = fifth.lanewise(VectorOperators.LSHR, i);
                toFloat(pair.and(15)
                                .or(upper.lanewise(VectorOperators.LSHL, 4).and(16))
                                .sub(16))
                        .mul(scale)
                        .intoArray(out, at + k + i);
                toFloat(pair.lanewise(VectorOperators.LSHR, 4)
                                .or(upper.lanewise(VectorOperators.LSHR, 12).and(16))
                                .sub(16))
                        .mul(scale)
                        .intoArray(out, at + k + 16 + i);
            }
        }
    }

    static void decodeQ5_1(MemorySegment w, long p, int count, float[] out, int at) {
        for (int k = 0; k < count; k += 32, p += 24) {
            FloatVector scale = all(f16(w, p));
            FloatVector offset = all(f16(w, p + 2));
            IntVector fifth = fifthBits(w, p + 4);
            for (int i = 0; i < 16; i += L) {
                IntVector pair = unsigned(w, p + 8 + i);
                IntVector upper = fifth.lanewise(VectorOperators.LSHR, i);
                toFloat(pair.and(15).or(upper.lanewise(VectorOperators.LSHL, 4).and(16)))
                        .fma(scale, offset)
                        .intoArray(out, at + k + i);
                toFloat(pair.lanewise(VectorOperators.LSHR, 4)
                                .or(upper.lanewise(VectorOperators.LSHR, 12).and(16)))
                        .fma(scale, offset)
                        .intoArray(out, at + k + 16 + i);
            }
        }
    }

    static void decodeQ8_0(MemorySegment w, long p, int count, float[] out, int at) {
        for (int k = 0; k < count; k += 32, p += 34) {
            FloatVector scale = all(f16(w, p));
            for (int i = 0; i < 16; i += L) {
                signed(w, p + 2 + i).mul(scale).intoArray(out, at + k + i);
                signed(w, p + 18 + i).mul(scale).intoArray(out, at + k + 16 + i);
            }
        }
    }

    static void dotQ4_0(MemorySegment w, long p, int count, float[] x, int at, float[] lanes, int to) {
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        for (int k = 0; k < count; k += 32, p += 18) {
            FloatVector scale = all(f16(w, p));
            for (int i = 0; i < 16; i += L) {
                IntVector pair = unsigned(w, p + 2 + i);
                first = toFloat(pair.and(15).sub(8)).mul(scale).fma(x(x, at + k + i), first);
                second = toFloat(pair.lanewise(VectorOperators.LSHR, 4).sub(8))
                        .mul(scale)
                        .fma(x(x, at + k + 16 + i), second);
            }
        }
        first.add(second).intoArray(lanes, to);
    }

    static void dotQ4_1(MemorySegment w, long p, int count, float[] x, int at, float[] lanes, int to) {
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        for (int k = 0; k < count; k += 32, p += 20) {
            FloatVector scale = all(f16(w, p));
            FloatVector offset = all(f16(w, p + 2));
            for (int i = 0; i < 16; i += L) {
                IntVector pair = unsigned(w, p + 4 + i);
                first = toFloat(pair.and(15)).fma(scale, offset).fma(x(x, at + k + i), first);
                second = toFloat(pair.lanewise(VectorOperators.LSHR, 4))
                        .fma(scale, offset)
                        .fma(x(x, at + k + 16 + i), second);
            }
        }
        first.add(second).intoArray(lanes, to);
    }

    static void dotQ5_0(MemorySegment w, long p, int count, float[] x, int at, float[] lanes, int to) {
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        for (int k = 0; k < count; k += 32, p += 22) {
            FloatVector scale = all(f16(w, p));
            IntVector fifth = fifthBits(w, p + 2);
            for (int i = 0; i < 16; i += L) {
                IntVector pair = unsigned(w, p + 6 + i);
                IntVector upper = fifth.lanewise(VectorOperators.LSHR, i);
                first = toFloat(pair.and(15)
                                .or(upper.lanewise(VectorOperators.LSHL, 4).and(16))
                                .sub(16))
                        .mul(scale)
                        .fma(x(x, at + k + i), first);
                second = toFloat(pair.lanewise(VectorOperators.LSHR, 4)
                                .or(upper.lanewise(VectorOperators.LSHR, 12).and(16))
                                .sub(16))
                        .mul(scale)
                        .fma(x(x, at + k + 16 + i), second);
            }
        }
        first.add(second).intoArray(lanes, to);
    }

    static void dotQ5_1(MemorySegment w, long p, int count, float[] x, int at, float[] lanes, int to) {
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        for (int k = 0; k < count; k += 32, p += 24) {
            FloatVector scale = all(f16(w, p));
            FloatVector offset = all(f16(w, p + 2));
            IntVector fifth = fifthBits(w, p + 4);
            for (int i = 0; i < 16; i += L) {
                IntVector pair = unsigned(w, p + 8 + i);
                IntVector upper = fifth.lanewise(VectorOperators.LSHR, i);
                first = toFloat(pair.and(15)
                                .or(upper.lanewise(VectorOperators.LSHL, 4).and(16)))
                        .fma(scale, offset)
                        .fma(x(x, at + k + i), first);
                second = toFloat(pair.lanewise(VectorOperators.LSHR, 4)
                                .or(upper.lanewise(VectorOperators.LSHR, 12).and(16)))
                        .fma(scale, offset)
                        .fma(x(x, at + k + 16 + i), second);
            }
        }
        first.add(second).intoArray(lanes, to);
    }

    static void dotQ8_0(MemorySegment w, long p, int count, float[] x, int at, float[] lanes, int to) {
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        for (int k = 0; k < count; k += 32, p += 34) {
            FloatVector scale = all(f16(w, p));
            for (int i = 0; i < 16; i += L) {
                first = signed(w, p + 2 + i).mul(scale).fma(x(x, at + k + i), first);
                second = signed(w, p + 18 + i).mul(scale).fma(x(x, at + k + 16 + i), second);
            }
        }
        first.add(second).intoArray(lanes, to);
    }
}
