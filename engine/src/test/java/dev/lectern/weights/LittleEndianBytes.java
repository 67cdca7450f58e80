package dev.lectern.weights;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Collects bytes, numbers with the lowest byte first. */
final class LittleEndianBytes {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    int size() {
        return bytes.size();
    }

    LittleEndianBytes int8(long value) {
        bytes.write((int) value);
        return this;
    }

    LittleEndianBytes int16(long value) {
        return int8(value).int8(value >> 8);
    }

    LittleEndianBytes int32(long value) {
        return int16(value).int16(value >> 16);
    }

    LittleEndianBytes int64(long value) {
        return int32(value).int32(value >> 32);
    }

    LittleEndianBytes all(byte[] more) {
        bytes.writeBytes(more);
        return this;
    }

    /** Zeros up to a multiple of the alignment. */
    LittleEndianBytes pad(int alignment) {
        while (size() % alignment != 0) {
            int8(0);
        }
        return this;
    }

    byte[] toBytes() {
        return bytes.toByteArray();
    }

    /** Elements of type F32. */
    static byte[] ofFloats(float... values) {
        ByteBuffer buffer = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        buffer.asFloatBuffer().put(values);
        return buffer.array();
    }

    /** Elements of type F16, or of BF16 if their bits are given. */
    static byte[] ofShorts(short... values) {
        ByteBuffer buffer = ByteBuffer.allocate(values.length * Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        buffer.asShortBuffer().put(values);
        return buffer.array();
    }
}
