package dev.lectern.kv;

import dev.lectern.LecternException;
import java.util.ArrayList;
import java.util.List;

/**
 * The keys and values of one sequence of tokens, in pages. Pages are shared with the caches that were {@link #fork forked} from the same
 * beginning; a shared page is copied before it is written, and only the open one, the last, is ever written.
 *
 * <p>A step first {@link #reserve reserves} room, stores rows with {@link #put}, lets attention read them through {@link #page}, and at the
 * end {@link #commit commits}. Until then the {@link #length} does not move, so a step that is given up leaves nothing behind.
 *
 * <p>One thread writes at a time; reads of different pages may run beside each other.
 */
public final class KvCache implements AutoCloseable {
    private final List<LayerCache> layers;
    private final List<PageGroup> groups = new ArrayList<>();
    private int length;
    private boolean closed;

    /** An empty cache. */
    public KvCache(List<LayerCache> layers) {
        this.layers = List.copyOf(layers);
    }

    /** Bytes that a cache of so many tokens holds. */
    public static long bytes(List<LayerCache> layers, long tokens) {
        return Math.multiplyExact(Math.ceilDiv(tokens, (long) Page.TOKENS), PageGroup.bytes(layers));
    }

    public List<LayerCache> layers() {
        return layers;
    }

    /** Tokens that are committed. */
    public int length() {
        return length;
    }

    /** Bytes of native memory in pages that this cache holds, alone or with others. */
    public long bytes() {
        return groups.size() * PageGroup.bytes(layers);
    }

    /**
     * Makes room for tokens after the committed ones.
     *
     * @throws LecternException of kind {@code NO_MEMORY} if the machine has none left
     */
    public void reserve(int tokens) {
        checkOpen();
        int needed = Math.addExact(length, tokens);
        try {
            if (length % Page.TOKENS != 0) {
                int open = length / Page.TOKENS;
                PageGroup group = groups.get(open);
                if (group.isShared()) {
                    groups.set(open, group.copy(layers));
                    group.release();
                }
            }
            while ((long) groups.size() * Page.TOKENS < needed) {
                groups.add(new PageGroup(layers));
            }
        } catch (OutOfMemoryError e) {
            throw noMemory(e);
        }
    }

    /**
     * Stores one token of one layer in reserved room.
     *
     * @param token its place in the sequence, from 0; at or after {@link #length}
     * @param k {@code [kvHeads][headDim]} from kAt, rotated
     * @param v {@code [kvHeads][headDim]} from vAt
     */
    public void put(int layer, int token, float[] k, int kAt, float[] v, int vAt) {
        if (token < length) {
            throw new IllegalArgumentException("token " + token + " is committed");
        }
        Page page = page(layer, token / Page.TOKENS);
        page.keys().put(token % Page.TOKENS, k, kAt);
        page.values().put(token % Page.TOKENS, v, vAt);
    }

    /** The page of a layer that holds the tokens from {@code index · 256} on. */
    public Page page(int layer, int index) {
        return groups.get(index).page(layer);
    }

    /** Makes the tokens of a finished step part of the sequence. */
    public void commit(int tokens) {
        length = Math.addExact(length, tokens);
    }

    /**
     * Appends the tokens of one of its whole pages once more, as a copy in memory of its own. Keys stay rotated as they were stored, so this is
     * for measuring: the cache is as long as that of a longer text and costs as much, but means nothing.
     *
     * @param index of the page; the length is whole pages
     * @throws LecternException of kind {@code NO_MEMORY} if the machine has none left
     */
    public void repeatPage(int index) {
        checkOpen();
        if (length % Page.TOKENS != 0 || index < 0 || index >= length / Page.TOKENS) {
            throw new IllegalArgumentException("page " + index + " cannot follow " + length + " tokens");
        }
        int longer = Math.addExact(length, Page.TOKENS);
        truncate(length); // what was reserved and not committed makes room
        try {
            groups.add(groups.get(index).copy(layers));
        } catch (OutOfMemoryError e) {
            throw noMemory(e);
        }
        length = longer;
    }

    private LecternException noMemory(OutOfMemoryError e) {
        return new LecternException(
                LecternException.Kind.NO_MEMORY,
                "There is no memory left for the KV cache at token " + length + " (it holds " + bytes()
                        + " bytes): ask for a shorter context or a smaller --kv format.",
                e);
    }

    /** Another cache with the same tokens so far; no page is copied. */
    public KvCache fork() {
        checkOpen();
        KvCache fork = new KvCache(layers);
        for (int i = 0; i < Math.ceilDiv(length, Page.TOKENS); i++) {
            fork.groups.add(groups.get(i).retain());
        }
        fork.length = length;
        return fork;
    }

    /** Forgets all tokens from {@code length} on; no page is copied. */
    public void truncate(int length) {
        checkOpen();
        if (length < 0 || length > this.length) {
            throw new IllegalArgumentException("cannot truncate " + this.length + " tokens to " + length);
        }
        this.length = length;
        while (groups.size() > Math.ceilDiv(length, Page.TOKENS)) {
            groups.removeLast().release();
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the cache is closed");
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            groups.forEach(PageGroup::release);
            groups.clear();
        }
    }
}
