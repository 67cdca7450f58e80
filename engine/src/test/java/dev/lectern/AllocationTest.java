package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Heap allocation per decoded token, in a JVM of its own: the coverage agent and the kernels that other tests have run keep the compiler
 * from taking vectors off the heap.
 */
class AllocationTest {
    private static final int DEPTH = 3500;
    private static final int TOKENS = 20;

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
        // An answer, not a token, copies the list of its session's tokens once.
        assertThat(deep - 4 * DEPTH).isLessThanOrEqualTo(shallow + shallow / 10);
    }

    /** Prints the bytes that an answer allocates at depth 3 500, and at depth 400, where the first page is closed too. */
    static final class Measured {
        public static void main(String[] args) {
            ModelOptions options = ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=64");
            try (Model model = Model.open(Path.of("src/test/resources/tiny/mqa"), options);
                    Session deep = model.newSession(SessionOptions.DEFAULT);
                    Session shallow = model.newSession(SessionOptions.DEFAULT)) {
                int[] text = new Random(1).ints(DEPTH, 0, 250).toArray();
                deep.read(text, Progress.NONE, new Cancellation());
                shallow.read(Arrays.copyOf(text, 400), Progress.NONE, new Cancellation());
                // The least of many in turns: vectors live on the heap until a kernel is compiled, some sooner than
                // others.
                long leastDeep = Long.MAX_VALUE, leastShallow = Long.MAX_VALUE;
                for (int round = 0; round < 300; round++) {
                    leastDeep = Math.min(leastDeep, allocated(deep));
                    leastShallow = Math.min(leastShallow, allocated(shallow));
                }
                System.out.println(leastDeep + " " + leastShallow);
            }
        }

        private static long allocated(Session session) {
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            int depth = session.length();
            session.logits();
            long before = threads.getCurrentThreadAllocatedBytes();
            session.generate(
                    GenerateOptions.DEFAULT.withMaxTokens(TOKENS).withIgnoreEnd(true),
                    TokenListener.NONE,
                    new Cancellation());
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;
            session.truncate(depth);
            return allocated;
        }
    }
}
