package dev.lectern.cli;

import dev.lectern.Cancellation;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * What happens on Ctrl-C and on SIGTERM: the work is asked to stop, gets most of a second to do so and to say what it has,
 * and the program ends with exit code 130.
 */
final class Interruption {
    private static final int INTERRUPTED = 130;
    private static final long GRACE_MILLIS = 900;

    private final CountDownLatch done = new CountDownLatch(1);

    private Interruption() {}

    /** Takes effect until the program has {@link #over ended} by itself. */
    static Interruption of(Cancellation cancellation) {
        Interruption interruption = new Interruption();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> interruption.stop(cancellation), "interruption"));
        return interruption;
    }

    private void stop(Cancellation cancellation) {
        if (done.getCount() == 0) {
            return;
        }
        cancellation.cancel();
        try {
            boolean inTime = done.await(GRACE_MILLIS, TimeUnit.MILLISECONDS);
            if (!inTime) {
                System.err.println();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        // Exit codes of a JVM that a signal ends differ by signal; this one is promised.
        Runtime.getRuntime().halt(INTERRUPTED);
    }

    /** The work is over and everything that it had to say is said. */
    void over() {
        done.countDown();
    }
}
