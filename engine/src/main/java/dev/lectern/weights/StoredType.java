package dev.lectern.weights;

import dev.lectern.kernel.ElementType;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * How a file stores the elements of a tensor, whether or not a kernel can read them: blocks of consecutive elements of a
 * row.
 *
 * @param name as the format calls it
 * @param element what kernels call it, or null if none reads it
 */
record StoredType(
        String name,
        int blockElements,
        int blockBytes,
        @Nullable ElementType element) {

    static StoredType of(ElementType type) {
        return new StoredType(type.name(), type.blockElements(), type.blockBytes(), type);
    }

    /** A type that is listed but not read. */
    static StoredType unreadable(String name, int blockElements, int blockBytes) {
        return new StoredType(name, blockElements, blockBytes, null);
    }

    /**
     * Bytes of a tensor.
     *
     * @param file for messages, as {@code tensor}
     * @param shape no negative dimension; none at all is one element
     * @throws dev.lectern.BadModelFileException if rows are not whole blocks or the size overflows
     */
    long bytes(String file, String tensor, List<Long> shape) {
        long row = shape.isEmpty() ? 1 : shape.getLast();
        if (row % blockElements != 0) {
            throw StoredTensor.bad(
                    file,
                    tensor,
                    "has rows of " + row + " elements, which are not whole blocks of " + blockElements + " (type "
                            + name + ")");
        }
        try {
            long bytes = Math.multiplyExact(row / blockElements, (long) blockBytes);
            for (int i = 0; i < shape.size() - 1; i++) {
                bytes = Math.multiplyExact(bytes, (long) shape.get(i));
            }
            return bytes;
        } catch (ArithmeticException e) {
            throw StoredTensor.bad(file, tensor, "has the shape " + shape + ", which is larger than any file");
        }
    }

    /** The types that kernels read, for a sentence. */
    static String readable() {
        return Arrays.stream(ElementType.values()).map(Enum::name).collect(Collectors.joining(", "));
    }
}
