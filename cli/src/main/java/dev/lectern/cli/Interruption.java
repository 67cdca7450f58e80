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

    private static final long LAST_WORDS_MILLIS = 100;

    private final CountDownLatch done = new CountDownLatch(1);

    private Interruption() {}

    /**
     * Takes effect until the program has {@link #over ended} by itself.
     *
     * @param lastWords what is said where the work does not stop in time to say it
     */
    static Interruption of(Cancellation cancellation, Runnable lastWords) {
        Interruption interruption = new Interruption();
        Runtime.getRuntime()
                .addShutdownHook(new Thread(() -> interruption.stop(cancellation, lastWords), "interruption"));
        return interruption;
    }

    private void stop(Cancellation cancellation, Runnable lastWords) {
        if (done.getCount() == 0) {
            return;
        }
        cancellation.cancel();
        try {
            if (!done.await(GRACE_MILLIS, TimeUnit.MILLISECONDS)) {
                // On a thread of its own: whoever holds the streams may hold them for long.
                Thread.ofPlatform().daemon().start(lastWords).join(LAST_WORDS_MILLIS);
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
