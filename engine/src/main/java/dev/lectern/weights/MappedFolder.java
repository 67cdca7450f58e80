package dev.lectern.weights;

import dev.lectern.BadModelFileException;
import dev.lectern.LecternException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * A folder on disk, its files memory-mapped for as long as the arena lives.
 *
 * <p>A mapping does not protect from a file that another program cuts short while it is in use: the JVM then answers a
 * read beyond the new end with an {@link InternalError}. The size is therefore looked at again after mapping, and
 * {@link ModelFiles#open} turns that error into a sentence, as a session does later.
 */
record MappedFolder(Path folder, Arena arena) implements ModelFolder {

    @Override
    public boolean has(String name) {
        try {
            return Files.isRegularFile(folder.resolve(name));
        } catch (InvalidPathException e) {
            return false; // a name that no file of this system can have
        }
    }

    @Override
    public MemorySegment open(String name) {
        if (!has(name)) {
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND,
                    describe(name) + ": there is no such file; run \"lectern pull\" again or correct the path.");
        }
        try (FileChannel channel = FileChannel.open(folder.resolve(name))) {
            long size = channel.size();
            MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
            if (channel.size() != size) {
                throw new BadModelFileException(
                        describe(name),
                        "its size changed from " + size + " to " + channel.size()
                                + " bytes while it was opened; wait until it is written.");
            }
            return bytes;
        } catch (IOException e) {
            throw new BadModelFileException(
                    describe(name), "it cannot be read (" + e.getMessage() + "); look at its permissions.", e);
        }
    }

    @Override
    public String describe(String name) {
        try {
            return folder.resolve(name).toString();
        } catch (InvalidPathException e) {
            return name;
        }
    }
}
