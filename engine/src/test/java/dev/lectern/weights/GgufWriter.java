package dev.lectern.weights;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.lectern.kernel.ElementType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Writes small GGUF files for tests, also wrong ones: nothing is checked.
 *
 * <pre>{@code
 * new GgufWriter()
 *         .string("general.architecture", "llama")
 *         .integer("llama.block_count", 2)
 *         .floats("output_norm.weight", new float[64], 64)
 *         .write(folder.resolve("tiny.gguf"));
 * }</pre>
 */
public final class GgufWriter {
    /** A number in the file whose value steers the reader. */
    public record Field(String name, int offset, int bytes) {}

    /** The numbers of the types of values. */
    public static final int UINT8 = 0;

    public static final int INT8 = 1;
    public static final int UINT16 = 2;
    public static final int INT16 = 3;
    public static final int UINT32 = 4;
    public static final int INT32 = 5;
    public static final int FLOAT32 = 6;
    public static final int BOOL = 7;
    public static final int STRING = 8;
    public static final int ARRAY = 9;
    public static final int UINT64 = 10;
    public static final int INT64 = 11;
    public static final int FLOAT64 = 12;

    private record Tensor(String name, int type, byte[] data, long[] shape) {}

    private final List<Consumer<LittleEndianBytes>> pairs = new ArrayList<>();
    private final List<Tensor> tensors = new ArrayList<>();
    private final List<Field> fields = new ArrayList<>();
    private int version = 3;
    private int alignment = 32;

    public GgufWriter version(int newVersion) {
        version = newVersion;
        return this;
    }

    /** Another alignment than 32, also written as {@code general.alignment}. */
    public GgufWriter alignment(int newAlignment) {
        alignment = newAlignment;
        return integer("general.alignment", newAlignment);
    }

    public GgufWriter string(String key, String value) {
        return pair(key, STRING, out -> putString(out, value));
    }

    /** A u32. */
    public GgufWriter integer(String key, long value) {
        return integer(key, UINT32, value);
    }

    public GgufWriter integer(String key, int type, long value) {
        return pair(key, type, out -> putInteger(out, type, value));
    }

    /** An f32. */
    public GgufWriter number(String key, double value) {
        return pair(key, FLOAT32, out -> out.int32(Float.floatToRawIntBits((float) value)));
    }

    public GgufWriter flag(String key, boolean value) {
        return pair(key, BOOL, out -> out.int8(value ? 1 : 0));
    }

    public GgufWriter strings(String key, List<String> values) {
        return array(key, STRING, values.size(), out -> values.forEach(value -> putString(out, value)));
    }

    public GgufWriter integers(String key, int type, long... values) {
        return array(key, type, values.length, out -> {
            for (long value : values) {
                putInteger(out, type, value);
            }
        });
    }

    /** An array of f32. */
    public GgufWriter numbers(String key, float... values) {
        return array(key, FLOAT32, values.length, out -> out.all(LittleEndianBytes.ofFloats(values)));
    }

    public GgufWriter flags(String key, boolean... values) {
        return array(key, BOOL, values.length, out -> {
            for (boolean value : values) {
                out.int8(value ? 1 : 0);
            }
        });
    }

    /** An array of arrays of i32. */
    public GgufWriter nested(String key, long[]... arrays) {
        return array(key, ARRAY, arrays.length, out -> {
            for (long[] array : arrays) {
                count(out, "element type", INT32, 4);
                count(out, "elements", array.length, 8);
                for (long value : array) {
                    out.int32(value);
                }
            }
        });
    }

    /** The keys that mark a shard of a set. */
    public GgufWriter shard(int index, int count, int tensorsInAll) {
        return integer("split.no", UINT16, index)
                .integer("split.count", UINT16, count)
                .integer("split.tensors.count", INT32, tensorsInAll);
    }

    /** A pair whose value is written by the caller. */
    public GgufWriter pair(String key, int type, Consumer<LittleEndianBytes> value) {
        pairs.add(out -> {
            putString(out, key);
            count(out, "type of " + key, type, 4);
            value.accept(out);
        });
        return this;
    }

    private GgufWriter array(String key, int type, int length, Consumer<LittleEndianBytes> values) {
        return pair(key, ARRAY, out -> {
            count(out, "element type", type, 4);
            count(out, "elements", length, 8);
            values.accept(out);
        });
    }

    /** A tensor of F32; the shape with its outermost dimension first, as everywhere. */
    public GgufWriter floats(String name, float[] values, long... shape) {
        return tensor(name, ElementType.F32, LittleEndianBytes.ofFloats(values), shape);
    }

    public GgufWriter tensor(String name, ElementType type, byte[] data, long... shape) {
        return tensor(name, type.ggmlId(), data, shape);
    }

    /** A tensor of any type by its number. */
    public GgufWriter tensor(String name, int ggmlType, byte[] data, long... shape) {
        tensors.add(new Tensor(name, ggmlType, data, shape));
        return this;
    }

    /** The numbers of the file that was made last. */
    public List<Field> fields() {
        return List.copyOf(fields);
    }

    public byte[] toBytes() {
        fields.clear();
        var out = new LittleEndianBytes().all("GGUF".getBytes(UTF_8));
        count(out, "version", version, 4);
        count(out, "tensors", tensors.size(), 8);
        count(out, "pairs", pairs.size(), 8);
        pairs.forEach(pair -> pair.accept(out));
        var data = new LittleEndianBytes();
        for (Tensor tensor : tensors) {
            putString(out, tensor.name);
            count(out, "dimensions of " + tensor.name, tensor.shape.length, 4);
            for (int i = tensor.shape.length - 1; i >= 0; i--) {
                count(out, "dimension of " + tensor.name, tensor.shape[i], 8);
            }
            count(out, "type of " + tensor.name, tensor.type, 4);
            data.pad(alignment);
            count(out, "offset of " + tensor.name, data.size(), 8);
            data.all(tensor.data);
        }
        return tensors.isEmpty()
                ? out.toBytes()
                : out.pad(alignment).all(data.toBytes()).toBytes();
    }

    public void write(Path file) throws IOException {
        Files.write(file, toBytes());
    }

    private void count(LittleEndianBytes out, String name, long value, int bytes) {
        fields.add(new Field(name, out.size(), bytes));
        if (bytes == 4) {
            out.int32(value);
        } else {
            out.int64(value);
        }
    }

    private void putString(LittleEndianBytes out, String value) {
        byte[] utf8 = value.getBytes(UTF_8);
        count(out, "length of a string", utf8.length, 8);
        out.all(utf8);
    }

    private static void putInteger(LittleEndianBytes out, int type, long value) {
        switch (type) {
            case UINT8, INT8 -> out.int8(value);
            case UINT16, INT16 -> out.int16(value);
            case UINT32, INT32 -> out.int32(value);
            default -> out.int64(value);
        }
    }
}
