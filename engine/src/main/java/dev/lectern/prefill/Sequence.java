package dev.lectern.prefill;

import dev.lectern.kv.KvCache;
import dev.lectern.model.Rope;

/**
 * What the layers know of one sequence of tokens.
 *
 * @param cache its keys and values
 * @param rope how its positions rotate
 */
public record Sequence(KvCache cache, Rope rope) implements AutoCloseable {
    /** The same beginning, pages shared. */
    public Sequence fork() {
        return new Sequence(cache.fork(), rope);
    }

    @Override
    public void close() {
        cache.close();
    }
}
