package dev.lectern.kernel;

import dev.lectern.Cancellation;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A fixed crew of threads that shares loops. The caller is one of them, so one thread means no threads of our own.
 * One loop at a time; tasks are handed out in order, one by one, to whoever is free, so that what a task computes must not depend on who
 * runs it. What the caller wrote before the loop is seen by its tasks, and what the tasks wrote is seen by the caller after it.
 *
 * <p>A decode step is some hundred loops of a few microseconds each. So an idle worker spins for a while before it sleeps, and a loop
 * waits only for tasks that somebody has taken: a worker that the operating system keeps off its core, with no task in hand, delays nobody.
 */
public final class Workers implements AutoCloseable {
    /** The body of a shared loop. */
    @FunctionalInterface
    public interface Task {
        /**
         * @param index which of the tasks
         * @param worker who runs it, 0 … threads − 1: picks that thread's scratch
         */
        void run(int index, int worker);
    }

    /** Longer than the serial work between two loops of a decode step, short enough to be no burden on a shared machine. */
    private static final long SPIN_NANOS = 80_000;

    private static final Task NOTHING = (index, worker) -> {};

    private final Crew[] crew;
    private final ReentrantLock oneLoop = new ReentrantLock();

    /** How many tasks nobody has taken (low half) of which loop (high half). */
    private final AtomicLong untaken = new AtomicLong();

    /** Tasks of the loop that have not ended. At zero nobody reads the four fields below, and the next loop may set them. */
    private final AtomicInteger unfinished = new AtomicInteger();

    private final BooleanSupplier idle = () -> (int) untaken.get() == 0;
    private final BooleanSupplier running = () -> unfinished.get() != 0;
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private long waitedNanos;
    private int tasks;
    private Task task = NOTHING;
    private Cancellation cancellation = new Cancellation();

    private volatile @Nullable Thread sleepingCaller;
    private volatile boolean closed;

    /**
     * @param threads how many threads share a loop, the caller included
     * @throws IllegalArgumentException if there is not at least one
     */
    public Workers(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("a crew of " + threads + " threads: at least 1 is needed");
        }
        crew = new Crew[threads - 1];
        for (int i = 0; i < crew.length; i++) {
            crew[i] = new Crew(this, i + 1);
            crew[i].start();
        }
    }

    /** What callers have waited, in all loops, after they found no task left to take. Told to the thread that called last. */
    public long waitedNanos() {
        return waitedNanos;
    }

    public int threads() {
        return crew.length + 1;
    }

    /**
     * Runs all tasks and returns when the last has ended. The first exception of a task is thrown here, after those that had begun have
     * ended; the others do not begin. A second thread that calls this waits for its turn.
     *
     * @param cancellation looked at before each task; on a request no further task starts
     * @throws dev.lectern.LecternException of kind {@code CANCELLED} on such a request
     * @throws IllegalStateException if called from within a task, or after {@link #close()}
     */
    public void run(int tasks, Cancellation cancellation, Task task) {
        refuseInsideTask();
        oneLoop.lock();
        try {
            if (closed) {
                throw new IllegalStateException("these workers are closed");
            }
            if (tasks > 0) {
                share(tasks, cancellation, task);
            }
        } finally {
            oneLoop.unlock();
        }
    }

    private void share(int tasks, Cancellation cancellation, Task task) {
        this.tasks = tasks;
        this.task = task;
        this.cancellation = cancellation;
        unfinished.set(tasks);
        untaken.set((((untaken.get() >>> 32) + 1) << 32) | tasks);
        if (tasks > 1) {
            for (Crew worker : crew) {
                worker.wake();
            }
        }
        while (takeOne(0)) {}
        awaitEnd();
        this.task = NOTHING;
        Throwable thrown = failure.getAndSet(null);
        if (thrown instanceof Error error) {
            throw error;
        }
        if (thrown instanceof RuntimeException exception) {
            throw exception;
        }
    }

    /** Takes and runs the next task of the present loop; false if none is left. */
    private boolean takeOne(int worker) {
        long seen = untaken.get();
        while ((int) seen != 0) {
            // The loop's number is part of what is compared: a late worker cannot take a task of a loop that it has not
            // seen.
            if (untaken.compareAndSet(seen, seen - 1)) {
                runTask(tasks - (int) seen, worker);
                return true;
            }
            seen = untaken.get();
        }
        return false;
    }

    private void runTask(int index, int worker) {
        try {
            if (failure.get() == null) {
                cancellation.check();
                task.run(index, worker);
            }
        } catch (RuntimeException | Error thrown) {
            failure.compareAndSet(null, thrown);
        } finally {
            if (unfinished.decrementAndGet() == 0) {
                LockSupport.unpark(sleepingCaller);
            }
        }
    }

    private void awaitEnd() {
        if (unfinished.get() == 0) {
            return;
        }
        long began = System.nanoTime();
        var pause = new Pause();
        while (unfinished.get() != 0) {
            if (pause.spin(running)) {
                continue;
            }
            sleepingCaller = Thread.currentThread();
            if (unfinished.get() != 0) {
                LockSupport.park(this);
            }
            sleepingCaller = null;
            if (Thread.currentThread().isInterrupted()) {
                Thread.yield(); // parking does not block an interrupted thread; whoever interrupted it finds the flag
                // untouched
            }
        }
        waitedNanos += System.nanoTime() - began;
    }

    private void refuseInsideTask() {
        boolean inside = oneLoop.isHeldByCurrentThread()
                || (Thread.currentThread() instanceof Crew worker && worker.workers == this);
        if (inside) {
            throw new IllegalStateException("a task of a shared loop tried to use the workers that run it");
        }
    }

    /** Waits for a running loop, then ends the threads and waits for them. Closing twice does nothing more. */
    @Override
    public void close() {
        refuseInsideTask();
        oneLoop.lock();
        try {
            closed = true;
        } finally {
            oneLoop.unlock();
        }
        boolean interrupted = false;
        for (Crew worker : crew) {
            LockSupport.unpark(worker);
            while (worker.isAlive()) {
                try {
                    worker.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** A stretch of waiting: spins, gives the core away now and then, and says when it has lasted long enough to sleep. */
    private static final class Pause {
        private long since = System.nanoTime();

        /** @param waiting whether there is still something to wait for */
        boolean spin(BooleanSupplier waiting) {
            for (int i = 0; i < 64; i++) {
                if (!waiting.getAsBoolean()) {
                    return true;
                }
                Thread.onSpinWait();
            }
            Thread.yield();
            return System.nanoTime() - since < SPIN_NANOS;
        }

        void restart() {
            since = System.nanoTime();
        }
    }

    private static final class Crew extends Thread {
        private final Workers workers;
        private final int number;
        private volatile boolean asleep;

        Crew(Workers workers, int number) {
            super("lectern-worker-" + number);
            this.workers = workers;
            this.number = number;
            setDaemon(true);
        }

        void wake() {
            if (asleep) {
                LockSupport.unpark(this);
            }
        }

        @Override
        public void run() {
            var pause = new Pause();
            while (!workers.closed) {
                if (workers.takeOne(number)) {
                    pause.restart();
                } else if (!pause.spin(workers.idle)) {
                    sleep();
                    pause.restart();
                }
            }
        }

        private void sleep() {
            // First say so, then look again: the caller first hands out, then looks who sleeps. One of the two sees the
            // other.
            asleep = true;
            while (!workers.closed && (int) workers.untaken.get() == 0) {
                LockSupport.park(workers);
            }
            asleep = false;
        }
    }
}
