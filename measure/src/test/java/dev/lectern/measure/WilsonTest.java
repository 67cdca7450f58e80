package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class WilsonTest {
    /** Values of R's prop.test(x, n, correct = FALSE). */
    @Test
    void intervalsAreThoseOfTheScoreTest() {
        assertInterval(0.5, 10, 0.2365931, 0.7634069);
        assertInterval(1, 20, 0.8388749, 1);
        assertInterval(0, 20, 0, 0.1611251);
        assertInterval(0.9, 100, 0.8256343, 0.9447708);
    }

    private static void assertInterval(double mean, int count, double low, double high) {
        Wilson interval = Wilson.of(mean, count);
        assertThat(interval.low()).isCloseTo(low, within(1e-6));
        assertThat(interval.high()).isCloseTo(high, within(1e-6));
    }

    @Test
    void withoutScoresThereIsNone() {
        assertThatThrownBy(() -> Wilson.of(0.5, 0)).isInstanceOf(IllegalArgumentException.class);
    }
}
