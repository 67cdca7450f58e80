package dev.lectern.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PeakParityTest {
    private final PeakLoops scalar = new PeakLoops.Scalar();
    private final PeakLoops vector = Kernels.peakLoops();

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 7, 1000})
    void everySumIsThatOfTheSpecification(int rounds) {
        // Every number is exact in a float up to rounds = 3, and within rounding of ten additions after that.
        float one = scalar.multiplyAndAdd(rounds);
        assertThat(vector.multiplyAndAdd(rounds)).isCloseTo(vector.lanes() * one, within(1e-5f * vector.lanes() * one));
    }

    @Test
    void everyIntegerIsReadOnce() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment segment = arena.allocate(1 << 16, 64);
            Random random = new Random(1);
            int sum = 0;
            for (long p = 0; p < segment.byteSize(); p += 4) {
                int value = random.nextInt();
                segment.set(ValueLayout.JAVA_INT, p, value);
                sum += p >= 512 && p < 4096 + 256 ? value : 0;
            }
            assertThat(scalar.read(segment, 512, 4096 + 256)).isEqualTo(sum);
            assertThat(vector.read(segment, 512, 4096 + 256)).isEqualTo(sum);
        }
    }

    @Test
    void theFiguresAreThoseOfAMachine() {
        List<Long> done = new ArrayList<>();
        Peak peak = Peak.measure(2, 64 << 20, (now, total) -> done.add(now), new Cancellation());
        assertThat(done).containsExactly(0L, 1L, 2L, 3L, 4L);
        assertThat(peak.threads()).isEqualTo(2);
        // Between a processor of the last century and one that nobody has built yet.
        assertThat(peak.flops()).isBetween(1e7, 1e13);
        assertThat(peak.flopsOfAll()).isBetween(1e7, 1e14);
        assertThat(peak.bytes()).isBetween(1e7, 1e13);
        assertThat(peak.bytesOfAll()).isBetween(1e7, 1e14);
    }

    @Test
    void aStopEndsIt() {
        Cancellation cancellation = new Cancellation();
        cancellation.cancel();
        assertThatThrownBy(() -> Peak.measure(1, 1 << 20, Progress.NONE, cancellation))
                .isInstanceOf(LecternException.class);
    }
}
