package dev.lectern.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReadingTimeTest {
    private static final int CHUNK = 512;
    private static final double PER_TOKEN = 0.004;

    @Test
    void whatGrowsExactlyIsForeseenExactly() {
        double perSquare = PER_TOKEN / 20_000;
        ReadingTime time = new ReadingTime(0);
        long read = 0;
        while (read < 20 * CHUNK) {
            read += CHUNK;
            time.add(read, PER_TOKEN * read + perSquare * read * read);
        }

        long total = 400 * CHUNK;
        double truth = PER_TOKEN * (total - read) + perSquare * ((double) total * total - (double) read * read);
        // The sums of squares lose some digits: nothing else separates the two.
        assertThat(time.until(total)).isCloseTo(truth, within(1e-3 * truth));
    }

    @Test
    void readingThatBeginsDeepKnowsItsDepth() {
        double perSquare = PER_TOKEN / 20_000;
        long start = 100_000;
        ReadingTime time = new ReadingTime(start);
        long read = start;
        double elapsed = 0;
        while (read < start + 20 * CHUNK) {
            elapsed +=
                    PER_TOKEN * CHUNK + perSquare * ((double) (read + CHUNK) * (read + CHUNK) - (double) read * read);
            read += CHUNK;
            time.add(read, elapsed);
        }

        long total = start + 100 * CHUNK;
        double truth = PER_TOKEN * (total - read) + perSquare * ((double) total * total - (double) read * read);
        assertThat(time.until(total)).isCloseTo(truth, within(0.02 * truth));
    }

    /** Chunks that vary by 5 %, and a first one that takes three times as long, as when the JVM still compiles. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void fromAQuarterOnTheTimeLeftIsRightWithinAFifth(long seed) {
        Random random = new Random(seed);
        double perSquare = PER_TOKEN / 30_000;
        int chunks = 128;
        double[] ends = new double[chunks + 1];
        for (int i = 0; i < chunks; i++) {
            double from = (double) i * CHUNK, to = from + CHUNK;
            double exact = PER_TOKEN * CHUNK + perSquare * (to * to - from * from);
            ends[i + 1] = ends[i] + exact * (i == 0 ? 3 : 1 + 0.05 * random.nextGaussian());
        }

        ReadingTime time = new ReadingTime(0);
        for (int i = 1; i < chunks; i++) {
            time.add((long) i * CHUNK, ends[i]);
            if (i >= chunks / 4 && i <= chunks * 3 / 4) {
                double truth = ends[chunks] - ends[i];
                assertThat(time.until((long) chunks * CHUNK))
                        .as("seed %d, after chunk %d", seed, i)
                        .isCloseTo(truth, within(0.2 * truth));
            }
        }
    }

    @Test
    void aFewNoisyChunksDoNotPromiseTheSky() {
        ReadingTime time = new ReadingTime(0);
        double[] chunks = {6, 2, 2.1, 2.05, 2.2, 2.1};
        double elapsed = 0;
        for (int i = 0; i < chunks.length; i++) {
            elapsed += chunks[i];
            time.add((i + 1L) * CHUNK, elapsed);
        }

        assertThat(time.until(500 * CHUNK)).isBetween(500 * 1.9, 500 * 2.1 * 6);
    }

    @Test
    void nothingNotedIsNothingKnown() {
        assertThat(new ReadingTime(7).until(1000)).isNaN();
    }

    @Test
    void oneChunkGivesTheMeanSpeed() {
        ReadingTime time = new ReadingTime(0);
        time.add(100, 2);
        assertThat(time.until(300)).isCloseTo(4, within(1e-9));
    }
}
