package dev.lectern.weights;

import dev.lectern.BadModelFileException;
import dev.lectern.kernel.ElementType;
import dev.lectern.kernel.Matrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A model file over checked contents. */
final class OpenModel implements ModelFile {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path path;
    private final Arena arena;
    private final ModelContents contents;
    private final Map<String, StoredTensor> byName = new LinkedHashMap<>();

    /** @param arena holds the mapped bytes; closed with the model */
    OpenModel(Path path, Arena arena, ModelContents contents) {
        this.path = path;
        this.arena = arena;
        this.contents = contents;
        for (StoredTensor tensor : contents.tensors()) {
            byName.put(tensor.name(), tensor);
        }
    }

    @Override
    public String format() {
        return contents.format();
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public Metadata metadata() {
        return contents.metadata();
    }

    @Override
    public List<Tensor> tensors() {
        List<Tensor> tensors = new ArrayList<>();
        for (StoredTensor tensor : byName.values()) {
            ElementType type = tensor.type().element();
            if (type != null) {
                long bytes = tensor.segment().byteSize();
                tensors.add(new Tensor(tensor.name(), type, tensor.shape(), bytes));
            }
        }
        return tensors;
    }

    @Override
    public List<UnreadableTensor> unreadable() {
        List<UnreadableTensor> tensors = new ArrayList<>();
        for (StoredTensor tensor : byName.values()) {
            if (tensor.type().element() == null) {
                long bytes = tensor.segment().byteSize();
                tensors.add(new UnreadableTensor(tensor.name(), tensor.type().name(), tensor.shape(), bytes));
            }
        }
        return tensors;
    }

    @Override
    public boolean has(String name) {
        return byName.containsKey(name);
    }

    @Override
    public Matrix matrix(String name, int rows, int columns) {
        return table(name, rows, columns);
    }

    @Override
    public Matrix table(String name, int rows, int columns) {
        StoredTensor tensor = find(name);
        requireShape(tensor, rows, columns);
        return new Matrix(tensor.segment(), element(tensor), rows, columns);
    }

    @Override
    public float[] vector(String name, int length) {
        StoredTensor tensor = find(name);
        requireShape(tensor, length);
        ElementType type = element(tensor);
        MemorySegment bytes = tensor.segment();
        float[] vector = new float[length];
        switch (type) {
            case F32 -> MemorySegment.copy(bytes, FLOAT, 0, vector, 0, length);
            case F16 -> {
                for (int i = 0; i < length; i++) {
                    vector[i] = Float.float16ToFloat(bytes.get(SHORT, 2L * i));
                }
            }
            case BF16 -> {
                for (int i = 0; i < length; i++) {
                    vector[i] = Float.intBitsToFloat(bytes.get(SHORT, 2L * i) << 16);
                }
            }
            default -> throw tensor.bad("is a vector of type " + type + " where F32, F16 or BF16 is needed");
        }
        return vector;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    private StoredTensor find(String name) {
        StoredTensor tensor = byName.get(name);
        if (tensor == null) {
            String problem = byName.isEmpty()
                    ? "it has no weights; a folder needs model.safetensors, or model.safetensors.index.json and its shards"
                    : "it has no tensor " + Quoted.of(name) + "; it is incomplete or of another family than it says";
            throw new BadModelFileException(path.toString(), problem + ".");
        }
        return tensor;
    }

    private static ElementType element(StoredTensor tensor) {
        ElementType type = tensor.type().element();
        if (type == null) {
            throw tensor.bad("is of type " + tensor.type().name() + ", which Lectern cannot compute with; it reads "
                    + StoredType.readable());
        }
        return type;
    }

    private static void requireShape(StoredTensor tensor, int... lengths) {
        boolean same = tensor.shape().size() == lengths.length;
        List<Integer> needed = new ArrayList<>();
        for (int i = 0; i < lengths.length; i++) {
            same = same && lengths[i] > 0 && tensor.shape().get(i) == lengths[i];
            needed.add(lengths[i]);
        }
        if (!same) {
            throw tensor.bad("has the shape " + tensor.shape() + " where the metadata make it " + needed);
        }
    }
}
