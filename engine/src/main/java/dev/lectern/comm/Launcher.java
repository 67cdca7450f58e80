package dev.lectern.comm;

import dev.lectern.Cancellation;

/** A way to be one of several processes, on one host or many, that another program started together. Found as a service. */
public interface Launcher {
    /** What the others are reached by, such as "MPI". */
    String name();

    /** Whether such a program started this process. Only looks at the environment, and loads nothing. */
    boolean launched();

    /** How many of the processes that it started are on this host, this one included; 1 where it does not say. */
    int ranksHere();

    /**
     * Runs this process's part of the job, as the rank that it is, on the calling thread; once in a process. Returns when all ranks have done
     * theirs. If the work throws, the reason is written to standard error and the whole job ends, this process included, with the exit code of
     * the reason.
     *
     * @param cancellation ends the job when it is set
     * @throws dev.lectern.LecternException of kind {@code NOT_FOUND} or {@code BAD_OPTION} if the others cannot be reached this way: a library that is missing, or
     *     is not the launcher's
     */
    <T> T run(Cancellation cancellation, RankWork<T> work);
}
