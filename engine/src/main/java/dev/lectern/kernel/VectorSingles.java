package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.L;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Weights times single vectors: what decoding does. With one vector the weights are multiplied as they are unpacked; with several a row is unpacked once and
 * multiplied by each. The order of summation is the same ({@link VectorRows}), so a sequence does not notice its neighbours.
 */
final class VectorSingles {
    /** Bytes of weights brought into the innermost cache at a time. */
    private static final int STAGE = 8 << 10;

    /** More rows than this at a time gain nothing. */
    private static final int STAGED_ROWS = 64;

    private VectorSingles() {}

    /**
     * Computes outputs {@code from} to {@code to} for the first {@code singles} rows of x.
     */
    static void multiply(Scratch s, MatMul.Product product, int from, int to, int singles, float[] x) {
        Matrix w = product.weights();
        int columns = w.columns();
        int rowBytes = Math.toIntExact(w.rowBytes());
        int staged = Math.clamp(STAGE / rowBytes, 1, STAGED_ROWS);
        boolean inPassing = singles == 1 && VectorRows.dots(w.type(), columns);
        s.bytes = Scratch.grown(s.bytes, (long) staged * rowBytes);
        s.lanes = Scratch.grown(s.lanes, (long) Math.max(staged, singles) * L);
        if (!inPassing) {
            s.row = Scratch.grown(s.row, columns);
        }
        for (int first = from; first < to; first += staged) {
            int rows = Math.min(staged, to - first);
            MemorySegment.copy(
                    w.segment(), ValueLayout.JAVA_BYTE, (long) first * rowBytes, s.bytes, 0, rows * rowBytes);
            if (inPassing) {
                for (int i = 0; i < rows; i++) {
                    VectorRows.dot(w.type(), s.bytes, i * rowBytes, columns, x, 0, s.lanes, i * L);
                }
                Lanes.sum(s.lanes, rows, product.out(), first, 1);
            } else {
                for (int i = 0; i < rows; i++) {
                    VectorRows.decode(w.type(), s.bytes, i * rowBytes, columns, s.row, 0);
                    multiplyDecoded(s, w, first + i, singles, x, product.out());
                }
            }
        }
    }

    private static void multiplyDecoded(Scratch s, Matrix w, int output, int singles, float[] x, float[] out) {
        int columns = w.columns();
        int run = VectorRows.run(w.type());
        int r = 0;
        for (; r + 4 <= singles; r += 4) {
            VectorRows.dotDecoded4(s.row, run, columns, x, r * columns, columns, s.lanes, r * L);
        }
        for (; r < singles; r++) {
            VectorRows.dotDecoded(s.row, run, columns, x, r * columns, s.lanes, r * L);
        }
        Lanes.sum(s.lanes, singles, out, output, w.rows());
        int paired = columns / (2 * run) * (2 * run);
        if (paired < columns) {
            for (r = 0; r < singles; r++) {
                float sum = out[r * w.rows() + output];
                for (int k = paired; k < columns; k++) {
                    sum = Math.fma(s.row[k], x[r * columns + k], sum);
                }
                out[r * w.rows() + output] = sum;
            }
        }
    }
}
