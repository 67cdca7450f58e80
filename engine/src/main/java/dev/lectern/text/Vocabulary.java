package dev.lectern.text;

import dev.lectern.BadModelFileException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** The tokens of a model: how each is written, and what it is for. Filled by a reader, then only read. */
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

    private final String file;
    private final @Nullable String[] written;
    private final Kind[] kinds;
    private final Map<String, Integer> ids;

    /**
     * @param file what messages call the source
     * @param size number of ids
     */
    Vocabulary(String file, int size) {
        this.file = file;
        written = new String[size];
        kinds = new Kind[size];
        Arrays.fill(kinds, Kind.UNUSED);
        ids = HashMap.newHashMap(size);
    }

    /**
     * Gives an id to a token.
     *
     * @param field what messages call the place that says so
     * @throws BadModelFileException if the id is not below the size or taken, or the same token has another id
     */
    void set(int id, String token, Kind kind, String field) {
        if (id < 0 || id >= written.length) {
            throw new BadModelFileException(
                    file,
                    field + " gives " + quoted(token) + " the id " + id + ", outside 0…" + (written.length - 1) + ".");
        }
        Integer earlier = ids.putIfAbsent(token, id);
        String other = written[id];
        if (earlier != null && earlier != id) {
            throw new BadModelFileException(
                    file, field + " has the token " + quoted(token) + " twice, as " + earlier + " and as " + id + ".");
        }
        if (other != null && !other.equals(token)) {
            throw new BadModelFileException(
                    file, field + " gives the id " + id + " to " + quoted(other) + " and to " + quoted(token) + ".");
        }
        written[id] = token;
        kinds[id] = kind;
    }

    String file() {
        return file;
    }

    int size() {
        return written.length;
    }

    /** How a token is written; empty where no token has the id. */
    String written(int id) {
        String token = id >= 0 && id < written.length ? written[id] : null;
        return token == null ? "" : token;
    }

    Kind kind(int id) {
        return id >= 0 && id < kinds.length ? kinds[id] : Kind.UNUSED;
    }

    /** The id of a token, or −1. */
    int id(String token) {
        return ids.getOrDefault(token, -1);
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

    /** A token as messages show it, cut to a readable length. */
    static String quoted(String token) {
        return '"' + (token.length() > 40 ? token.substring(0, 40) + "…" : token) + '"';
    }
}
