package dev.lectern.measure;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.lectern.kernel.ElementType;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/**
 * The beginning of a GGUF file of version 3: metadata, and a list of tensors, which then follow in the order given.
 *
 * <p>Source: the GGUF specification (github.com/ggml-org/ggml, docs/gguf.md).
 */
public final class GgufHeader {
    private static final int ALIGNMENT = 32;
    private static final int TYPE_UINT32 = 4;
    private static final int TYPE_INT32 = 5;
    private static final int TYPE_FLOAT32 = 6;
    private static final int TYPE_STRING = 8;
    private static final int TYPE_ARRAY = 9;

    private final Bytes pairs = new Bytes();
    private final Bytes tensors = new Bytes();
    private int pairCount;
    private int tensorCount;
    private long offset;

    private static final class Bytes {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Bytes int32(int value) {
            out.writeBytes(ByteBuffer.allocate(4)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(value)
                    .array());
            return this;
        }

        Bytes int64(long value) {
            out.writeBytes(ByteBuffer.allocate(8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(value)
                    .array());
            return this;
        }

        Bytes text(String value) {
            byte[] utf8 = value.getBytes(UTF_8);
            int64(utf8.length);
            out.writeBytes(utf8);
            return this;
        }

        Bytes all(Bytes other) {
            out.writeBytes(other.out.toByteArray());
            return this;
        }
    }

    private Bytes pair(String key, int type) {
        pairCount++;
        return pairs.text(key).int32(type);
    }

    /** A string. */
    public GgufHeader text(String key, String value) {
        pair(key, TYPE_STRING).text(value);
        return this;
    }

    /** An unsigned integer of 32 bits. */
    public GgufHeader integer(String key, int value) {
        pair(key, TYPE_UINT32).int32(value);
        return this;
    }

    /** A float of 32 bits. */
    public GgufHeader number(String key, float value) {
        pair(key, TYPE_FLOAT32).int32(Float.floatToRawIntBits(value));
        return this;
    }

    /** An array of strings. */
    public GgufHeader texts(String key, List<String> values) {
        pair(key, TYPE_ARRAY).int32(TYPE_STRING).int64(values.size());
        values.forEach(pairs::text);
        return this;
    }

    /** An array of integers of 32 bits. */
    public GgufHeader integers(String key, int[] values) {
        pair(key, TYPE_ARRAY).int32(TYPE_INT32).int64(values.length);
        for (int value : values) {
            pairs.int32(value);
        }
        return this;
    }

    /**
     * The next tensor.
     *
     * @param shape outermost dimension first; the last a multiple of the type's block
     */
    public GgufHeader tensor(String name, ElementType type, int... shape) {
        tensorCount++;
        tensors.text(name).int32(shape.length);
        long elements = 1;
        for (int i = shape.length - 1; i >= 0; i--) {
            tensors.int64(shape[i]);
            elements = Math.multiplyExact(elements, shape[i]);
        }
        tensors.int32(type.ggmlId()).int64(offset);
        offset += padded(type.bytes(elements));
        return this;
    }

    /** Bytes that a tensor of so many takes with the padding after it. */
    static long padded(long bytes) {
        return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }

    /** Everything before the first tensor. */
    public byte[] bytes() {
        Bytes all = new Bytes().int32(0x46554747).int32(3).int64(tensorCount).int64(pairCount);
        all.all(pairs).all(tensors);
        byte[] header = all.out.toByteArray();
        return Arrays.copyOf(header, Math.toIntExact(padded(header.length)));
    }

    /** Bytes of all tensors, with the padding between them. */
    public long tensorBytes() {
        return offset;
    }
}
