package dev.lectern.weights;

import dev.lectern.BadModelFileException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads one GGUF file, version 2 or 3, little-endian: a header, key–value pairs, the list of tensors, and after padding
 * the tensors themselves.
 *
 * <p>Stricter than the specification where a file could mislead: names are unique, tensors do not overlap, and nested
 * arrays end at a depth of {@value #MAX_DEPTH}.
 *
 * <p>Source: "GGUF", ggml/docs/gguf.md.
 */
final class GgufReader {
    private static final int MAGIC = 0x46554747; // "GGUF"
    private static final int MAX_DIMENSIONS = 4;
    private static final int MAX_DEPTH = 8;
    private static final int DEFAULT_ALIGNMENT = 32;

    private static final int UINT8 = 0;
    private static final int INT8 = 1;
    private static final int UINT16 = 2;
    private static final int INT16 = 3;
    private static final int UINT32 = 4;
    private static final int INT32 = 5;
    private static final int FLOAT32 = 6;
    private static final int BOOL = 7;
    private static final int STRING = 8;
    private static final int ARRAY = 9;
    private static final int UINT64 = 10;
    private static final int INT64 = 11;
    private static final int FLOAT64 = 12;

    private final String file;
    private final MemorySegment bytes;
    private final GgufCursor cursor;

    /** A tensor as listed; its offset counts from the beginning of the tensor data. */
    private record Listed(String name, StoredType type, List<Long> shape, long offset, long bytes) {}

    private GgufReader(String file, MemorySegment bytes) {
        this.file = file;
        this.bytes = bytes;
        this.cursor = new GgufCursor(file, bytes);
    }

    /** Whether these are the first bytes of a GGUF file of any version. */
    static boolean looksLikeGguf(MemorySegment bytes) {
        return bytes.byteSize() >= 4
                && bytes.get(ValueLayout.JAVA_BYTE, 0) == 'G'
                && bytes.get(ValueLayout.JAVA_BYTE, 1) == 'G'
                && bytes.get(ValueLayout.JAVA_BYTE, 2) == 'U'
                && bytes.get(ValueLayout.JAVA_BYTE, 3) == 'F';
    }

    /**
     * Reads and checks everything but the elements.
     *
     * @param file what messages call it
     */
    static ModelContents read(String file, MemorySegment bytes) {
        return new GgufReader(file, bytes).read();
    }

    private ModelContents read() {
        if (cursor.int32("the magic number") != MAGIC) {
            throw new BadModelFileException(file, "it is not a GGUF file: it does not begin with \"GGUF\".");
        }
        int version = cursor.int32("the version");
        if (version != 2 && version != 3) {
            throw unknownVersion(version);
        }
        int tensorCount = cursor.count("the number of tensors", 24, 256);
        int pairCount = cursor.count("the number of key–value pairs", 13, 128);
        Map<String, Object> pairs = new LinkedHashMap<>();
        for (int i = 0; i < pairCount; i++) {
            readPair(i, pairs);
        }
        var metadata = new Metadata(file, pairs);
        List<Listed> listed = new ArrayList<>(tensorCount);
        var names = new HashSet<String>();
        for (int i = 0; i < tensorCount; i++) {
            Listed tensor = readTensor(i);
            if (!names.add(tensor.name)) {
                throw StoredTensor.bad(file, tensor.name, "is listed twice");
            }
            listed.add(tensor);
        }
        return new ModelContents("gguf", metadata, locate(listed, alignment(metadata)));
    }

    private BadModelFileException unknownVersion(int version) {
        int swapped = Integer.reverseBytes(version);
        if (swapped >= 1 && swapped <= 3) {
            return new BadModelFileException(
                    file,
                    "it is a big-endian GGUF file (version " + swapped + "); Lectern reads little-endian ones:"
                            + " take one that was not made for a big-endian machine.");
        }
        return new BadModelFileException(
                file,
                "it is a GGUF file of version " + Integer.toUnsignedString(version)
                        + "; Lectern reads versions 2 and 3: convert the model again.");
    }

    private void readPair(int index, Map<String, Object> pairs) {
        cursor.enter("metadata pair " + index);
        long keyAt = cursor.position();
        String key = cursor.string("the key");
        cursor.enter("metadata " + Quoted.of(key));
        if (pairs.containsKey(key)) {
            throw cursor.bad(keyAt, "the key", "stands there for the second time");
        }
        long at = cursor.position();
        pairs.put(key, readValue(cursor.int32("the type"), at, 0));
    }

    private Object readValue(int type, long at, int depth) {
        return switch (type) {
            case FLOAT32, FLOAT64 -> readNumber(type);
            case BOOL -> cursor.bool("the value");
            case STRING -> cursor.string("the value");
            case ARRAY -> readArray(depth + 1);
            default -> readInteger(type, at);
        };
    }

    private Object readArray(int depth) {
        if (depth > MAX_DEPTH) {
            throw cursor.bad(cursor.position(), "an array", "is nested more than " + MAX_DEPTH + " deep");
        }
        long at = cursor.position();
        int type = cursor.int32("the element type");
        switch (type) {
            case STRING -> {
                return cursor.strings("an element");
            }
            case BOOL -> {
                boolean[] flags = new boolean[cursor.count("the number of elements", 1, 1)];
                for (int i = 0; i < flags.length; i++) {
                    flags[i] = cursor.bool("an element");
                }
                return flags;
            }
            case FLOAT32, FLOAT64 -> {
                float[] numbers = new float[cursor.count("the number of elements", type == FLOAT32 ? 4 : 8, 4)];
                for (int i = 0; i < numbers.length; i++) {
                    numbers[i] = (float) readNumber(type);
                }
                return numbers;
            }
            case ARRAY -> {
                int count = cursor.count("the number of elements", 12, 64);
                List<Object> arrays = new ArrayList<>(count);
                for (int i = 0; i < count; i++) {
                    arrays.add(readArray(depth + 1));
                }
                return Collections.unmodifiableList(arrays);
            }
            default -> {
                long[] integers = new long[cursor.count("the number of elements", integerBytes(type, at), 8)];
                for (int i = 0; i < integers.length; i++) {
                    integers[i] = readInteger(type, at);
                }
                return integers;
            }
        }
    }

    private double readNumber(int type) {
        return type == FLOAT32
                ? Float.intBitsToFloat(cursor.int32("the value"))
                : Double.longBitsToDouble(cursor.int64("the value"));
    }

    private int integerBytes(int type, long at) {
        return switch (type) {
            case UINT8, INT8 -> 1;
            case UINT16, INT16 -> 2;
            case UINT32, INT32 -> 4;
            case UINT64, INT64 -> 8;
            default -> throw unknownType(type, at);
        };
    }

    private long readInteger(int type, long at) {
        return switch (type) {
            case UINT8 -> Byte.toUnsignedLong(cursor.int8("the value"));
            case INT8 -> cursor.int8("the value");
            case UINT16 -> Short.toUnsignedLong(cursor.int16("the value"));
            case INT16 -> cursor.int16("the value");
            case UINT32 -> Integer.toUnsignedLong(cursor.int32("the value"));
            case INT32 -> cursor.int32("the value");
            case INT64 -> cursor.int64("the value");
            case UINT64 -> {
                long value = cursor.int64("the value");
                if (value < 0) {
                    throw cursor.bad(
                            cursor.position() - 8, "the value", "is " + Long.toUnsignedString(value) + ", beyond 2^63");
                }
                yield value;
            }
            default -> throw unknownType(type, at);
        };
    }

    private BadModelFileException unknownType(int type, long at) {
        return cursor.bad(at, "the type", "is " + Integer.toUnsignedString(type) + ", which GGUF does not define");
    }

    private Listed readTensor(int index) {
        cursor.enter("tensor " + index);
        String name = cursor.string("the name");
        cursor.enter("tensor " + Quoted.of(name));
        long at = cursor.position();
        int dimensions = cursor.int32("the number of dimensions");
        if (dimensions < 0 || dimensions > MAX_DIMENSIONS) {
            throw cursor.bad(
                    at,
                    "the number of dimensions",
                    "is " + Integer.toUnsignedString(dimensions) + ", more than " + MAX_DIMENSIONS);
        }
        List<Long> shape = new ArrayList<>(dimensions);
        for (int i = 0; i < dimensions; i++) {
            long length = cursor.int64("a dimension");
            if (length < 0) {
                throw cursor.bad(
                        cursor.position() - 8, "a dimension", "is " + Long.toUnsignedString(length) + ", beyond 2^63");
            }
            shape.addFirst(length); // the file has the contiguous dimension first
        }
        at = cursor.position();
        int id = cursor.int32("the type");
        StoredType type = GgmlTypes.byId(id);
        if (type == null) {
            throw cursor.bad(
                    at,
                    "the type",
                    "is " + Integer.toUnsignedString(id) + ", which Lectern does not know; it reads "
                            + StoredType.readable());
        }
        long offset = cursor.int64("the offset");
        return new Listed(name, type, List.copyOf(shape), offset, type.bytes(file, name, shape));
    }

    private int alignment(Metadata metadata) {
        if (!metadata.has("general.alignment")) {
            return DEFAULT_ALIGNMENT;
        }
        int alignment = metadata.integer("general.alignment", 1, 1 << 30);
        if (Integer.bitCount(alignment) != 1) {
            throw metadata.bad("general.alignment", "is " + alignment + ", not a power of two");
        }
        return alignment;
    }

    /** Finds the tensors in the file, in the order in which they were listed. */
    private List<StoredTensor> locate(List<Listed> listed, int alignment) {
        long dataStart = Math.ceilDiv(cursor.position(), alignment) * alignment;
        List<StoredTensor> tensors = new ArrayList<>(listed.size());
        for (Listed tensor : listed) {
            if (tensor.offset < 0 || tensor.offset % alignment != 0) {
                throw StoredTensor.bad(
                        file,
                        tensor.name,
                        "has the offset " + Long.toUnsignedString(tensor.offset) + ", not a multiple of the alignment "
                                + alignment);
            }
            // Compared by subtraction, which cannot overflow.
            if (dataStart > bytes.byteSize()
                    || tensor.offset > bytes.byteSize() - dataStart
                    || tensor.bytes > bytes.byteSize() - dataStart - tensor.offset) {
                throw StoredTensor.bad(
                        file,
                        tensor.name,
                        "has " + tensor.bytes + " bytes from byte " + dataStart + " + " + tensor.offset
                                + " on, but the file has " + bytes.byteSize()
                                + "; it was cut short: run \"lectern pull\" again");
            }
            MemorySegment segment = bytes.asSlice(dataStart + tensor.offset, tensor.bytes);
            tensors.add(new StoredTensor(file, tensor.name, tensor.type, tensor.shape, segment));
        }
        refuseOverlaps(listed);
        return Collections.unmodifiableList(tensors);
    }

    private void refuseOverlaps(List<Listed> listed) {
        List<Listed> inOrder = new ArrayList<>(listed);
        inOrder.removeIf(tensor -> tensor.bytes == 0);
        inOrder.sort(Comparator.comparingLong(Listed::offset));
        for (int i = 1; i < inOrder.size(); i++) {
            Listed before = inOrder.get(i - 1);
            Listed after = inOrder.get(i);
            if (after.offset < before.offset + before.bytes) {
                throw StoredTensor.bad(
                        file,
                        after.name,
                        "begins at offset " + after.offset + ", inside tensor " + Quoted.of(before.name)
                                + ", which ends at " + (before.offset + before.bytes));
            }
        }
    }
}
