package dev.lectern.kernel;

import dev.lectern.Cancellation;

/**
 * A fixed crew of threads that shares loops. The caller is one of them, so one thread means no threads of our own.
 * One loop at a time; tasks are handed out in order, one by one, to whoever is free, so that what a task computes must not depend on who
 * runs it.
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

    private final int threads;

    public Workers(int threads) {
        this.threads = threads;
    }

    public int threads() {
        return threads;
    }

    /**
     * Runs all tasks and returns when the last has ended. The first exception of a task is thrown here, after the others have ended.
     *
     * @param cancellation looked at before each task; on a request no further task starts
     * @throws dev.lectern.LecternException of kind {@code CANCELLED} on such a request
     */
    public void run(int tasks, Cancellation cancellation, Task task) {
        for (int i = 0; i < tasks; i++) {
            cancellation.check();
            task.run(i, 0);
        }
    }

    @Override
    public void close() {}
}
