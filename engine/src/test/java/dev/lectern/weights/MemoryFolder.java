package dev.lectern.weights;

import dev.lectern.LecternException;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Optional;

/** A folder that is not on disk, so that many thousands can be opened in a second. */
record MemoryFolder(Map<String, byte[]> files) implements ModelFolder {
    @Override
    public boolean has(String name) {
        return files.containsKey(name);
    }

    @Override
    public MemorySegment open(String name) {
        return MemorySegment.ofArray(Optional.ofNullable(files.get(name))
                .orElseThrow(
                        () -> new LecternException(LecternException.Kind.NOT_FOUND, describe(name) + ": missing.")));
    }

    @Override
    public String describe(String name) {
        return "tiny/" + name;
    }
}
