package dev.lectern.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.random.RandomGenerator;

/** Random matrices of any type with numbers between about −1 and 1, at odd addresses as a model file may have them. */
final class RandomWeights {
    private RandomWeights() {}

    static Matrix matrix(RandomGenerator random, ElementType type, int rows, int columns) {
        byte[] bytes = new byte[Math.toIntExact(type.bytes(columns) * rows)];
        random.nextBytes(bytes);
        for (int p = 0; p < bytes.length; p += type.blockBytes()) {
            float scale = (random.nextFloat() + 0.1f) / 16;
            switch (type) {
                case F32 -> putInt(bytes, p, Float.floatToIntBits(random.nextFloat() * 2 - 1));
                case F16 -> putHalf(bytes, p, random.nextFloat() * 2 - 1);
                case BF16 -> putShort(bytes, p, Float.floatToIntBits(random.nextFloat() * 2 - 1) >> 16);
                case Q4_0, Q5_0 -> putHalf(bytes, p, random.nextBoolean() ? scale : -scale);
                case Q8_0 -> putHalf(bytes, p, scale / 8);
                case Q4_1, Q5_1 -> {
                    putHalf(bytes, p, scale);
                    putHalf(bytes, p + 2, -8 * scale);
                }
                case Q4_K, Q5_K -> {
                    putHalf(bytes, p, random.nextBoolean() ? scale / 32 : scale / 2048);
                    putHalf(bytes, p + 2, scale / 4);
                }
                case Q6_K ->
                    putHalf(
                            bytes,
                            p + 208,
                            random.nextBoolean() ? scale / 128 : scale / 2048); // the latter are subnormal
            }
        }
        return matrix(bytes, type, rows, columns);
    }

    static Matrix matrix(byte[] bytes, ElementType type, int rows, int columns) {
        MemorySegment odd = Arena.ofAuto().allocate(bytes.length + 1L, 16).asSlice(1);
        MemorySegment.copy(bytes, 0, odd, ValueLayout.JAVA_BYTE, 0, bytes.length);
        return new Matrix(odd, type, rows, columns);
    }

    static float[] floats(RandomGenerator random, int count) {
        float[] x = new float[count];
        for (int i = 0; i < count; i++) {
            x[i] = random.nextFloat() * 2 - 1;
        }
        return x;
    }

    private static void putHalf(byte[] bytes, int p, float value) {
        putShort(bytes, p, Float.floatToFloat16(value));
    }

    private static void putShort(byte[] bytes, int p, int value) {
        bytes[p] = (byte) value;
        bytes[p + 1] = (byte) (value >> 8);
    }

    private static void putInt(byte[] bytes, int p, int value) {
        putShort(bytes, p, value);
        putShort(bytes, p + 2, value >> 16);
    }
}
