package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.I;
import static dev.lectern.kernel.Lanes.L;
import static dev.lectern.kernel.Lanes.WIDE;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rows of F32, F16 and BF16: the kernels behind {@link VectorRows}.
 */
final class FloatRows {
    private static final VectorSpecies<Byte> HALF = VectorSpecies.of(byte.class, VectorShape.forBitSize(16 * L));

    private FloatRows() {}

    private static FloatVector f32(MemorySegment w, long p) {
        return Lanes.bytes(WIDE, w, p).reinterpretAsFloats();
    }

    private static FloatVector bf16(MemorySegment w, long p) {
        return halves(w, p).lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    private static IntVector halves(MemorySegment w, long p) {
        ShortVector shorts = Lanes.bytes(HALF, w, p).reinterpretAsShorts();
        return (IntVector) shorts.convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
    }

    static void decodeF32(
            MemorySegment w, long p, long rowBytes, int rows, int count, float[] out, int at, int stride, Scratch s) {
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            int to = at + r * stride;
            int i = 0;
            for (; i <= count - L; i += L) {
                f32(w, q + 4 * i).intoArray(out, to + i);
            }
            for (; i < count; i++) {
                out[to + i] = Float.intBitsToFloat(Lanes.i32(w, q + 4L * i));
            }
        }
    }

    static void decodeF16(
            MemorySegment w, long p, long rowBytes, int rows, int count, float[] out, int at, int stride, Scratch s) {
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            int to = at + r * stride;
            for (int i = 0; i < count; i++) {
                out[to + i] = Lanes.f16(
                        w, q + 2L * i); // the compiler makes vectors of this by itself, twice as fast as ours would be
            }
        }
    }

    static void decodeBF16(
            MemorySegment w, long p, long rowBytes, int rows, int count, float[] out, int at, int stride, Scratch s) {
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            int to = at + r * stride;
            int i = 0;
            for (; i <= count - L; i += L) {
                bf16(w, q + 2 * i).intoArray(out, to + i);
            }
            for (; i < count; i++) {
                out[to + i] = Lanes.bf16(w, q + 2L * i);
            }
        }
    }

    static void dotF32(MemorySegment w, long p, long rowBytes, int rows, int count, float[] x, int at, Scratch s) {
        float[] lanes = s.lanes;
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            FloatVector first = FloatVector.zero(F);
            FloatVector second = first;
            for (int k = 0; k < count; k += 32) {
                for (int i = 0; i < 16; i += L) {
                    first = f32(w, q + 4 * (k + i)).fma(Lanes.x(x, at + k + i), first);
                    second = f32(w, q + 4 * (k + i + 16)).fma(Lanes.x(x, at + k + i + 16), second);
                }
            }
            first.add(second).intoArray(lanes, r * L);
        }
    }

    /** Converting a vector of F16 takes so many operations that they are not compiled well with others: a row is converted, then multiplied. */
    static void dotF16(MemorySegment w, long p, long rowBytes, int rows, int count, float[] x, int at, Scratch s) {
        s.row = Scratch.grown(s.row, count);
        for (int r = 0; r < rows; r++) {
            decodeF16(w, p + r * rowBytes, rowBytes, 1, count, s.row, 0, 0, s);
            VectorRows.dotDecoded(s.row, count, x, at, s.lanes, r * L);
        }
    }

    static void dotBF16(MemorySegment w, long p, long rowBytes, int rows, int count, float[] x, int at, Scratch s) {
        float[] lanes = s.lanes;
        for (int r = 0; r < rows; r++) {
            long q = p + r * rowBytes;
            FloatVector first = FloatVector.zero(F);
            FloatVector second = first;
            for (int k = 0; k < count; k += 32) {
                for (int i = 0; i < 16; i += L) {
                    first = bf16(w, q + 2 * (k + i)).fma(Lanes.x(x, at + k + i), first);
                    second = bf16(w, q + 2 * (k + i + 16)).fma(Lanes.x(x, at + k + i + 16), second);
                }
            }
            first.add(second).intoArray(lanes, r * L);
        }
    }
}
