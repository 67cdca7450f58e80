package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.B;
import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.I;
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
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Rows of the formats with blocks of 32: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, at 256 or 512 bits. A load of packed bytes gives
 * elements of the first half of a block (low nibbles) and, 16 columns further, of the second (high nibbles). Products are summed as {@link VectorRows} says.
 */
final class QuantRows {
    private static final IntVector LANE = IntVector.zero(I).addIndex(1);

    /** With 512 bits a load takes all 16 bytes of a block, and their fifth bits fit mask registers. */
    private static final boolean WHOLE = L == 16;

    private QuantRows() {}

    /** Low nibbles with bits 0, 1 … of {@code fifth} above them, less {@code zero}. */
    private static FloatVector first5(MemorySegment w, long p, int fifth, int zero) {
        if (WHOLE) {
            ByteVector low = bytes(B, w, p).and((byte) 15);
            return (FloatVector) with5(low, fifth & 0xffff, zero).castShape(F, 0);
        }
        IntVector bits = IntVector.broadcast(I, fifth << 4).lanewise(VectorOperators.LSHR, LANE);
        return toFloat(unsigned(w, p).and(15).or(bits.and(16)).sub(zero));
    }

    /** High nibbles with bits 16, 17 … of {@code fifth} above them, less {@code zero}. */
    private static FloatVector second5(MemorySegment w, long p, int fifth, int zero) {
        if (WHOLE) {
            ByteVector shifted = bytes(B, w, p)
                    .reinterpretAsInts()
                    .lanewise(VectorOperators.LSHR, 4)
                    .reinterpretAsBytes();
            return (FloatVector)
                    with5(shifted.and((byte) 15), fifth >>> 16, zero).castShape(F, 0);
        }
        IntVector bits = IntVector.broadcast(I, fifth >>> 12).lanewise(VectorOperators.LSHR, LANE);
        return toFloat(unsigned(w, p)
                .lanewise(VectorOperators.LSHR, 4)
                .or(bits.and(16))
                .sub(zero));
    }

    private static ByteVector with5(ByteVector nibbles, int fifth, int zero) {
        return nibbles.sub((byte) zero).lanewise(VectorOperators.ADD, (byte) 16, VectorMask.fromLong(B, fifth));
    }

    static void decodeQ4_0(
            MemorySegment w, long p, long rowBytes, int rows, int count, float[] out, int at, int stride, Scratch s) {
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            int to = at + r * stride;
            for (int k = 0; k < count; k += 32, q += 18) {
                FloatVector scale = all(f16(w, q));
                for (int i = 0; i < 16; i += L) {
                    IntVector pair = unsigned(w, q + 2 + i);
                    toFloat(pair.and(15).sub(8)).mul(scale).intoArray(out, to + k + i);
                    toFloat(pair.lanewise(VectorOperators.LSHR, 4).sub(8))
                            .mul(scale)
                            .intoArray(out, to + k + 16 + i);
                }
            }
        }
    }

    static void decodeQ4_1(
            MemorySegment w, long p, long rowBytes, int rows, int count, float[] out, int at, int stride, Scratch s) {
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            int to = at + r * stride;
            for (int k = 0; k < count; k += 32, q += 20) {
                FloatVector scale = all(f16(w, q));
                FloatVector offset = all(f16(w, q + 2));
                for (int i = 0; i < 16; i += L) {
                    IntVector pair = unsigned(w, q + 4 + i);
                    toFloat(pair.and(15)).fma(scale, offset).intoArray(out, to + k + i);
                    toFloat(pair.lanewise(VectorOperators.LSHR, 4))
                            .fma(scale, offset)
                            .intoArray(out, to + k + 16 + i);
                }
            }
        }
    }

    static void decodeQ5_0(
            MemorySegment w, long p, long rowBytes, int rows, int count, float[] out, int at, int stride, Scratch s) {
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            int to = at + r * stride;
            for (int k = 0; k < count; k += 32, q += 22) {
                FloatVector scale = all(f16(w, q));
                int fifth = i32(w, q + 2);
                for (int i = 0; i < 16; i += L) {
                    first5(w, q + 6 + i, fifth >>> i, 16).mul(scale).intoArray(out, to + k + i);
                    second5(w, q + 6 + i, fifth >>> i, 16).mul(scale).intoArray(out, to + k + 16 + i);
                }
            }
        }
    }

    static void decodeQ5_1(
            MemorySegment w, long p, long rowBytes, int rows, int count, float[] out, int at, int stride, Scratch s) {
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            int to = at + r * stride;
            for (int k = 0; k < count; k += 32, q += 24) {
                FloatVector scale = all(f16(w, q));
                FloatVector offset = all(f16(w, q + 2));
                int fifth = i32(w, q + 4);
                for (int i = 0; i < 16; i += L) {
                    first5(w, q + 8 + i, fifth >>> i, 0).fma(scale, offset).intoArray(out, to + k + i);
                    second5(w, q + 8 + i, fifth >>> i, 0).fma(scale, offset).intoArray(out, to + k + 16 + i);
                }
            }
        }
    }

    static void decodeQ8_0(
            MemorySegment w, long p, long rowBytes, int rows, int count, float[] out, int at, int stride, Scratch s) {
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            int to = at + r * stride;
            for (int k = 0; k < count; k += 32, q += 34) {
                FloatVector scale = all(f16(w, q));
                for (int i = 0; i < 16; i += L) {
                    signed(w, q + 2 + i).mul(scale).intoArray(out, to + k + i);
                    signed(w, q + 18 + i).mul(scale).intoArray(out, to + k + 16 + i);
                }
            }
        }
    }

    static void dotQ4_0(MemorySegment w, long p, long rowBytes, int rows, int count, float[] x, int at, Scratch s) {
        float[] lanes = s.lanes;
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            FloatVector first = FloatVector.zero(F);
            FloatVector second = first;
            for (int k = 0; k < count; k += 32, q += 18) {
                FloatVector scale = all(f16(w, q));
                for (int i = 0; i < 16; i += L) {
                    IntVector pair = unsigned(w, q + 2 + i);
                    first = toFloat(pair.and(15).sub(8)).mul(scale).fma(x(x, at + k + i), first);
                    second = toFloat(pair.lanewise(VectorOperators.LSHR, 4).sub(8))
                            .mul(scale)
                            .fma(x(x, at + k + 16 + i), second);
                }
            }
            first.add(second).intoArray(lanes, r * L);
        }
    }

    static void dotQ4_1(MemorySegment w, long p, long rowBytes, int rows, int count, float[] x, int at, Scratch s) {
        float[] lanes = s.lanes;
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            FloatVector first = FloatVector.zero(F);
            FloatVector second = first;
            for (int k = 0; k < count; k += 32, q += 20) {
                FloatVector scale = all(f16(w, q));
                FloatVector offset = all(f16(w, q + 2));
                for (int i = 0; i < 16; i += L) {
                    IntVector pair = unsigned(w, q + 4 + i);
                    first = toFloat(pair.and(15)).fma(scale, offset).fma(x(x, at + k + i), first);
                    second = toFloat(pair.lanewise(VectorOperators.LSHR, 4))
                            .fma(scale, offset)
                            .fma(x(x, at + k + 16 + i), second);
                }
            }
            first.add(second).intoArray(lanes, r * L);
        }
    }

    static void dotQ5_0(MemorySegment w, long p, long rowBytes, int rows, int count, float[] x, int at, Scratch s) {
        float[] lanes = s.lanes;
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            FloatVector first = FloatVector.zero(F);
            FloatVector second = first;
            for (int k = 0; k < count; k += 32, q += 22) {
                FloatVector scale = all(f16(w, q));
                int fifth = i32(w, q + 2);
                for (int i = 0; i < 16; i += L) {
                    first = first5(w, q + 6 + i, fifth >>> i, 16).mul(scale).fma(x(x, at + k + i), first);
                    second = second5(w, q + 6 + i, fifth >>> i, 16).mul(scale).fma(x(x, at + k + 16 + i), second);
                }
            }
            first.add(second).intoArray(lanes, r * L);
        }
    }

    static void dotQ5_1(MemorySegment w, long p, long rowBytes, int rows, int count, float[] x, int at, Scratch s) {
        float[] lanes = s.lanes;
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            FloatVector first = FloatVector.zero(F);
            FloatVector second = first;
            for (int k = 0; k < count; k += 32, q += 24) {
                FloatVector scale = all(f16(w, q));
                FloatVector offset = all(f16(w, q + 2));
                int fifth = i32(w, q + 4);
                for (int i = 0; i < 16; i += L) {
                    first = first5(w, q + 8 + i, fifth >>> i, 0)
                            .fma(scale, offset)
                            .fma(x(x, at + k + i), first);
                    second = second5(w, q + 8 + i, fifth >>> i, 0)
                            .fma(scale, offset)
                            .fma(x(x, at + k + 16 + i), second);
                }
            }
            first.add(second).intoArray(lanes, r * L);
        }
    }

    static void dotQ8_0(MemorySegment w, long p, long rowBytes, int rows, int count, float[] x, int at, Scratch s) {
        float[] lanes = s.lanes;
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            FloatVector first = FloatVector.zero(F);
            FloatVector second = first;
            for (int k = 0; k < count; k += 32, q += 34) {
                FloatVector scale = all(f16(w, q));
                for (int i = 0; i < 16; i += L) {
                    first = signed(w, q + 2 + i).mul(scale).fma(x(x, at + k + i), first);
                    second = signed(w, q + 18 + i).mul(scale).fma(x(x, at + k + 16 + i), second);
                }
            }
            first.add(second).intoArray(lanes, r * L);
        }
    }
}
