package dev.lectern.hub;

import dev.lectern.LecternException;
import java.io.IOException;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Runs work that blocks on a thread of its own, so that a caller who wants to stop never waits for the network. */
final class Interruptible {
    private static final Duration TICK = Duration.ofMillis(50);
    private static final Duration FAREWELL = Duration.ofSeconds(2);

    private Interruptible() {}

    /**
     * Runs the work, looking after it many times a second.
     *
     * @param work what blocks; it is interrupted when it is to stop
     * @param position a number that changes as long as the work gets on; its value goes to {@code tick}
     * @param stall how long the position may stand still
     * @param stalled the message of the exception when it did
     * @param tick told the position on each look
     */
    static <T> T call(
            Callable<T> work, LongSupplier position, Duration stall, String stalled, Position tick, Caller caller)
            throws IOException, SourceFailedException {
        FutureTask<T> task = new FutureTask<>(work);
        Thread thread = Thread.ofPlatform().daemon().name("lectern-hub").start(task);
        long last = position.getAsLong();
        long since = System.nanoTime();
        while (true) {
            try {
                T result = task.get(TICK.toMillis(), TimeUnit.MILLISECONDS);
                tick.at(position.getAsLong());
                return result;
            } catch (TimeoutException e) {
                long now = position.getAsLong();
                tick.at(now);
                if (now != last) {
                    last = now;
                    since = System.nanoTime();
                } else if (System.nanoTime() - since > stall.toNanos()) {
                    end(thread);
                    throw new HttpTimeoutException(stalled);
                }
                if (caller.cancellation().isCancelled()) {
                    end(thread);
                    caller.cancellation().check();
                }
            } catch (InterruptedException e) {
                end(thread);
                Thread.currentThread().interrupt();
                throw new LecternException(LecternException.Kind.CANCELLED, "Stopped on request.", e);
            } catch (ExecutionException e) {
                throw rethrown(e.getCause());
            }
        }
    }

    /** Told where the work stands. */
    @FunctionalInterface
    interface Position {
        void at(long position);
    }

    private static void end(Thread thread) {
        thread.interrupt();
        try {
            thread.join(FAREWELL);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static IOException rethrown(@Nullable Throwable cause) throws SourceFailedException {
        return switch (cause) {
            case IOException e -> e;
            case SourceFailedException e -> throw e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case null, default -> new IOException(cause);
        };
    }
}
