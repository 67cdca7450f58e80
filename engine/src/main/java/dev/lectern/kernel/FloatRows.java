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
 * Rows of F32, F16 and BF16. Products are summed as {@link VectorRows} says.
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

    static void decodeF32(MemorySegment w, long p, int count, float[] out, int at) {
        int i = 0;
        for (; i <= count - L; i += L) {
            f32(w, p + 4 * i).intoArray(out, at + i);
        }
        for (; i < count; i++) {
            out[at + i] = Float.intBitsToFloat(Lanes.i32(w, p + 4L * i));
        }
    }

    static void decodeF16(MemorySegment w, long p, int count, float[] out, int at) {
        for (int i = 0; i < count; i++) {
            out[at + i] = Lanes.f16(
                    w, p + 2L * i); // the compiler makes vectors of this by itself, twice as fast as ours would be
        }
    }

    static void decodeBF16(MemorySegment w, long p, int count, float[] out, int at) {
        int i = 0;
        for (; i <= count - L; i += L) {
            bf16(w, p + 2 * i).intoArray(out, at + i);
        }
        for (; i < count; i++) {
            out[at + i] = Lanes.bf16(w, p + 2L * i);
        }
    }

    static void dotF32(MemorySegment w, long p, int count, float[] x, int at, Scratch s, int to) {
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        for (int k = 0; k < count; k += 32) {
            for (int i = k; i < k + 16; i += L) {
                first = f32(w, p + 4 * i).fma(Lanes.x(x, at + i), first);
                second = f32(w, p + 4 * i + 64).fma(Lanes.x(x, at + i + 16), second);
            }
        }
        first.add(second).intoArray(s.lanes, to);
    }

    static void dotBF16(MemorySegment w, long p, int count, float[] x, int at, Scratch s, int to) {
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        for (int k = 0; k < count; k += 32) {
            for (int i = k; i < k + 16; i += L) {
                first = bf16(w, p + 2 * i).fma(Lanes.x(x, at + i), first);
                second = bf16(w, p + 2 * i + 32).fma(Lanes.x(x, at + i + 16), second);
            }
        }
        first.add(second).intoArray(s.lanes, to);
    }
}
