package dev.lectern.measure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import tools.jackson.core.JsonGenerator;

/**
 * How two methods compare on the same samples. Two answers to one question agree more than answers to two questions do, so this tells smaller differences apart than two intervals beside each other.
 *
 * <p>Sources: the interval is the paired percentile bootstrap of Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 13.3, each task resampled by itself, with the small samples' correction of Hesterberg, "What teachers should know about the bootstrap" (The American Statistician 69, 2015); the p-value is the exact
 * test of McNemar, "Note on the sampling error of the difference between correlated proportions" (Psychometrika 12, 1947), over samples that one scores higher on.
 *
 * @param difference of the means of the tasks, −1 to 1; above 0 where the method is better than what it is compared with
 * @param low the lower end of the interval that the difference lies in with 95 per cent confidence; −1, and 1 the upper one, where a single sample tells nothing of it
 * @param high its upper end
 * @param better samples that the method scores higher on
 * @param worse samples that it scores lower on
 * @param p the probability of so lopsided a count, or a more lopsided one, were both equally good
 */
public record Paired(double difference, double low, double high, int better, int worse, double p) {
    private static final int RESAMPLES = 10_000;
    private static final double TAIL = 0.025;

    /** Any: the interval is the same whenever it is computed. */
    private static final long SEED = 20_190_401;

    /**
     * @param scores of the method, per task and sample
     * @param others of what it is compared with, the same tasks and samples
     * @throws IllegalArgumentException if they are not, or there are none
     */
    public static Paired of(List<List<Double>> scores, List<List<Double>> others) {
        double[][] differences = new double[scores.size()][];
        int better = 0, worse = 0;
        for (int task = 0; task < differences.length; task++) {
            List<Double> a = scores.get(task), b = others.get(task);
            if (a.size() != b.size() || a.isEmpty()) {
                throw new IllegalArgumentException(a.size() + " scores beside " + b.size());
            }
            differences[task] = new double[a.size()];
            for (int i = 0; i < a.size(); i++) {
                differences[task][i] = a.get(i) - b.get(i);
                better += a.get(i) > b.get(i) ? 1 : 0;
                worse += a.get(i) < b.get(i) ? 1 : 0;
            }
        }
        if (differences.length == 0 || differences.length != others.size()) {
            throw new IllegalArgumentException(scores.size() + " tasks beside " + others.size());
        }
        double mean = mean(differences);
        List<Stratum> strata = strata(differences);
        if (strata.stream().anyMatch(stratum -> stratum.values.length == 1)) {
            return new Paired(mean, -1, 1, better, worse, p(better, worse));
        }
        Random random = new Random(SEED);
        double[] means = new double[RESAMPLES];
        Arrays.fill(means, mean);
        for (Stratum stratum : strata) {
            stratum.resample(random, means, differences.length);
        }
        Arrays.sort(means);
        int cut = (int) (TAIL * RESAMPLES);
        return new Paired(
                mean,
                Math.max(-1, means[cut]),
                Math.min(1, means[RESAMPLES - 1 - cut]),
                better,
                worse,
                p(better, worse));
    }

    /**
     * What is resampled together.
     *
     * @param tasks how many of them the values are of
     */
    private record Stratum(double[] values, int tasks) {
        /** Adds to means of all tasks how far one of drawn values is from its own. Drawn values spread too little by √(1 − 1/n), which is made up for. */
        void resample(Random random, double[] means, int all) {
            int n = values.length;
            double own = Arrays.stream(values).average().orElseThrow();
            double weight = (double) tasks / all * Math.sqrt(n / (n - 1.0));
            for (int r = 0; r < means.length; r++) {
                double sum = 0;
                for (int i = 0; i < n; i++) {
                    sum += values[random.nextInt(n)];
                }
                means[r] += weight * (sum / n - own);
            }
        }
    }

    /** Each task, and those of a single sample together, whose spread among themselves is then taken for that of samples. */
    private static List<Stratum> strata(double[][] differences) {
        List<Stratum> strata = new ArrayList<>();
        double[] alone = Arrays.stream(differences)
                .filter(task -> task.length == 1)
                .mapToDouble(task -> task[0])
                .toArray();
        if (alone.length > 0) {
            strata.add(new Stratum(alone, alone.length));
        }
        Arrays.stream(differences).filter(task -> task.length > 1).forEach(task -> strata.add(new Stratum(task, 1)));
        return strata;
    }

    /** A line for a terminal, in points of 100. */
    String described(Method first) {
        return String.format(
                Locale.ROOT,
                "beside %s: %+.1f (%.1f … %.1f), better on %d samples, worse on %d, p = %.2g",
                first.described(),
                100 * difference,
                100 * low,
                100 * high,
                better,
                worse,
                p);
    }

    /** Writes the member {@code paired}, in points of 100. */
    void write(JsonGenerator json) {
        json.writeObjectPropertyStart("paired");
        json.writeNumberProperty("difference", 100 * difference);
        json.writeNumberProperty("low", 100 * low);
        json.writeNumberProperty("high", 100 * high);
        json.writeNumberProperty("better", better);
        json.writeNumberProperty("worse", worse);
        json.writeNumberProperty("p", p);
        json.writeEndObject();
    }

    private static double mean(double[][] tasks) {
        double mean = 0;
        for (double[] task : tasks) {
            mean += Arrays.stream(task).average().orElseThrow() / tasks.length;
        }
        return mean;
    }

    /** Twice the tail of the binomial distribution of one half, at most 1. */
    static double p(int better, int worse) {
        int n = better + worse;
        double logProbability = -n * Math.log(2), tail = 0; // 2^−n is no double from n = 1075 on
        for (int k = 0; k <= Math.min(better, worse); k++) {
            tail += Math.exp(logProbability);
            logProbability += Math.log(n - k) - Math.log(k + 1);
        }
        return Math.min(1, 2 * tail);
    }
}
