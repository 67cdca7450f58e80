package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PairedTest {
    @Test
    void pIsThatOfMcNemarsExactTest() {
        // Sums of binomial coefficients over powers of two: 2 · (1 + 10) / 2^10, 2 · (1 + 6 + 15) / 2^6.
        assertThat(Paired.p(1, 9)).isCloseTo(22.0 / 1024, within(1e-15));
        assertThat(Paired.p(4, 2)).isCloseTo(44.0 / 64, within(1e-15));
        assertThat(Paired.p(0, 0)).isEqualTo(1);
        // 2 · Φ(−(100 − 1) / √2100), the normal distribution with its correction for whole numbers.
        assertThat(Paired.p(1100, 1000)).isCloseTo(0.0307, within(1e-3));
        assertThat(Paired.p(3, 3)).isCloseTo(1, within(1e-12));
    }

    @Test
    void equalScoresDoNotDiffer() {
        List<List<Double>> scores = List.of(List.of(1.0, 0.5, 0.0), List.of(1.0, 0.0));
        assertThat(Paired.of(scores, scores)).isEqualTo(new Paired(0, 0, 0, 0, 0, 1));
    }

    @Test
    void tasksCountAlikeWhateverTheirSamples() {
        Paired paired =
                Paired.of(List.of(List.of(1.0, 1.0, 1.0), List.of(0.0)), List.of(List.of(0.0, 1.0, 1.0), List.of(1.0)));
        assertThat(paired.difference()).isCloseTo((1.0 / 3 - 1) / 2, within(1e-12));
        assertThat(paired.better()).isEqualTo(1);
        assertThat(paired.worse()).isEqualTo(1);
    }

    /** Of 200 pairs that differ by 0.1 on average with a deviation of 0.5, the interval is as wide as the normal one: ± 1.96 · 0.5 / √200. */
    @Test
    void theIntervalIsAsWideAsTheoryHasIt() {
        Random random = new Random(1);
        List<Double> a = new ArrayList<>(), b = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            a.add(0.1 + 0.5 * random.nextGaussian());
            b.add(0.0);
        }
        Paired paired = Paired.of(List.of(a), List.of(b));
        double mean = a.stream().mapToDouble(x -> x).average().orElseThrow();
        assertThat(paired.difference()).isCloseTo(mean, within(1e-12));
        // The deviation of 200 numbers is known to 5 per cent, the bootstrap's own error is some 2.
        assertThat(paired.high() - paired.low()).isCloseTo(2 * 1.96 * 0.5 / Math.sqrt(200), within(0.02));
    }

    /** Three differences of 0, 0.3 and 0.6 have a deviation of 0.3: the mean of very many such triples spreads by 0.3 / √3, which three numbers drawn again would miss by a fifth. */
    @Test
    void fewSamplesDoNotMakeItNarrow() {
        List<List<Double>> a = new ArrayList<>(), b = new ArrayList<>();
        for (int task = 0; task < 100; task++) {
            a.add(List.of(0.0, 0.3, 0.6));
            b.add(List.of(0.0, 0.0, 0.0));
        }
        Paired paired = Paired.of(a, b);
        assertThat(paired.high() - paired.low()).isCloseTo(2 * 1.96 * 0.3 / Math.sqrt(3 * 100), within(0.003));
    }

    @Test
    void singleSamplesAreComparedAmongThemselvesAndOneAloneWithNothing() {
        List<List<Double>> zeros = List.of(List.of(0.0), List.of(0.0), List.of(0.0), List.of(0.0));
        Paired several = Paired.of(List.of(List.of(1.0), List.of(0.0), List.of(0.0), List.of(1.0)), zeros);
        assertThat(several.difference()).isEqualTo(0.5);
        assertThat(several.low()).isBetween(-0.2, 0.2);
        assertThat(several.high()).isBetween(0.8, 1.0);
        Paired one = Paired.of(List.of(List.of(1.0), List.of(0.0, 0.0)), List.of(List.of(1.0), List.of(0.0, 0.0)));
        assertThat(one).isEqualTo(new Paired(0, -1, 1, 0, 0, 1));
    }

    @Test
    void unlikeSamplesAreRefused() {
        assertThatThrownBy(() -> Paired.of(List.of(List.of(1.0)), List.of(List.of(1.0, 0.0))))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
