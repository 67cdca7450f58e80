package dev.lectern.prefill;

import dev.lectern.AttentionObserver;
import dev.lectern.kv.KvCache;
import dev.lectern.model.Rope;
import org.jspecify.annotations.Nullable;

/**
 * What the layers know of one sequence of tokens.
 *
 * @param cache its keys and values
 * @param rope how its positions rotate
 * @param observer told what its layers attend with, or null
 */
public record Sequence(KvCache cache, Rope rope, @Nullable AttentionObserver observer) implements AutoCloseable {
    /** One that nobody observes. */
    public Sequence(KvCache cache, Rope rope) {
        this(cache, rope, null);
    }

    /** The same one, with another observer or none. */
    public Sequence observedBy(@Nullable AttentionObserver observer) {
        return new Sequence(cache, rope, observer);
    }

    /** The same beginning, pages shared; nobody observes it. */
    public Sequence fork() {
        return with(cache.fork());
    }

    /** One with another cache; nobody observes it. */
    Sequence with(KvCache other) {
        return new Sequence(other, rope);
    }

    @Override
    public void close() {
        cache.close();
    }
}
