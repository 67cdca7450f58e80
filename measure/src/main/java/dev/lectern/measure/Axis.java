package dev.lectern.measure;

import java.util.OptionalDouble;

/**
 * A direction of a {@link Figure}.
 *
 * @param title what is measured, with its unit
 * @param logarithmic whether equal steps are equal factors; numbers that are not above zero have no place there
 * @param from where it begins; empty for the smallest number
 * @param to where it ends; empty for the largest number
 */
public record Axis(String title, boolean logarithmic, OptionalDouble from, OptionalDouble to) {
    /** As far as the numbers go, below zero too. */
    public static Axis of(String title) {
        return new Axis(title, false, OptionalDouble.empty(), OptionalDouble.empty());
    }

    public static Axis fromZero(String title) {
        return new Axis(title, false, OptionalDouble.of(0), OptionalDouble.empty());
    }

    public static Axis between(double from, double to, String title) {
        return new Axis(title, false, OptionalDouble.of(from), OptionalDouble.of(to));
    }

    public static Axis logarithmic(String title) {
        return new Axis(title, true, OptionalDouble.empty(), OptionalDouble.empty());
    }
}
