package dev.lectern.weights;

import java.lang.foreign.MemorySegment;

/** Where the files of a model lie side by side: a folder on disk, or, in tests, memory. */
interface ModelFolder {
    /** Whether a file of that name, which has no separators in it, is there. */
    boolean has(String name);

    /**
     * All bytes of a file.
     *
     * @throws dev.lectern.LecternException if it is not there or cannot be read
     */
    MemorySegment open(String name);

    /** What messages call the file. */
    String describe(String name);
}
