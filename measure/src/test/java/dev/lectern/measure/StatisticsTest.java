package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class StatisticsTest {
    @Test
    void meanDeviationAndMedianAreThoseOfTheTextbook() {
        Statistics odd = Statistics.of(List.of(2.0, 4.0, 9.0));
        assertThat(odd.count()).isEqualTo(3);
        assertThat(odd.mean()).isEqualTo(5);
        assertThat(odd.stddev()).isCloseTo(Math.sqrt(26 / 2.0), within(1e-12)); // squares 9 + 1 + 16, over n − 1
        assertThat(odd.median()).isEqualTo(4);
        assertThat(odd.min()).isEqualTo(2);
        assertThat(odd.max()).isEqualTo(9);
        assertThat(Statistics.of(List.of(9.0, 1.0, 3.0, 4.0)).median()).isEqualTo(3.5);
        assertThat(odd.plusMinus()).isEqualTo("5.000 ± 3.606");
    }

    @Test
    void oneMeasurementHasNoDeviation() {
        Statistics one = Statistics.of(List.of(7.25));
        assertThat(one.stddev()).isNaN();
        assertThat(one.plusMinus()).isEqualTo("7.250");
    }

    @Test
    void nothingHasNoStatistics() {
        assertThatThrownBy(() -> Statistics.of(List.of())).isInstanceOf(IllegalArgumentException.class);
    }
}
