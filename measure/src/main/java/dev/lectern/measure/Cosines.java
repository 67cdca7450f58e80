package dev.lectern.measure;

import java.util.ArrayList;
import java.util.List;

/**
 * How alike directions are.
 *
 * @param values cosines of the angles between vectors, ascending; none where there was nothing to compare
 */
record Cosines(List<Double> values) {
    Cosines {
        values = values.stream().sorted().toList();
    }

    /** The cosine of the angle between two vectors; 0 where one has no direction. */
    static double between(double[] a, double[] b) {
        double product = 0, ofA = 0, ofB = 0;
        for (int i = 0; i < a.length; i++) {
            product += a[i] * b[i];
            ofA += a[i] * a[i];
            ofB += b[i] * b[i];
        }
        return ofA == 0 || ofB == 0 ? 0 : product / Math.sqrt(ofA * ofB);
    }

    static Cosines all(List<Cosines> several) {
        List<Double> values = new ArrayList<>();
        several.forEach(cosines -> values.addAll(cosines.values));
        return new Cosines(values);
    }

    boolean isEmpty() {
        return values.isEmpty();
    }

    double min() {
        return values.getFirst();
    }

    double max() {
        return values.getLast();
    }

    /** What five of a hundred do not exceed. */
    double p5() {
        return values.get((int) Math.ceil(0.05 * values.size()) - 1);
    }

    double median() {
        return Statistics.of(values).median();
    }

    /** The share of them above a bound, 0 to 1. */
    double above(double bound) {
        return values.stream().filter(value -> value > bound).count() / (double) values.size();
    }

    /** The share of them from one bound to another, 0 to 1. */
    double within(double low, double high) {
        return values.stream().filter(value -> low <= value && value <= high).count() / (double) values.size();
    }
}
