package dev.lectern.attention;

import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Eigenvectors of small symmetric matrices by the cyclic method of Jacobi: rotations that zero one element after another, until none is left.
 *
 * <p>Source: Golub and Van Loan, "Matrix Computations", 4th edition, section 8.5.
 */
final class SymmetricEigen {
    private static final int SWEEPS = 30;
    private static final double SMALL = 1e-20;

    private SymmetricEigen() {}

    /**
     * The eigenvectors of the largest eigenvalues, as rows, in their order.
     *
     * @param a {@code [n][n]}, symmetric; destroyed
     * @return {@code [count][n]}
     */
    static float[] largest(double[][] a, int count) {
        int n = a.length;
        double[][] v = new double[n][n];
        for (int i = 0; i < n; i++) {
            v[i][i] = 1;
        }
        for (int sweep = 0; sweep < SWEEPS && outside(a) > SMALL * diagonal(a); sweep++) {
            for (int p = 0; p < n; p++) {
                for (int q = p + 1; q < n; q++) {
                    if (a[p][q] != 0) {
                        rotate(a, v, p, q);
                    }
                }
            }
        }
        int[] order = IntStream.range(0, n)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -a[i][i]))
                .mapToInt(Integer::intValue)
                .toArray();
        float[] rows = new float[count * n];
        for (int i = 0; i < count; i++) {
            for (int d = 0; d < n; d++) {
                rows[i * n + d] = (float) v[order[i]][d];
            }
        }
        return rows;
    }

    private static double outside(double[][] a) {
        double sum = 0;
        for (int p = 0; p < a.length; p++) {
            for (int q = p + 1; q < a.length; q++) {
                sum += a[p][q] * a[p][q];
            }
        }
        return sum;
    }

    private static double diagonal(double[][] a) {
        double sum = 0;
        for (int p = 0; p < a.length; p++) {
            sum += a[p][p] * a[p][p];
        }
        return sum;
    }

    /** Zeroes a[p][q]; the rows of v are turned along. */
    private static void rotate(double[][] a, double[][] v, int p, int q) {
        double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
        double t = Math.copySign(1, theta) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        double c = 1 / Math.sqrt(t * t + 1), s = t * c;
        for (int k = 0; k < a.length; k++) {
            double x = a[k][p], y = a[k][q];
            a[k][p] = c * x - s * y;
            a[k][q] = s * x + c * y;
        }
        turn(a[p], a[q], c, s);
        turn(v[p], v[q], c, s);
    }

    private static void turn(double[] x, double[] y, double c, double s) {
        for (int k = 0; k < x.length; k++) {
            double old = x[k];
            x[k] = c * old - s * y[k];
            y[k] = s * old + c * y[k];
        }
    }
}
