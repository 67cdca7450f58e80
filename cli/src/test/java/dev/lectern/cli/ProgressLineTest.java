package dev.lectern.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProgressLineTest {
    @TempDir
    Path home;

    private final AtomicLong now = new AtomicLong();

    private ProgressLine line(ProgressLine.Unit unit) {
        Console console = new Run(home).surroundings().console();
        return new ProgressLine(console, "asking", unit, 0, -1, now::get);
    }

    private void pass(int seconds) {
        now.addAndGet(TimeUnit.SECONDS.toNanos(seconds));
    }

    @Test
    void whatWentBeforeWorkDoesNotCountAsSlowWork() {
        try (ProgressLine line = line(ProgressLine.Unit.WORK)) {
            pass(100);
            line.report(10, 110);
            assertThat(line.text()).endsWith("9 %");
            pass(10);
            line.report(20, 110);
            assertThat(line.text()).endsWith("18 %  1:30 left");
        }
    }

    @Test
    void workThatBeginsAnewIsTimedAnew() {
        try (ProgressLine line = line(ProgressLine.Unit.WORK)) {
            line.report(0, 100);
            pass(1000);
            line.report(100, 100);
            line.report(1, 101);
            assertThat(line.text()).endsWith("0 %");
            pass(1);
            line.report(2, 101);
            assertThat(line.text()).as("too early to tell").endsWith("1 %");
            pass(9);
            line.report(11, 101);
            assertThat(line.text()).endsWith("10 %  1:30 left");
        }
    }

    @Test
    void aDownloadThatGoesOnIsAsFastAsWhatIsFetchedNow() {
        try (ProgressLine line = line(ProgressLine.Unit.BYTES)) {
            line.report(900, 1000);
            pass(10);
            line.report(950, 1000);
            assertThat(line.text()).endsWith("0:10 left");
        }
    }
}
