package dev.lectern.kernel;

import dev.lectern.Cancellation;
import dev.lectern.kernel.MatMul.Product;
import dev.lectern.kernel.MatMul.Rows;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** Compares the vector kernels with their specification. Also a program of its own, for a JVM with another vector width. */
final class Parity {
    private Parity() {}

    /** Decoding bit for bit, products to the rounding of f32 sums, on a matrix of random shape. */
    static void check(RandomGenerator random, Form form, String name) {
        int columns = form.blockElements() == 1
                ? 1 + random.nextInt(random.nextBoolean() ? 70 : 1100)
                : form.blockElements() * (1 + random.nextInt(form.blockElements() == 32 ? 36 : 5));
        Matrix w = form.matrix(random, 1 + random.nextInt(110), columns);
        var rows = new Rows(random.nextInt(7), 1 + random.nextInt(2 * Lanes.L * Tiles.VECTORS));
        String where = name + ": " + form + " " + w.rows() + " x " + columns + ", " + rows;
        checkDecoding(w, where);
        float[] x = RandomWeights.floats(random, rows.count() * columns);
        checkProduct(w, rows, x, where);
        checkProduct(w, new Rows(1, 0), x, where + " as a single");
    }

    private static void checkDecoding(Matrix w, String where) {
        int row = w.rows() - 1;
        float[] expected = new float[w.columns()];
        Blocks.decode(w, row, 0, w.columns(), expected, 0);
        float[] decoded = new float[w.columns()];
        if (w.isInterleaved()) {
            decodeInterleaved(w, row, decoded);
        } else {
            VectorRows.decode(
                    w.type(), w.segment(), row * w.rowBytes(), 0, 1, w.columns(), decoded, 0, 0, new Scratch());
        }
        if (Arrays.mismatch(expected, decoded) >= 0) {
            throw new AssertionError(where + ": decoded bits differ");
        }
    }

    private static void decodeInterleaved(Matrix w, int row, float[] out) {
        float[] strip = new float[Interleaved.STRIP * Interleaved.ROWS];
        for (int c = 0; c < out.length; c += Interleaved.STRIP) {
            int some = Math.min(Interleaved.STRIP, out.length - c);
            InterleavedProducts.decode(new Scratch(), w, row / Interleaved.ROWS, c, some, strip, 0);
            for (int k = 0; k < some; k++) {
                out[c + k] = strip[k * Interleaved.ROWS + row % Interleaved.ROWS];
            }
        }
    }

    private static void checkProduct(Matrix w, Rows rows, float[] x, String where) {
        float[] expected = new float[rows.count() * w.rows()];
        float[] actual = new float[expected.length];
        try (var workers = new Workers(2)) {
            new ScalarMatMul().multiply(workers, new Cancellation(), rows, x, new Product(w, expected));
            new VectorMatMul().multiply(workers, new Cancellation(), rows, x, new Product(w, actual));
        }
        float[] row = new float[w.columns()];
        for (int o = 0; o < w.rows(); o++) {
            Blocks.decode(w, o, 0, row.length, row, 0);
            for (int r = 0; r < rows.count(); r++) {
                double magnitude = 0;
                for (int k = 0; k < row.length; k++) {
                    // Interleaved weights are multiplied without their offsets, which are summed apart.
                    float offset = w.isInterleaved() ? Interleaved.offset(w, o, k) : 0;
                    magnitude += (Math.abs((double) row[k]) + 2 * Math.abs((double) offset))
                            * Math.abs(x[r * row.length + k]);
                }
                // A chain of n fused multiply-adds errs by at most n half units in the last place of the sum of
                // magnitudes. No chain is longer
                // than the columns; one unit more for the rounding of the expected number.
                double tolerance = (row.length + 2) * 0x1p-24 * magnitude;
                double difference = Math.abs((double) expected[r * w.rows() + o] - actual[r * w.rows() + o]);
                if (!(difference <= tolerance)) {
                    throw new AssertionError(where + ": row " + r + ", output " + o + " is " + actual[r * w.rows() + o]
                            + " instead of " + expected[r * w.rows() + o]);
                }
            }
        }
    }

    /** A single and a chunk row alone give the same bits as among others. */
    static void checkIndependence(RandomGenerator random, Form form) {
        Matrix w = form.matrix(random, 23, form.blockElements() == 1 ? 550 : 768);
        float[] x = RandomWeights.floats(random, 40 * w.columns());
        float[] together = multiply(w, new Rows(6, 34), x);
        for (int row : new int[] {0, 5, 6, 39}) {
            float[] one = Arrays.copyOfRange(x, row * w.columns(), (row + 1) * w.columns());
            float[] alone = multiply(w, row < 6 ? new Rows(1, 0) : new Rows(0, 1), one);
            if (Arrays.mismatch(alone, Arrays.copyOfRange(together, row * w.rows(), (row + 1) * w.rows())) >= 0) {
                throw new AssertionError(form + ": row " + row + " notices its neighbours");
            }
        }
    }

    /** The first product, which is interpreted, gives the same bits as the last, which is compiled. */
    static void checkCompilation(RandomGenerator random, Form form) {
        Matrix w = form.matrix(random, 64, 256);
        float[] x = RandomWeights.floats(random, 8 * w.columns());
        var rows = new Rows(1, 7);
        float[] first = multiply(w, rows, x);
        float[] last = new float[first.length];
        var vector = new VectorMatMul();
        try (var workers = new Workers(1)) {
            for (int i = 0; i < 150; i++) {
                vector.multiply(workers, new Cancellation(), rows, x, new Product(w, last));
            }
        }
        if (Arrays.mismatch(first, last) >= 0) {
            throw new AssertionError(form + ": compiled code gives other bits than interpreted code");
        }
    }

    private static float[] multiply(Matrix w, Rows rows, float[] x) {
        float[] out = new float[rows.count() * w.rows()];
        try (var workers = new Workers(2)) {
            new VectorMatMul().multiply(workers, new Cancellation(), rows, x, new Product(w, out));
        }
        return out;
    }

    /** Arguments: the vector bits that this JVM was told to use. */
    public static void main(String[] arguments) {
        if (Kernels.vectorBits() != Integer.parseInt(arguments[0])) {
            throw new AssertionError("vectors of " + Kernels.vectorBits() + " bits");
        }
        var random = new SplittableRandom(3);
        for (ElementType type : new ElementType[] {ElementType.BF16, ElementType.Q5_0, ElementType.Q6_K}) {
            checkCompilation(random, new Form(type, false)); // one of each family, before anything else runs
        }
        checkCompilation(random, new Form(ElementType.Q4_1, true));
        checkCompilation(random, new Form(ElementType.Q6_K, true));
        for (Form form : Form.all()) {
            checkIndependence(random, form);
            check(random, form, "seed 3");
        }
        float sum = Kernels.peakLoops().lanes() * new PeakLoops.Scalar().multiplyAndAdd(7);
        if (Math.abs(Kernels.peakLoops().multiplyAndAdd(7) - sum) > 1e-5f * sum) {
            throw new AssertionError("the sums of the peak");
        }
        System.out.println("all equal");
    }
}
