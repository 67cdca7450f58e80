package dev.lectern.kernel;

/** The specification of {@link Rotation}: plain loops. */
final class ScalarRotation implements Rotation {
    @Override
    public void halves(float[] x, int at, int heads, int headDim, int pairs, float[] table, int tableAt) {
        for (int i = 0; i < pairs; i++) {
            rotate(x, at + i, pairs, heads, headDim, table[tableAt + i], table[tableAt + pairs + i]);
        }
    }

    @Override
    public void neighbours(float[] x, int at, int heads, int headDim, int pairs, float[] table, int tableAt) {
        for (int i = 0; i < pairs; i++) {
            rotate(x, at + 2 * i, 1, heads, headDim, table[tableAt + i], table[tableAt + pairs + i]);
        }
    }

    /** One pair of each head: its first number, and the one {@code distance} after it. */
    static void rotate(float[] x, int at, int distance, int heads, int headDim, float cos, float sin) {
        for (int first = at; first < at + heads * headDim; first += headDim) {
            float a = x[first], b = x[first + distance];
            x[first] = a * cos - b * sin;
            x[first + distance] = a * sin + b * cos;
        }
    }
}
