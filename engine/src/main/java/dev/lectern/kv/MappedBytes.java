package dev.lectern.kv;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a file holds of a page, or of an index, mapped and never written.
 *
 * @param memory the part of the file that it is, from a multiple of 64 on
 * @param arena of the mapping; belongs to who takes this over
 * @param fileBytes length of the file when it was mapped
 */
public record MappedBytes(MemorySegment memory, Arena arena, Path file, long fileBytes) {
    /** Whether the file is shorter now, so that what reads the memory may fail. One that was deleted keeps its bytes for who mapped it. */
    boolean isCut() {
        try {
            return Files.exists(file) && Files.size(file) < fileBytes;
        } catch (IOException e) {
            return false;
        }
    }
}
