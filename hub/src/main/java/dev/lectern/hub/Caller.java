package dev.lectern.hub;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Who asked for a pull: hears how far it is and what happens on the way, and may stop it.
 *
 * @param progress bytes done and in all
 * @param notes sentences about what happens: a source that fails, a wait for another pull
 * @param cancellation the request to stop
 */
record Caller(Progress progress, Consumer<String> notes, Cancellation cancellation) {
    /** The same, with a progress that never falls, although a second source may begin again. */
    Caller monotone() {
        return new Caller(new Rising(progress), notes, cancellation);
    }

    /** Waits, and stops waiting as soon as the caller wants to stop. */
    void sleep(Duration time) {
        long end = System.nanoTime() + time.toNanos();
        for (long left = time.toNanos(); left > 0; left = end - System.nanoTime()) {
            cancellation.check();
            try {
                Thread.sleep(Duration.ofNanos(Math.min(left, 100_000_000)));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new LecternException(LecternException.Kind.CANCELLED, "Stopped on request.", e);
            }
        }
        cancellation.check();
    }

    private static final class Rising implements Progress {
        private final Progress listener;
        private long highest;

        Rising(Progress listener) {
            this.listener = listener;
        }

        @Override
        public void report(long done, long total) {
            if (done > highest) {
                highest = done;
            }
            listener.report(highest, total);
        }
    }
}
