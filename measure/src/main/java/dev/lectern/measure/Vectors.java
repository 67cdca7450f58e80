package dev.lectern.measure;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Vectors in a mapped file, valid while it is open.
 *
 * @param floats {@code [rows][columns][width]} f32, little-endian
 * @param width elements of a vector
 */
public record Vectors(MemorySegment floats, int rows, int columns, int width) {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /**
     * Copies vectors that follow each other in a row.
     *
     * @param column of the first
     * @param count how many
     * @param to {@code [count][width]} from at, written
     */
    public void copy(int row, int column, int count, float[] to, int at) {
        if (row < 0 || row >= rows || column < 0 || count < 0 || count > columns - column) {
            throw new IndexOutOfBoundsException(
                    count + " vectors from " + column + " of row " + row + " of " + rows + " x " + columns);
        }
        long from = ((long) row * columns + column) * width * Float.BYTES;
        MemorySegment.copy(floats, FLOAT, from, to, at, Math.multiplyExact(count, width));
    }

    /** One vector, a copy. */
    public float[] at(int row, int column) {
        float[] vector = new float[width];
        copy(row, column, 1, vector, 0);
        return vector;
    }
}
