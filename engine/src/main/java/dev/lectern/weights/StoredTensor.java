package dev.lectern.weights;

import dev.lectern.BadModelFileException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A checked tensor of one file.
 *
 * @param file what messages call the file
 * @param shape outermost dimension first
 * @param segment exactly its bytes, at any alignment
 */
record StoredTensor(String file, String name, StoredType type, List<Long> shape, MemorySegment segment) {

    /** The failure to throw about a tensor: {@code problem} continues a sentence that begins with its name. */
    static BadModelFileException bad(String file, String name, String problem) {
        return new BadModelFileException(file, "tensor " + Quoted.of(name) + " " + problem + ".");
    }

    BadModelFileException bad(String problem) {
        return bad(file, name, problem);
    }
}
