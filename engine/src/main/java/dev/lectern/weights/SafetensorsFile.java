package dev.lectern.weights;

import dev.lectern.BadModelFileException;
import dev.lectern.LecternException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A safetensors file that is no model: named tensors, and words about them, memory-mapped. What it says about its sizes is checked when it is
 * opened: afterwards a tensor is as large as its shape says, and within the file.
 */
public final class SafetensorsFile implements AutoCloseable {
    private final Arena arena;
    private final Map<String, String> metadata;
    private final Map<String, Tensor> tensors;

    /**
     * A tensor of the file.
     *
     * @param type as the format calls it: {@code F32}, {@code I32} …
     * @param shape outermost dimension first
     * @param bytes little-endian, at any alignment; until the file is closed
     */
    public record Tensor(String type, List<Long> shape, MemorySegment bytes) {}

    private SafetensorsFile(Arena arena, SafetensorsReader.Contents contents) {
        this.arena = arena;
        metadata = contents.metadata();
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (StoredTensor tensor : contents.tensors()) {
            tensors.put(tensor.name(), new Tensor(tensor.type().name(), tensor.shape(), tensor.segment()));
        }
        this.tensors = Collections.unmodifiableMap(tensors);
    }

    /**
     * Opens a file.
     *
     * @param remedy what to do about one that was cut short, for its message
     * @throws LecternException of kind {@code NOT_FOUND} if it is missing
     * @throws BadModelFileException if it is damaged, lies about itself or is of another format
     */
    @SuppressWarnings("MustBeClosedChecker") // the arena is closed with the file
    public static SafetensorsFile open(Path path, String remedy) {
        Path name = path.getFileName();
        if (name == null || !Files.isRegularFile(path)) {
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND, path + ": there is no such file; correct the path.");
        }
        Path parent = path.getParent();
        Arena arena = Arena.ofShared();
        try {
            MappedFolder folder = new MappedFolder(parent == null ? Path.of("") : parent, arena);
            MemorySegment bytes = folder.open(name.toString());
            return new SafetensorsFile(arena, SafetensorsReader.contents(path.toString(), bytes, remedy));
        } catch (InternalError e) {
            // What the JVM makes of a read beyond the end of a file that shrank after it was mapped.
            arena.close();
            throw new BadModelFileException(
                    path.toString(), "it was changed while it was read; wait until it is written.", e);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    /** What stands under {@code __metadata__}. */
    public Map<String, String> metadata() {
        return metadata;
    }

    /** By name, in the order of the header. */
    public Map<String, Tensor> tensors() {
        return tensors;
    }

    @Override
    public void close() {
        arena.close();
    }
}
