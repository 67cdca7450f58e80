package dev.lectern.kernel;

import dev.lectern.Cancellation;

/** The specification of {@link MatMul}: decode a row of weights, sum in double. */
public final class ScalarMatMul implements MatMul {
    @Override
    public void multiply(Workers workers, Cancellation cancellation, Rows rows, float[] x, Product... products) {
        for (Product product : products) {
            Products.check(product, rows, x);
            Matrix weights = product.weights();
            workers.run(weights.rows(), cancellation, (output, worker) -> {
                float[] row = new float[weights.columns()];
                Blocks.decode(weights, output, 0, row.length, row, 0);
                for (int r = 0; r < rows.count(); r++) {
                    double sum = 0;
                    for (int k = 0; k < row.length; k++) {
                        sum += (double) row[k] * x[r * row.length + k];
                    }
                    product.out()[r * weights.rows() + output] = (float) sum;
                }
            });
        }
    }

    @Override
    public String name() {
        return "scalar";
    }
}
