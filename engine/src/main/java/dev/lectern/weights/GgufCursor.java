package dev.lectern.weights;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.lectern.BadModelFileException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Reads the header of a GGUF file from front to back. Nothing is allocated on the word of the file alone: a count is
 * believed only if the bytes that follow can hold that many things, and all that is decoded is charged to a budget of
 * heap, because one byte of a file can become dozens on the heap.
 */
final class GgufCursor {
    /** Heap for everything in a header; the vocabulary of 262 144 tokens and 580 000 merges of Gemma 3 takes a fifth of it. */
    private static final long HEAP_BYTES = 256L << 20;

    /** Heap of a string beside its bytes: the object, its array's header, a reference. */
    private static final int STRING_HEAP = 56;

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String file;
    private final MemorySegment bytes;
    private long position;
    private long heapLeft = HEAP_BYTES;
    private String place = "the header";

    /** @param file what messages call it */
    GgufCursor(String file, MemorySegment bytes) {
        this.file = file;
        this.bytes = bytes;
    }

    /** Names what is being read, for messages: {@code metadata "general.name"}. */
    void enter(String newPlace) {
        place = newPlace;
    }

    long position() {
        return position;
    }

    byte int8(String field) {
        return bytes.get(ValueLayout.JAVA_BYTE, advance(1, field));
    }

    short int16(String field) {
        return bytes.get(SHORT, advance(2, field));
    }

    int int32(String field) {
        return bytes.get(INT, advance(4, field));
    }

    long int64(String field) {
        return bytes.get(LONG, advance(8, field));
    }

    boolean bool(String field) {
        byte value = int8(field);
        if (value != 0 && value != 1) {
            throw bad(position - 1, field, "is " + value + " where a boolean is 0 or 1");
        }
        return value == 1;
    }

    /**
     * A number of things that follow.
     *
     * @param fileBytes the fewest bytes that one of them takes in the file
     * @param heapBytes the most bytes that one of them takes on the heap, strings and arrays within it not counted
     */
    int count(String field, int fileBytes, int heapBytes) {
        long at = position;
        long count = int64(field);
        long left = bytes.byteSize() - position;
        if (count < 0 || count > left / fileBytes) {
            throw bad(
                    at,
                    field,
                    "is " + Long.toUnsignedString(count) + ", more than fits in the " + left
                            + " bytes that follow; the file is damaged or was cut short: run \"lectern pull\" again");
        }
        heapLeft -=
                count * heapBytes; // no overflow: the count is less than the file's size, the factor a small constant
        if (heapLeft < 0) {
            throw bad(
                    at,
                    field,
                    "is " + count + ", which brings the header over the " + (HEAP_BYTES >> 20)
                            + " MiB of memory that it may take");
        }
        return (int) count;
    }

    /** Strings are UTF-8 with a length of 64 bits before them. */
    String string(String field) {
        long at = position;
        byte[] text = new byte[count(field, 1, 1)];
        MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, advance(text.length, field), text, 0, text.length);
        String string = new String(text, UTF_8);
        // Only malformed input decodes to U+FFFD without encoding to the same bytes again.
        if (string.indexOf('\uFFFD') >= 0 && !Arrays.equals(string.getBytes(UTF_8), text)) {
            throw bad(at, field, "is not valid UTF-8");
        }
        return string;
    }

    String[] strings(String field) {
        String[] strings = new String[count("the number of elements", 8, STRING_HEAP)];
        for (int i = 0; i < strings.length; i++) {
            strings[i] = string(field);
        }
        return strings;
    }

    /** The failure to throw about a field: {@code problem} continues a sentence that begins with the field. */
    BadModelFileException bad(long at, String field, String problem) {
        return new BadModelFileException(file, place + ": " + field + " at byte " + at + " " + problem + ".");
    }

    private long advance(int count, String field) {
        long at = position;
        if (count > bytes.byteSize() - at) {
            throw bad(
                    at,
                    field,
                    "lies beyond the end of the file, which has " + bytes.byteSize()
                            + " bytes; it was cut short: run \"lectern pull\" again");
        }
        position = at + count;
        return at;
    }
}
