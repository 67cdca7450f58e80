package dev.lectern.kv;

import dev.lectern.LecternException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The pages of all layers for the same {@link Page#TOKENS} tokens, in one piece of native memory, shared by the sessions that began with
 * these tokens. Counted: the memory goes back when the last holder lets go.
 */
final class PageGroup {
    private final List<LayerCache> layers;
    private final boolean open;
    private final boolean first;
    private final @Nullable MappedBytes mapped;
    private final Arena arena;
    private final MemorySegment memory;
    private final Page[] pages; // [layers]
    private final AtomicInteger holders = new AtomicInteger(1);

    /**
     * Allocates, zeroed, with one holder.
     *
     * @param open whether tokens can be stored
     * @param first whether it holds the first tokens
     * @throws LecternException of kind {@code NO_MEMORY} if the machine has none left
     */
    private PageGroup(List<LayerCache> layers, boolean open, boolean first) {
        this(layers, open, first, null);
    }

    /** @param mapped the bytes of a page that lies on a disk; null to allocate */
    @SuppressWarnings("MustBeClosedChecker") // the arena is closed with the last holder
    private PageGroup(List<LayerCache> layers, boolean open, boolean first, @Nullable MappedBytes mapped) {
        this.layers = layers;
        this.open = open;
        this.first = first;
        this.mapped = mapped;
        arena = mapped == null ? Arena.ofShared() : mapped.arena();
        try {
            memory = mapped == null ? arena.allocate(bytes(layers, open, first), 64) : mapped.memory();
        } catch (OutOfMemoryError e) {
            arena.close();
            throw new LecternException(
                    LecternException.Kind.NO_MEMORY,
                    "There is no memory left for " + bytes(layers, open, first)
                            + " bytes of the KV cache: ask for a shorter context or a smaller --kv format.",
                    e);
        }
        pages = new Page[layers.size()];
        for (int l = 0; l < pages.length; l++) {
            pages[l] = view(l, 0, 0);
        }
    }

    /** An empty one to store tokens in. */
    static PageGroup open(List<LayerCache> layers, boolean first) {
        return new PageGroup(layers, true, first);
    }

    /**
     * One whose bytes lie in a mapped file and are not written.
     *
     * @param open whether its format has no other form than the open one
     * @param mapped {@link #bytes} long; its arena is closed with the last holder
     */
    static PageGroup mapped(List<LayerCache> layers, boolean open, boolean first, MappedBytes mapped) {
        return new PageGroup(layers, open, first, mapped);
    }

    /** An empty one for the closed form of this one. */
    PageGroup closed() {
        return new PageGroup(layers, false, first);
    }

    /** A copy with a holder of its own. */
    PageGroup copy() {
        PageGroup copy = new PageGroup(layers, open, first);
        copy.memory.copyFrom(memory);
        for (int l = 0; l < pages.length; l++) {
            copy.pages[l] =
                    copy.view(l, pages[l].keys().closed(), pages[l].values().closed());
        }
        return copy;
    }

    private Page view(int layer, int closedKeys, int closedValues) {
        LayerCache cache = layers.get(layer);
        MemorySegment slice = slice(layer);
        return open ? cache.openPage(slice, first, closedKeys, closedValues) : cache.closedPage(slice, first);
    }

    private MemorySegment slice(int layer) {
        long at = 0;
        for (LayerCache cache : layers.subList(0, layer)) {
            at += cache.pageBytes(open, first);
        }
        return memory.asSlice(at, layers.get(layer).pageBytes(open, first));
    }

    static long bytes(List<LayerCache> layers, boolean open, boolean first) {
        long bytes = 0;
        for (LayerCache layer : layers) {
            bytes = Math.addExact(bytes, layer.pageBytes(open, first));
        }
        return bytes;
    }

    long bytes() {
        return memory.byteSize();
    }

    /** Whether tokens can be stored. */
    boolean isOpen() {
        return open;
    }

    Page page(int layer) {
        return pages[layer];
    }

    /** Writes the closed form of a layer's page into that of another group. */
    void closeInto(PageGroup closed, int layer) {
        layers.get(layer).close(pages[layer], closed.slice(layer), first);
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

    /** Whether it has to be copied before it is written: others hold it too, or it is a file. */
    boolean isReadOnly() {
        return mapped != null || holders.get() > 1;
    }

    /** Whether its bytes are those of a file. */
    boolean isMapped() {
        return mapped != null;
    }

    /** The file of its bytes, if that has become shorter than they are. */
    Optional<Path> cutFile() {
        return mapped != null && mapped.isCut() ? Optional.of(mapped.file()) : Optional.empty();
    }

    /** Its bytes, as they lie in memory; good as long as somebody holds it. */
    MemorySegment memory() {
        return memory.asReadOnly();
    }

    /** Takes over the bytes of another of its kind, and how many tokens of each layer's keys and values are closed in it. */
    void load(MemorySegment bytes, int[] closedKeys, int[] closedValues) {
        memory.copyFrom(bytes);
        for (int l = 0; l < pages.length; l++) {
            pages[l] = view(l, closedKeys[l], closedValues[l]);
        }
    }
}
