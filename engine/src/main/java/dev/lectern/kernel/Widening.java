package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.L;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * How {@link StoredKeys} and {@link StoredValues} widen numbers of 16 bits in registers: {@code (bits << shift) & mask}, the bits extended by their sign. For bf16 that is
 * the number. For f16 it is the number times 2⁻¹¹², subnormal or not, in half the steps of a conversion; so the other factor is multiplied by a power of two beforehand,
 * which changes no digit.
 */
final class Widening {
    /** Half of the 2¹¹² that f16 lacks: one half may go to a factor, the other to the sum, so that neither overflows. */
    static final float HALF_UNIT = 0x1p56f;

    private Widening() {}

    static int shift(ElementType type) {
        return type == ElementType.F16 ? 13 : 16;
    }

    static int mask(ElementType type) {
        return type == ElementType.F16 ? 0x8fffe000 : -1;
    }

    /** What a widened number is to be multiplied by to be the stored one. */
    static float unit(ElementType type) {
        return type == ElementType.F16 ? HALF_UNIT * HALF_UNIT : 1;
    }

    static FloatVector widened(MemorySegment segment, long at, int shift, IntVector mask) {
        return Lanes.shorts(segment, at)
                .lanewise(VectorOperators.LSHL, shift)
                .and(mask)
                .reinterpretAsFloats();
    }

    /** {@code to[r][i] ← factor · from[r][i]}; rows of {@code to} lie {@code count} apart. */
    static void multiply(float[] from, int at, int stride, int rows, int count, float factor, float[] to) {
        for (int r = 0; r < rows; r++) {
            int i = 0;
            for (; i <= count - L; i += L) {
                FloatVector.fromArray(F, from, at + r * stride + i).mul(factor).intoArray(to, r * count + i);
            }
            for (; i < count; i++) {
                to[r * count + i] = factor * from[at + r * stride + i];
            }
        }
    }
}
