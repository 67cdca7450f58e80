package dev.lectern.text;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.lectern.BadModelFileException;
import dev.lectern.weights.Quoted;
import java.util.Arrays;
import java.util.OptionalInt;

/**
 * The tokens of a model: how each is written, and what it is for. Filled by a reader, then only read. They are kept in UTF-8, not as
 * strings: a model is opened each time that somebody asks something, and all that most of its hundred thousand tokens are needed for is a
 * place in a table.
 */
final class Vocabulary {
    /** What a token is for. */
    enum Kind {
        /** No token has this id. */
        UNUSED,
        /** Text, and merged from text. */
        TEXT,
        /** Text, but looked for as a whole ({@code <tool_call>}). */
        ADDED,
        /** Steers the model. */
        CONTROL
    }

    private static final int NONE = -1;
    private static final long SALT = System.nanoTime() | 1;

    private final String file;
    private final Kind[] kinds;
    private byte[] bytes; // of all tokens, UTF-8
    private int used;
    private final int[] starts; // in bytes, NONE where no token has the id
    private final int[] ends;
    private final int[] slots; // ids by the hash of their tokens, NONE where free: linear probing, at most half full

    /**
     * @param file what messages call the source
     * @param size number of ids
     */
    Vocabulary(String file, int size) {
        this(file, size, new byte[16]);
    }

    /** A vocabulary of texts that lie in these bytes, too: {@link #set(int, int, int, Kind, String)} gives them ids. */
    Vocabulary(String file, int size, byte[] bytes) {
        this.file = file;
        this.bytes = bytes;
        used = bytes.length;
        kinds = new Kind[size];
        Arrays.fill(kinds, Kind.UNUSED);
        starts = new int[size];
        Arrays.fill(starts, NONE);
        ends = new int[size];
        slots = new int[Integer.highestOneBit(Math.clamp(size, 4, 1 << 28)) * 4];
        Arrays.fill(slots, NONE);
    }

    /**
     * Gives an id to a token.
     *
     * @param field what messages call the place that says so
     * @throws BadModelFileException if the id is not below the size or taken, or the same token has another id
     */
    void set(int id, String token, Kind kind, String field) {
        byte[] utf8 = token.getBytes(UTF_8);
        if (utf8.length > bytes.length - used) {
            bytes = Arrays.copyOf(
                    bytes, Math.max(Math.multiplyExact(bytes.length, 2), Math.addExact(used, utf8.length)));
        }
        System.arraycopy(utf8, 0, bytes, used, utf8.length);
        used += utf8.length;
        set(id, used - utf8.length, used, kind, field);
    }

    /** As the other, for a token that lies in the bytes. */
    void set(int id, int start, int end, Kind kind, String field) {
        if (id < 0 || id >= starts.length) {
            String token = text(start, end);
            throw new BadModelFileException(
                    file,
                    field + " gives " + Quoted.of(token) + " the id " + id + ", outside 0…" + (starts.length - 1)
                            + ".");
        }
        int slot = slot(bytes, start, end);
        int earlier = slots[slot];
        if (earlier != NONE && earlier != id) {
            throw new BadModelFileException(
                    file,
                    field + " has the token " + Quoted.of(text(start, end)) + " twice, as " + earlier + " and as " + id
                            + ".");
        }
        if (earlier == NONE && starts[id] != NONE) {
            throw new BadModelFileException(
                    file,
                    field + " gives the id " + id + " to " + Quoted.of(written(id)) + " and to "
                            + Quoted.of(text(start, end)) + ".");
        }
        slots[slot] = id;
        starts[id] = start;
        ends[id] = end;
        kinds[id] = kind;
    }

    /** Where a token stands in the table, or would. */
    private int slot(byte[] text, int start, int end) {
        // Where a token goes depends on a number drawn when the program starts, so that a crafted vocabulary cannot
        // make
        // its tokens meet.
        long h = SALT;
        for (int i = start; i < end; i++) {
            h = (h ^ text[i]) * 0x9E3779B97F4A7C15L;
            h ^= h >>> 32;
        }
        int mask = slots.length - 1;
        for (int slot = (int) h & mask; ; slot = (slot + 1) & mask) {
            int id = slots[slot];
            if (id == NONE || Arrays.equals(bytes, starts[id], ends[id], text, start, end)) {
                return slot;
            }
        }
    }

    private String text(int start, int end) {
        return new String(bytes, start, end - start, UTF_8);
    }

    String file() {
        return file;
    }

    int size() {
        return starts.length;
    }

    /** How a token is written; empty where no token has the id. */
    String written(int id) {
        return id >= 0 && id < starts.length && starts[id] != NONE ? text(starts[id], ends[id]) : "";
    }

    Kind kind(int id) {
        return id >= 0 && id < kinds.length ? kinds[id] : Kind.UNUSED;
    }

    /** The id of a token, or −1. */
    int id(String token) {
        byte[] utf8 = token.getBytes(UTF_8);
        return id(utf8, 0, utf8.length);
    }

    /** The id of a token in UTF-8, or −1. */
    int id(byte[] text, int start, int end) {
        return slots[slot(text, start, end)];
    }

    OptionalInt find(String token) {
        int id = id(token);
        return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /** The id of a token that merging may produce, or −1. */
    int textId(String token) {
        int id = id(token);
        return id >= 0 && kinds[id] == Kind.TEXT ? id : -1;
    }
}
