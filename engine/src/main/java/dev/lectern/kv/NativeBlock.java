package dev.lectern.kv;

import dev.lectern.LecternException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

/** A piece of native memory, zeroed at first or a file's, that several may hold: it goes back when the last lets go. */
public final class NativeBlock {
    private static final long ALIGNMENT = 64;

    private final Runnable free;
    private final boolean writable;
    private final MemorySegment memory;
    private final AtomicInteger holders = new AtomicInteger(1);

    /**
     * Allocates, with one holder.
     *
     * @throws LecternException of kind {@code NO_MEMORY} if the machine has none left
     */
    @SuppressWarnings("MustBeClosedChecker") // the arena is closed with the last holder
    public NativeBlock(long bytes) {
        Arena arena = Arena.ofShared();
        free = arena::close;
        writable = true;
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

    private NativeBlock(MemorySegment memory, Runnable free) {
        this.memory = memory;
        this.free = free;
        writable = false;
    }

    /** The bytes of a mapped file, with one holder; they are not written. */
    public static NativeBlock of(MappedBytes mapped) {
        return new NativeBlock(mapped.memory(), mapped.arena()::close);
    }

    /** A part of it, with one holder, which holds the whole. */
    public NativeBlock part(long offset, long bytes) {
        return new NativeBlock(memory.asSlice(offset, bytes), retain()::release);
    }

    public MemorySegment memory() {
        return memory;
    }

    /** One more holder. */
    public NativeBlock retain() {
        holders.incrementAndGet();
        return this;
    }

    /** Whether it is not to be written: somebody else holds it too, or it is a file. */
    public boolean isShared() {
        return !writable || holders.get() > 1;
    }

    /** One holder less. */
    public void release() {
        if (holders.decrementAndGet() == 0) {
            free.run();
        }
    }
}
