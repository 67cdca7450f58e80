package dev.lectern.kernel;

import dev.lectern.Cancellation;

/** The specification of {@link MatMul}: decode a row of weights, sum in double. */
public final class ScalarMatMul implements MatMul {
    @Override
    public void multiply(Workers workers, Cancellation cancellation, Rows rows, float[] x, Product... products) {
        throw new UnsupportedOperationException("being written");
    }

    @Override
    public String name() {
        return "scalar";
    }
}
