package dev.lectern.prefill;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Buffers that are used again and grow when more is wanted. What they held is lost then. */
final class Buffers {
    private Buffers() {}

    /** One of at least so many bytes. It is freed when nobody can reach it any more, so never while a message is under way. */
    static MemorySegment grown(MemorySegment buffer, long bytes) {
        return buffer.byteSize() >= bytes ? buffer : Arena.ofAuto().allocate(bytes, Long.BYTES);
    }

    static float[] grown(float[] array, int numbers) {
        return array.length >= numbers ? array : new float[numbers];
    }
}
