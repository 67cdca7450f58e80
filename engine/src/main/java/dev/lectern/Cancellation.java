package dev.lectern;

/**
 * A request to stop, shared between the one who asks and the work that is asked. Long work looks at it many times a
 * second and ends with an exception of kind {@link LecternException.Kind#CANCELLED}; whatever was finished stays valid.
 */
public final class Cancellation {
    private volatile boolean cancelled;

    /** Asks for the stop; from any thread, any number of times. */
    public void cancel() {
        cancelled = true;
    }

    public boolean isCancelled() {
        return cancelled;
    }

    /** @throws LecternException of kind {@code CANCELLED} if the stop was asked for */
    public void check() {
        if (cancelled) {
            throw new LecternException(LecternException.Kind.CANCELLED, "Stopped on request.");
        }
    }
}
