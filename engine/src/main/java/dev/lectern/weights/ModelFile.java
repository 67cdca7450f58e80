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
    record Tensor(String name, ElementType type, List<Long> shape, long bytes) {}

    /** {@code gguf} or {@code safetensors}. */
    String format();

    /** The file or folder that was opened. */
    Path path();

    /**
     * GGUF: the key–value pairs as written. A Hugging Face folder: config.json, nested objects flattened with dots
     * ({@code rope_scaling.factor}), nulls left out.
     */
    Metadata metadata();

    /** All tensors, in the order of the file. */
    List<Tensor> tensors();

    boolean has(String name);

    /**
     * A two-dimensional tensor.
     *
     * @throws dev.lectern.BadModelFileException if it is missing or has another shape
     */
    Matrix matrix(String name, int rows, int columns);

    /**
     * A one-dimensional tensor, decoded to f32 on the heap.
     *
     * @throws dev.lectern.BadModelFileException if it is missing or has another length
     */
    float[] vector(String name, int length);

    /** Unmaps the file; matrices handed out must not be used afterwards. */
    @Override
    void close();
}
