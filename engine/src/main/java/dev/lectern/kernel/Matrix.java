package dev.lectern.kernel;

import java.lang.foreign.MemorySegment;

/**
 * A view of weights: {@code [rows][columns]}, each row whole blocks of its {@link ElementType}, one row after the other or {@link Interleaved}. A vector is a
 * matrix of one row. The view owns nothing; whoever mapped or allocated the segment keeps it alive.
 *
 * @param segment exactly the bytes of the matrix
 * @param rows outputs of a product
 * @param columns inputs of a product
 */
public record Matrix(MemorySegment segment, ElementType type, int rows, int columns, boolean isInterleaved) {
    public Matrix {
        if (rows <= 0 || columns <= 0) {
            throw new IllegalArgumentException("a matrix of " + rows + " x " + columns);
        }
        long expected = isInterleaved
                ? Interleaved.bytes(type, rows, columns)
                : Math.multiplyExact(type.bytes(columns), (long) rows);
        if (segment.byteSize() != expected) {
            throw new IllegalArgumentException(
                    "a matrix of " + expected + " bytes over a segment of " + segment.byteSize());
        }
    }

    /** A view of weights that stand one row after the other. */
    public Matrix(MemorySegment segment, ElementType type, int rows, int columns) {
        this(segment, type, rows, columns, false);
    }

    /** Bytes of one row. */
    public long rowBytes() {
        return type.bytes(columns);
    }

    /**
     * A view of {@code count} rows from {@code first} on.
     *
     * @throws IllegalArgumentException if the rows are interleaved and these are not whole groups
     */
    public Matrix rows(int first, int count) {
        if (!isInterleaved) {
            long bytes = rowBytes();
            return new Matrix(segment.asSlice(first * bytes, count * bytes), type, count, columns);
        }
        if (first % Interleaved.ROWS != 0 || count % Interleaved.ROWS != 0) {
            throw new IllegalArgumentException("rows " + first + " + " + count + " are not whole groups");
        }
        long bytes = Interleaved.groupBytes(type, columns);
        MemorySegment part = segment.asSlice(first / Interleaved.ROWS * bytes, count / Interleaved.ROWS * bytes);
        return new Matrix(part, type, count, columns, true);
    }
}
