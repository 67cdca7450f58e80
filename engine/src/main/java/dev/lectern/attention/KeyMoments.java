package dev.lectern.attention;

/** Means and covariances of keys of one kv head, and the axes along which they vary most: their principal components. */
final class KeyMoments {
    private final int headDim;
    private final double[] sums;
    private final double[][] products; // [headDim][headDim], the lower half
    private long count;

    KeyMoments(int headDim) {
        this.headDim = headDim;
        sums = new double[headDim];
        products = new double[headDim][headDim];
    }

    /** Takes in one key, {@code [headDim]} from at. */
    void add(float[] key, int at) {
        for (int i = 0; i < headDim; i++) {
            double x = key[at + i];
            sums[i] += x;
            double[] row = products[i];
            for (int j = 0; j <= i; j++) {
                row[j] += x * key[at + j];
            }
        }
        count++;
    }

    /** {@code [headDim]}. */
    float[] mean() {
        float[] mean = new float[headDim];
        for (int i = 0; i < headDim; i++) {
            mean[i] = (float) (sums[i] / count);
        }
        return mean;
    }

    /** Unit vectors as rows, {@code [axes][headDim]}, that of the largest variance first. */
    float[] axes(int axes) {
        double[][] covariance = new double[headDim][headDim];
        for (int i = 0; i < headDim; i++) {
            for (int j = 0; j <= i; j++) {
                covariance[i][j] = products[i][j] / count - sums[i] / count * (sums[j] / count);
                covariance[j][i] = covariance[i][j];
            }
        }
        return SymmetricEigen.largest(covariance, axes);
    }
}
