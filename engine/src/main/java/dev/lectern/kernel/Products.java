package dev.lectern.kernel;

/** The shapes of a product, checked before any work begins. */
final class Products {
    private Products() {}

    static void check(MatMul.Product product, MatMul.Rows rows, float[] x) {
        Matrix weights = product.weights();
        if (rows.singles() < 0 || rows.chunked() < 0) {
            throw new IllegalArgumentException("a negative number of rows: " + rows);
        }
        if (x.length < (long) rows.count() * weights.columns()) {
            throw new IllegalArgumentException(
                    rows.count() + " rows of " + weights.columns() + " inputs do not fit " + x.length);
        }
        if (product.out().length < (long) rows.count() * weights.rows()) {
            throw new IllegalArgumentException(
                    rows.count() + " rows of " + weights.rows() + " outputs do not fit " + product.out().length);
        }
    }
}
