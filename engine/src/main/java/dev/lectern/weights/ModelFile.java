package dev.lectern.weights;

import dev.lectern.kernel.ElementType;
import dev.lectern.kernel.Matrix;
import java.nio.file.Path;
import java.util.List;

/**
 * An open model: its metadata and its named tensors, memory-mapped. Everything that the file says about itself is checked
 * when it is opened: afterwards a matrix is as large as it says, and within the file.
 */
public interface ModelFile extends AutoCloseable {
    /**
     * A tensor as the file describes it.
     *
     * @param shape outermost dimension first ({@code [rows, columns]} for a matrix), so the last one is contiguous
     */
    record Tensor(String name, ElementType type, List<Long> shape, long bytes) {
        /** Whether a matrix or a vector can have its shape: a file may list tensors that are empty, and then of any length. */
        public boolean isCountable() {
            return shape.stream().allMatch(length -> length > 0 && length <= Integer.MAX_VALUE);
        }
    }

    /**
     * A tensor whose elements no kernel reads: it can be listed, and {@link #matrix} refuses it by name.
     *
     * @param type as the file's format calls it, such as {@code IQ4_XS} or {@code I64}
     * @param shape as in {@link Tensor}
     */
    record UnreadableTensor(String name, String type, List<Long> shape, long bytes) {}

    /** {@code gguf}, {@code safetensors}, or {@code config} where there is a config.json and nothing else. */
    String format();

    /** The file or folder that was opened. */
    Path path();

    /**
     * GGUF: the key–value pairs as written. A Hugging Face folder: config.json, nested objects flattened with dots
     * ({@code rope_scaling.factor}), nulls left out.
     */
    Metadata metadata();

    /** All tensors that kernels read, in the order of the file. */
    List<Tensor> tensors();

    /** The other tensors, in the order of the file. */
    default List<UnreadableTensor> unreadable() {
        return List.of();
    }

    boolean has(String name);

    /**
     * A two-dimensional tensor to multiply by, in whatever layout is the fastest that there is.
     *
     * @throws dev.lectern.BadModelFileException as {@link #table} does
     */
    Matrix matrix(String name, int rows, int columns);

    /**
     * A two-dimensional tensor, one row after the other as in the file, to look rows up in. Its bytes may begin at any address: a safetensors file promises no alignment, so they are
     * read with unaligned layouts.
     *
     * @throws dev.lectern.BadModelFileException if it is missing, has another shape, or is of a type that no kernel reads
     */
    Matrix table(String name, int rows, int columns);

    /**
     * A one-dimensional tensor of f32, f16 or bf16, decoded to f32 on the heap.
     *
     * @throws dev.lectern.BadModelFileException if it is missing, has another length or is of another type
     */
    float[] vector(String name, int length);

    /** Unmaps the file; matrices handed out must not be used afterwards. */
    @Override
    void close();
}
