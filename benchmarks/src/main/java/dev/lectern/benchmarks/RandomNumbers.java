package dev.lectern.benchmarks;

import dev.lectern.kernel.ElementType;
import dev.lectern.kernel.Interleaved;
import dev.lectern.kernel.Matrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.SplittableRandom;

/** Activations and weights between about −1 and 1, the same in every run. */
final class RandomNumbers {
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private RandomNumbers() {}

    static float[] floats(int count) {
        SplittableRandom random = new SplittableRandom(count);
        float[] x = new float[count];
        for (int i = 0; i < count; i++) {
            x[i] = 2 * (float) random.nextDouble() - 1;
        }
        return x;
    }

    /** Weights as a model file has them. */
    static Matrix matrix(Arena arena, ElementType type, int rows, int columns) {
        SplittableRandom random = new SplittableRandom(rows);
        MemorySegment weights = arena.allocate(type.bytes(columns) * rows, 64);
        byte[] block = new byte[type.blockBytes()];
        for (long p = 0; p < weights.byteSize(); p += block.length) {
            random.nextBytes(block);
            MemorySegment.copy(block, 0, weights, ValueLayout.JAVA_BYTE, p, block.length);
            float x = 2 * (float) random.nextDouble() - 1;
            switch (type) {
                case F32 -> weights.set(I32, p, Float.floatToIntBits(x));
                case F16 -> weights.set(I16, p, Float.floatToFloat16(x));
                case BF16 -> weights.set(I16, p, (short) (Float.floatToIntBits(x) >>> 16));
                case Q4_0, Q5_0 -> scale(weights, p, 1f / 16);
                case Q8_0 -> scale(weights, p, 1f / 128);
                case Q4_1, Q5_1 -> {
                    scale(weights, p, 1f / 16);
                    scale(weights, p + 2, -0.5f);
                }
                case Q4_K, Q5_K -> {
                    scale(weights, p, 1f / 512);
                    scale(weights, p + 2, 1f / 64);
                }
                case Q6_K -> scale(weights, p + 208, 1f / 2048);
            }
        }
        return new Matrix(weights, type, rows, columns);
    }

    private static void scale(MemorySegment weights, long p, float value) {
        weights.set(I16, p, Float.floatToFloat16(value));
    }

    /** The same weights in the layout of the repacked copy. */
    static Matrix repacked(Arena arena, Matrix matrix) {
        MemorySegment to = arena.allocate(Interleaved.bytes(matrix.type(), matrix.rows(), matrix.columns()), 64);
        long bytes = Interleaved.groupBytes(matrix.type(), matrix.columns());
        for (int group = 0; group < Interleaved.groups(matrix.rows()); group++) {
            Interleaved.interleave(matrix, group, to, group * bytes);
        }
        return new Matrix(to, matrix.type(), matrix.rows(), matrix.columns(), true);
    }
}
