package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Heap allocation per decoded token, in a JVM of its own: the coverage agent and the kernels that other tests have run keep the compiler
 * from taking vectors off the heap.
 */
class AllocationTest {
    @Test
    void allocationPerTokenDoesNotGrowWithDepth() throws Exception {
        Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules",
                        "jdk.incubator.vector",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Measured.class.getName())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String[] words = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8).split("\\s+");
        assertThat(child.waitFor()).isZero();
        long deep = Long.parseLong(words[0]), shallow = Long.parseLong(words[1]);
        assertThat(deep).isLessThanOrEqualTo(shallow + shallow / 10);
    }

    /** Prints the bytes that an answer allocates at depth 3 500 and at depth 10. */
    static final class Measured {
        public static void main(String[] args) {
            ModelOptions options = ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=64");
            try (Model model = Model.open(Path.of("src/test/resources/tiny/mqa"), options);
                    Session session = model.newSession(SessionOptions.DEFAULT)) {
                session.read(new Random(1).ints(3500, 0, 250).toArray(), Progress.NONE, new Cancellation());
                long deep = leastOfManyAnswers(session);
                session.truncate(10);
                System.out.println(deep + " " + leastOfManyAnswers(session));
            }
        }

        /** The least, because vectors live on the heap until a kernel is compiled. */
        private static long leastOfManyAnswers(Session session) {
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            int depth = session.length();
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 100; round++) {
                session.truncate(depth);
                session.logits();
                long before = threads.getCurrentThreadAllocatedBytes();
                session.generate(
                        GenerateOptions.DEFAULT.withMaxTokens(20).withIgnoreEnd(true),
                        TokenListener.NONE,
                        new Cancellation());
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
            return least;
        }
    }
}
