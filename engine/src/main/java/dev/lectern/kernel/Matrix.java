package dev.lectern.kernel;

import java.lang.foreign.MemorySegment;

/**
 * A view of weights: {@code [rows][columns]}, row-major, each row whole blocks of its {@link ElementType}. A vector is a
 * matrix of one row. The view owns nothing; whoever mapped or allocated the segment keeps it alive.
 *
 * @param segment exactly the bytes of the matrix
 * @param rows outputs of a product
 * @param columns inputs of a product
 */
public record Matrix(MemorySegment segment, ElementType type, int rows, int columns) {
    public Matrix {
        if (rows <= 0 || columns <= 0) {
            throw new IllegalArgumentException("a matrix of " + rows + " x " + columns);
        }
        long expected = Math.multiplyExact(type.bytes(columns), (long) rows);
        if (segment.byteSize() != expected) {
            throw new IllegalArgumentException(
                    "a matrix of " + expected + " bytes over a segment of " + segment.byteSize());
        }
    }

    /** Bytes of one row. */
    public long rowBytes() {
        return type.bytes(columns);
    }

    /** A view of {@code count} rows from {@code first} on. */
    public Matrix rows(int first, int count) {
        long bytes = rowBytes();
        return new Matrix(segment.asSlice(first * bytes, count * bytes), type, count, columns);
    }
}
