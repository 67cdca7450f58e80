package dev.lectern;

/**
 * What a session would take, before anything is read.
 *
 * @param tokens in the context
 * @param weights bytes of the model file, mapped: the operating system can drop and read them again
 * @param kv bytes of the cache
 * @param index bytes of what the method of attention, and that of keeping tokens, know of the sequence beside the cache
 * @param scratch bytes of activations and of attention's intermediate results
 * @param available bytes that this machine (or its container) can still give
 */
public record Estimate(long tokens, long weights, long kv, long index, long scratch, long available) {
    public long total() {
        return Math.addExact(Math.addExact(weights, kv), besideCache());
    }

    /** Bytes of index and scratch. */
    public long besideCache() {
        return Math.addExact(index, scratch);
    }

    /** Whether it fits; slower than it could be if weights have to be read again and again, so these count too. */
    public boolean fits() {
        return total() <= available;
    }
}
