package dev.lectern.kv;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The pages of all layers for the same {@link Page#TOKENS} tokens, in one piece of native memory, shared by the sessions that began with
 * these tokens. Counted: the memory goes back when the last holder lets go.
 */
final class PageGroup {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final Page[] pages; // [layers]
    private final AtomicInteger holders = new AtomicInteger(1);

    /** Allocates, zeroed, with one holder. */
    PageGroup(List<LayerCache> layers) {
        memory = arena.allocate(bytes(layers), 64);
        pages = new Page[layers.size()];
        long at = 0;
        for (int l = 0; l < pages.length; l++) {
            LayerCache layer = layers.get(l);
            MemorySegment keys = memory.asSlice(at, layer.keyBytes());
            at += layer.keyBytes();
            MemorySegment values = memory.asSlice(at, layer.valueBytes());
            at += layer.valueBytes();
            pages[l] = new Page(
                    layer.keys().side(keys, layer.keyLayout(), layer.kvHeads(), layer.headDim()),
                    layer.values().side(values, KvFormat.Layout.ROW, layer.kvHeads(), layer.headDim()));
        }
    }

    static long bytes(List<LayerCache> layers) {
        long bytes = 0;
        for (LayerCache layer : layers) {
            bytes = Math.addExact(bytes, layer.pageBytes());
        }
        return bytes;
    }

    Page page(int layer) {
        return pages[layer];
    }

    PageGroup retain() {
        if (holders.getAndUpdate(n -> n == 0 ? 0 : n + 1) == 0) {
            throw new IllegalStateException("the pages were freed");
        }
        return this;
    }

    void release() {
        int left = holders.decrementAndGet();
        if (left == 0) {
            arena.close();
        } else if (left < 0) {
            throw new IllegalStateException("released more often than retained");
        }
    }

    boolean isShared() {
        return holders.get() > 1;
    }

    /** A copy with a holder of its own. */
    PageGroup copy(List<LayerCache> layers) {
        PageGroup copy = new PageGroup(layers);
        copy.memory.copyFrom(memory);
        return copy;
    }
}
