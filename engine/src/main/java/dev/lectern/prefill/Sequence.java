package dev.lectern.prefill;

import dev.lectern.AttentionObserver;
import dev.lectern.attention.DecodeAttention;
import dev.lectern.comm.Communicator;
import dev.lectern.kv.KvCache;
import dev.lectern.model.Rope;
import org.jspecify.annotations.Nullable;

/**
 * What the layers know of one sequence of tokens.
 *
 * @param cache its keys and values
 * @param rope how its positions rotate
 * @param attention what a token that comes alone looks at
 * @param observer told what its layers attend with, or null
 * @param hosts among which its tokens are shared: every one takes the same steps, and has keys and values of some tokens; null if all are here
 */
public record Sequence(
        KvCache cache,
        Rope rope,
        DecodeAttention attention,
        @Nullable AttentionObserver observer,
        @Nullable Communicator hosts)
        implements AutoCloseable {
    /** One that nobody observes, and that is all here. */
    public Sequence(KvCache cache, Rope rope, DecodeAttention attention) {
        this(cache, rope, attention, null, null);
    }

    /** The same one, with another observer or none. */
    public Sequence observedBy(@Nullable AttentionObserver observer) {
        return new Sequence(cache, rope, attention, observer, hosts);
    }

    /** The same one, as the part of one host. */
    public Sequence sharedAmong(Communicator others) {
        return new Sequence(cache, rope, attention, observer, others);
    }

    /** Whether this process has what follows the text, and so the say in it: of several hosts, the last. */
    public boolean decides() {
        return hosts == null || hosts.rank() == hosts.size() - 1;
    }

    /**
     * Numbers of the one that decides. Called by all hosts, with as many.
     *
     * @param own this host's; of others than the deciding one anything
     */
    public int[] decided(int... own) {
        return hosts == null ? own : hosts.broadcast(own, hosts.size() - 1);
    }

    /** The same one, with another method of attention. */
    public Sequence attending(DecodeAttention other) {
        return new Sequence(cache, rope, other, observer, hosts);
    }

    /** The same beginning, pages shared; nobody observes it. */
    public Sequence fork() {
        return with(cache.fork());
    }

    /** One with another cache; nobody observes it. */
    Sequence with(KvCache other) {
        return new Sequence(other, rope, attention, null, hosts);
    }

    @Override
    public void close() {
        cache.close();
    }
}
