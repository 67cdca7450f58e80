package dev.lectern.comm;

/** A message under way. Its segment is not touched until {@link #await} returned. */
public interface Request {
    /**
     * Waits until the segment is the caller's again: it has been sent, or holds what was received. A second call returns at once.
     *
     * @throws dev.lectern.LecternException of kind {@code CANCELLED} or {@code LOST_HOST} if the job ended instead
     */
    void await();
}
