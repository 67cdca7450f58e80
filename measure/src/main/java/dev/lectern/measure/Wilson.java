package dev.lectern.measure;

import java.util.List;

/**
 * The interval that a share of successes lies in with 95 per cent confidence.
 *
 * <p>Source: Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American Statistical Association 22 (1927). Scores between 0 and 1 vary no more than
 * successes of the same mean do, so for them the interval is wide enough.
 *
 * @param low its lower end, 0 to 1
 * @param high its upper end
 */
public record Wilson(double low, double high) {
    /** The normal distribution has 95 per cent between −z and z. */
    private static final double Z = 1.959964;

    /**
     * @param scores 0 to 1
     * @throws IllegalArgumentException if there is none
     */
    static Wilson of(List<Double> scores) {
        // A sum of rounded thirds may come out above their number.
        return of(Math.clamp(Statistics.of(scores).mean(), 0, 1), scores.size());
    }

    /**
     * @param mean of the scores, 0 to 1
     * @param count how many
     * @throws IllegalArgumentException if there is none
     */
    public static Wilson of(double mean, int count) {
        if (count < 1 || mean < 0 || mean > 1) {
            throw new IllegalArgumentException(count + " scores with a mean of " + mean);
        }
        double z2 = Z * Z / count;
        double centre = (mean + z2 / 2) / (1 + z2);
        double half = Z / (1 + z2) * Math.sqrt(mean * (1 - mean) / count + z2 / (4 * count));
        return new Wilson(Math.max(0, centre - half), Math.min(1, centre + half));
    }
}
