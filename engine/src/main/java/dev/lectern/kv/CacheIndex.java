package dev.lectern.kv;

/**
 * What a method of attention keeps of one sequence beside its keys and values: summaries of pages, hashes, sums. It is made from the cache, and belongs to it: forked with it, cut with it, freed
 * with it.
 */
public interface CacheIndex extends AutoCloseable {
    /** One for a cache that has the same tokens so far. The two may share what neither changes. */
    CacheIndex fork();

    /** Forgets all tokens from {@code length} on; it may forget more, which is then made again. */
    void truncate(int length);

    /** Bytes that it holds, alone or with forks. */
    long bytes();

    /** Frees its share. */
    @Override
    void close();
}
