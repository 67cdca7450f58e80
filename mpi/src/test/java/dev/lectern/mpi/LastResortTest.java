package dev.lectern.mpi;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

final class LastResortTest {
    /** Two calls: the first comes back in time, the second does not. */
    static final class Waits {
        private Waits() {}

        public static void main(String[] arguments) throws InterruptedException {
            try (var _ = new LastResort(60, 1, "too late")) {
                System.out.println("in time");
            }
            try (var _ = new LastResort(1, 7, "it took too long")) {
                Thread.sleep(30_000);
            }
            System.out.println("not reached");
        }
    }

    @Test
    void aCallThatDoesNotComeBackEndsTheProcess() throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Waits.class.getName())
                .redirectErrorStream(true)
                .start();
        assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .isEqualToNormalizingNewlines("in time\nlectern: it took too long\n");
        assertThat(process.waitFor()).isEqualTo(7);
    }
}
