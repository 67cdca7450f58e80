package dev.lectern.kv;

import dev.lectern.LecternException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

/** A piece of native memory, zeroed at first, that several may hold: it goes back when the last lets go. */
public final class NativeBlock {
    private static final long ALIGNMENT = 64;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final AtomicInteger holders = new AtomicInteger(1);

    /**
     * Allocates, with one holder.
     *
     * @throws LecternException of kind {@code NO_MEMORY} if the machine has none left
     */
    public NativeBlock(long bytes) {
        try {
            memory = arena.allocate(bytes, ALIGNMENT);
        } catch (OutOfMemoryError e) {
            arena.close();
            throw new LecternException(
                    LecternException.Kind.NO_MEMORY,
                    "There is no memory left for " + bytes
                            + " bytes of an index of attention: ask for a shorter context, or another --attention.",
                    e);
        }
    }

    public MemorySegment memory() {
        return memory;
    }

    /** One more holder. */
    public NativeBlock retain() {
        holders.incrementAndGet();
        return this;
    }

    /** Whether somebody else holds it too. */
    public boolean isShared() {
        return holders.get() > 1;
    }

    /** One holder less. */
    public void release() {
        if (holders.decrementAndGet() == 0) {
            arena.close();
        }
    }
}
