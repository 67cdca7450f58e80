package dev.lectern.measure;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What repeated measurements say.
 *
 * @param count of the measurements
 * @param mean their arithmetic mean
 * @param stddev their sample standard deviation (divided by count − 1); NaN for one alone, which says nothing of its spread
 * @param median the middle one, or the mean of the two in the middle
 * @param min the smallest
 * @param max the largest
 */
public record Statistics(int count, double mean, double stddev, double median, double min, double max) {
    /**
     * @param measurements one or more
     * @throws IllegalArgumentException if there is none
     */
    public static Statistics of(List<Double> measurements) {
        double[] sorted =
                measurements.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        int n = sorted.length;
        if (n == 0) {
            throw new IllegalArgumentException("nothing was measured");
        }
        double mean = Arrays.stream(sorted).sum() / n;
        double squares = Arrays.stream(sorted).map(x -> (x - mean) * (x - mean)).sum();
        double stddev = n == 1 ? Double.NaN : Math.sqrt(squares / (n - 1));
        double median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
        return new Statistics(n, mean, stddev, median, sorted[0], sorted[n - 1]);
    }

    /**
     * What a share of measurements does not exceed.
     *
     * @param values one or more
     * @param share 0 to 1
     */
    static double quantile(List<Double> values, double share) {
        List<Double> sorted = values.stream().sorted().toList();
        return sorted.get(Math.max(0, (int) Math.ceil(share * sorted.size()) - 1));
    }

    /** {@code 11.885 ± 0.272}; the mean alone where there is no deviation. */
    public String plusMinus() {
        return Double.isNaN(stddev)
                ? String.format(Locale.ROOT, "%.3f", mean)
                : String.format(Locale.ROOT, "%.3f ± %.3f", mean, stddev);
    }
}
