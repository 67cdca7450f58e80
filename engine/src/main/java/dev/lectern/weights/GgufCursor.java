package dev.lectern.weights;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.lectern.BadModelFileException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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

    /** Copied from the file at a time: headers are read when nothing is compiled yet, and then an array is much quicker than a segment. */
    private static final int WINDOW = 1 << 18;

    private final String file;
    private final MemorySegment bytes;
    private long position;
    private byte[] window = new byte[0]; // of the file's bytes
    private long windowAt;
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
        return window[advance(1, field)];
    }

    short int16(String field) {
        return (short) littleEndian(2, field);
    }

    int int32(String field) {
        return (int) littleEndian(4, field);
    }

    long int64(String field) {
        return littleEndian(8, field);
    }

    private long littleEndian(int count, String field) {
        int at = advance(count, field);
        long value = 0;
        for (int i = count - 1; i >= 0; i--) {
            value = value << 8 | window[at + i] & 0xFF;
        }
        return value;
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
        int length = count(field, 1, 1);
        return new String(window, text(length, field), length, UTF_8);
    }

    Texts strings(String field) {
        Collected collected = new Collected(count("the number of elements", 8, STRING_HEAP));
        for (int i = 0; i < collected.ends.length; i++) {
            collect(i, field, collected);
        }
        return new Texts(collected.bytes, collected.ends);
    }

    private static final class Collected {
        final int[] ends;
        byte[] bytes;

        Collected(int count) {
            ends = new int[count];
            bytes = new byte[count * 8];
        }
    }

    /** A method of its own, so that it is compiled soon. */
    private void collect(int index, String field, Collected collected) {
        int length = count(field, 1, 1);
        int from = text(length, field);
        int to = index == 0 ? 0 : collected.ends[index - 1];
        if (length > collected.bytes.length - to) {
            collected.bytes = Arrays.copyOf(collected.bytes, Math.max(2 * to, to + length));
        }
        System.arraycopy(window, from, collected.bytes, to, length);
        collected.ends[index] = to + length;
    }

    /** Passes the bytes of a string, and tells where in the window they begin. */
    private int text(int length, String field) {
        int at = advance(length, field);
        if (!Utf8.isWellFormed(window, at, at + length)) {
            throw bad(position - length - 8, field, "is not valid UTF-8");
        }
        return at;
    }

    /** The failure to throw about a field: {@code problem} continues a sentence that begins with the field. */
    BadModelFileException bad(long at, String field, String problem) {
        return new BadModelFileException(file, place + ": " + field + " at byte " + at + " " + problem + ".");
    }

    /** Passes some bytes, and tells where in the window they begin. */
    private int advance(int count, String field) {
        long at = position;
        long left = bytes.byteSize() - at;
        if (count > left) {
            throw bad(
                    at,
                    field,
                    "lies beyond the end of the file, which has " + bytes.byteSize()
                            + " bytes; it was cut short: run \"lectern pull\" again");
        }
        if (at + count > windowAt + window.length) {
            int length = (int) Math.min(left, Math.max(count, WINDOW));
            window = window.length == length ? window : new byte[length];
            MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, window, 0, length);
            windowAt = at;
        }
        position = at + count;
        return (int) (at - windowAt);
    }
}
