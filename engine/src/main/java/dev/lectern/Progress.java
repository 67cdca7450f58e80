package dev.lectern;

/** Told how far a long piece of work has come. Called from the working thread, so it returns at once. */
@FunctionalInterface
public interface Progress {
    /** Ignores everything it is told. */
    Progress NONE = (done, total) -> {};

    /**
     * @param done units finished so far (tokens or bytes, as the work says); never decreases
     * @param total units in all, or −1 while unknown
     */
    void report(long done, long total);
}
