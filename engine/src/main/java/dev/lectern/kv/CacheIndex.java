package dev.lectern.kv;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * What a method of attention keeps of one sequence beside its keys and values: summaries of pages, hashes, sums. It is made from the cache, and belongs to it: forked with it, cut with it, freed
 * with it.
 */
public interface CacheIndex extends AutoCloseable {
    /** One for a cache that has the same tokens so far. The two may share what neither changes. */
    CacheIndex fork();

    /** Forgets all tokens from {@code length} on; it may forget more, which is then made again. */
    void truncate(int length);

    /** Is told that the keys from a token on, which were settled, will be stored otherwise: forgets what was made of them as they were. */
    default void unsettle(int settled) {}

    /** Bytes that it holds, alone or with forks. */
    long bytes();

    /**
     * What it is made of, so that it can be kept and made again.
     *
     * @param state what is to be known beside the bytes
     * @param parts memory, each a multiple of 64 bytes; good until the index changes
     */
    record Image(int[] state, List<MemorySegment> parts) {}

    /** All that it holds; empty if it is not for keeping, or holds nothing. */
    default Optional<Image> image() {
        return Optional.empty();
    }

    /** Frees its share. */
    @Override
    void close();
}
