package dev.lectern.comm;

/** What every rank of a job does. */
@FunctionalInterface
public interface RankWork<T> {
    /** @param communicator this rank's; not to be used after the return */
    T run(Communicator communicator);
}
