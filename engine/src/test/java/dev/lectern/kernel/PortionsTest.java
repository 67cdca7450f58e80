package dev.lectern.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PortionsTest {
    /** Cut again and again, because an instance serves one loop after the other. */
    private final Portions portions = new Portions();

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "1, 4, 8", "18, 1, 2", "18, 2, 2", "97, 2, 3", "4748, 1, 2", "100000, 1, 64"})
    void tasksCoverTheLoopInOrderAndShrink(int units, int smallest, int threads) {
        portions.cut(2 * units, 1, 1);
        portions.cut(units, smallest, threads);

        int done = 0, previous = units;
        for (int task = 0; task < portions.count(); task++) {
            assertThat(portions.from(task)).isEqualTo(done);
            int size = portions.to(task) - done;
            boolean last = task == portions.count() - 1;
            assertThat(size).isBetween(last ? 1 : Math.min(smallest, units), previous);
            previous = size;
            done += size;
        }
        assertThat(done).isEqualTo(units);
    }

    @ParameterizedTest
    @CsvSource({"18, 2", "97, 3", "4748, 2", "100000, 64"})
    void beginsWithHalfOfAThreadsPartAndEndsWithOneUnit(int units, int threads) {
        portions.cut(units, 1, threads);

        assertThat(portions.to(0)).isBetween(units / (2 * threads), units / (2 * threads) + 1);
        int last = portions.count() - 1;
        assertThat(portions.to(last) - portions.from(last)).isEqualTo(1);
    }
}
