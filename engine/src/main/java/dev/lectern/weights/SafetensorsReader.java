package dev.lectern.weights;

import dev.lectern.BadModelFileException;
import dev.lectern.kernel.ElementType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads one safetensors file: eight bytes with the length of a JSON header, the header, and the tensors without a gap.
 * Of what stands under {@code __metadata__} only strings count; the format allows nothing else.
 *
 * <p>Source: "Format", github.com/huggingface/safetensors.
 */
final class SafetensorsReader {
    /** The format's own bound. */
    private static final long MAX_HEADER = 100_000_000;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final Map<String, StoredType> TYPES = Map.ofEntries(
            Map.entry("F32", StoredType.of(ElementType.F32)),
            Map.entry("F16", StoredType.of(ElementType.F16)),
            Map.entry("BF16", StoredType.of(ElementType.BF16)),
            listed("BOOL", 1),
            listed("U8", 1),
            listed("I8", 1),
            listed("F8_E4M3", 1),
            listed("F8_E5M2", 1),
            listed("F8_E8M0", 1),
            listed("U16", 2),
            listed("I16", 2),
            listed("U32", 4),
            listed("I32", 4),
            listed("U64", 8),
            listed("I64", 8),
            listed("F64", 8),
            listed("C64", 8));

    private final String file;
    private final MemorySegment bytes;
    private final String remedy;

    /**
     * What a file holds.
     *
     * @param tensors in the order of the header
     */
    record Contents(Map<String, String> metadata, List<StoredTensor> tensors) {}

    /** A tensor as listed; offsets count from the end of the header. */
    private record Listed(String name, StoredType type, List<Long> shape, long begin, long end) {}

    private SafetensorsReader(String file, MemorySegment bytes, String remedy) {
        this.file = file;
        this.bytes = bytes;
        this.remedy = remedy;
    }

    private static Map.Entry<String, StoredType> listed(String name, int bytes) {
        return Map.entry(name, StoredType.unreadable(name, 1, bytes));
    }

    /** The tensors of a model's file; see {@link #contents}. */
    static List<StoredTensor> read(String file, MemorySegment bytes) {
        return contents(file, bytes, "run \"lectern pull\" again").tensors();
    }

    /**
     * Reads and checks everything but the elements.
     *
     * @param file what messages call it
     * @param remedy what helps where the file is not whole
     */
    static Contents contents(String file, MemorySegment bytes, String remedy) {
        return new SafetensorsReader(file, bytes, remedy).contents();
    }

    private Contents contents() {
        if (bytes.byteSize() < Long.BYTES) {
            throw bad("it has " + bytes.byteSize() + " bytes, too few for a safetensors file");
        }
        long header = bytes.get(LONG, 0);
        if (header < 0 || header > MAX_HEADER) {
            throw bad("the header's length at byte 0 is " + Long.toUnsignedString(header) + ", more than the "
                    + MAX_HEADER + " that the format allows; the file is damaged or not a safetensors file");
        }
        long dataBytes = bytes.byteSize() - Long.BYTES - header;
        if (dataBytes < 0) {
            throw bad("the header ends at byte " + (Long.BYTES + header) + ", but the file has " + bytes.byteSize()
                    + "; it was cut short: " + remedy);
        }
        Map<String, String> metadata = new LinkedHashMap<>();
        List<Listed> tensors = new ArrayList<>();
        JsonFile.object(file, bytes.asSlice(Long.BYTES, header)).forEach((name, description) -> {
            if (!name.equals("__metadata__")) {
                tensors.add(tensor(name, description));
            } else if (description instanceof Map<?, ?> members) {
                members.forEach((key, value) -> {
                    if (value instanceof String text) {
                        metadata.put((String) key, text);
                    }
                });
            }
        });
        refuseGaps(tensors, dataBytes);
        List<StoredTensor> located = new ArrayList<>(tensors.size());
        for (Listed tensor : tensors) {
            MemorySegment segment = bytes.asSlice(Long.BYTES + header + tensor.begin, tensor.end - tensor.begin);
            located.add(new StoredTensor(file, tensor.name, tensor.type, tensor.shape, segment));
        }
        return new Contents(Collections.unmodifiableMap(metadata), Collections.unmodifiableList(located));
    }

    private Listed tensor(String name, @Nullable Object description) {
        if (!(description instanceof Map<?, ?> fields)) {
            throw StoredTensor.bad(file, name, "is not described by an object");
        }
        if (!(fields.get("dtype") instanceof String dtype)) {
            throw StoredTensor.bad(file, name, "has no \"dtype\"");
        }
        StoredType type = TYPES.get(dtype);
        if (type == null) {
            throw StoredTensor.bad(
                    file,
                    name,
                    "has the type " + Quoted.of(dtype) + ", which Lectern does not know; it reads F32, F16 and BF16");
        }
        List<Long> shape = sizes(name, fields, "shape");
        List<Long> offsets = sizes(name, fields, "data_offsets");
        if (offsets.size() != 2 || offsets.get(0) > offsets.get(1)) {
            throw StoredTensor.bad(file, name, "has \"data_offsets\" that are not a beginning and an end");
        }
        var tensor = new Listed(name, type, shape, offsets.get(0), offsets.get(1));
        long expected = type.bytes(file, name, shape);
        if (tensor.end - tensor.begin != expected) {
            throw StoredTensor.bad(
                    file,
                    name,
                    "has " + (tensor.end - tensor.begin) + " bytes by its \"data_offsets\", but " + expected
                            + " by its shape " + shape + " and type " + dtype);
        }
        return tensor;
    }

    private List<Long> sizes(String name, Map<?, ?> fields, String field) {
        if (!(fields.get(field) instanceof List<?> values)) {
            throw StoredTensor.bad(file, name, "has no list of \"" + field + "\"");
        }
        List<Long> sizes = new ArrayList<>(values.size());
        for (Object value : values) {
            if (!(value instanceof Long size) || size < 0) {
                throw StoredTensor.bad(file, name, "has in \"" + field + "\" something that is not a size");
            }
            sizes.add(size);
        }
        return Collections.unmodifiableList(sizes);
    }

    private void refuseGaps(List<Listed> tensors, long dataBytes) {
        List<Listed> inOrder = new ArrayList<>(tensors);
        inOrder.sort(Comparator.comparingLong(Listed::begin).thenComparingLong(Listed::end));
        long end = 0;
        for (Listed tensor : inOrder) {
            if (tensor.begin != end) {
                throw StoredTensor.bad(
                        file,
                        tensor.name,
                        "begins at offset " + tensor.begin + " where the one before it ends at " + end
                                + ": tensors may neither overlap nor leave gaps");
            }
            end = tensor.end;
        }
        if (end != dataBytes) {
            throw bad("the tensors end at offset " + end + ", but " + dataBytes
                    + " bytes follow the header; the file is damaged or was cut short: " + remedy);
        }
    }

    private BadModelFileException bad(String problem) {
        return new BadModelFileException(file, problem + ".");
    }
}
