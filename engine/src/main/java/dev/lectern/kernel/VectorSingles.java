package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.L;

/**
 * Weights times single vectors: what decoding does. With few vectors the weights are multiplied as they are unpacked; with more a row is unpacked once and
 * multiplied by each. The order of summation is the same ({@link VectorRows}), so a sequence does not notice its neighbours.
 */
final class VectorSingles {
    /** Up to so many vectors, unpacking the weights anew for each is no slower than a turn through the cache. */
    private static final int FEW = 2;

    /** Rows whose lanes are summed together. */
    private static final int TOGETHER = 32;

    private VectorSingles() {}

    /**
     * Computes outputs {@code from} to {@code to} for the first {@code singles} rows of x.
     */
    static void multiply(Scratch s, MatMul.Product product, int from, int to, int singles, float[] x) {
        Matrix w = product.weights();
        int columns = w.columns();
        long rowBytes = w.rowBytes();
        s.lanes = Scratch.grown(s.lanes, (long) Math.max(TOGETHER, singles) * L);
        boolean inPassing =
                VectorRows.dots(w.type(), columns) && (singles <= FEW || !VectorRows.decodedAlike(w.type()));
        if (inPassing) {
            for (int first = from; first < to; first += TOGETHER) {
                int rows = Math.min(TOGETHER, to - first);
                for (int r = 0; r < singles; r++) {
                    VectorRows.dot(w.type(), w.segment(), first * rowBytes, rowBytes, rows, columns, x, r * columns, s);
                    Lanes.sum(s.lanes, rows, product.out(), r * w.rows() + first, 1);
                }
            }
        } else {
            s.row = Scratch.grown(s.row, columns);
            for (int row = from; row < to; row++) {
                VectorRows.decode(w.type(), w.segment(), row * rowBytes, rowBytes, 1, columns, s.row, 0, 0, s);
                multiplyDecoded(s, w, row, singles, x, product.out());
            }
        }
    }

    private static void multiplyDecoded(Scratch s, Matrix w, int output, int singles, float[] x, float[] out) {
        int columns = w.columns();
        int r = 0;
        for (; r + 4 <= singles; r += 4) {
            VectorRows.dotDecoded4(s.row, columns, x, r * columns, columns, s.lanes, r * L);
        }
        for (; r < singles; r++) {
            VectorRows.dotDecoded(s.row, columns, x, r * columns, s.lanes, r * L);
        }
        Lanes.sum(s.lanes, singles, out, output, w.rows());
        int paired = columns / VectorRows.PAIR * VectorRows.PAIR;
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
