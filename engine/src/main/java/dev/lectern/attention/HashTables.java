package dev.lectern.attention;

import dev.lectern.kv.NativeBlock;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Consecutive tokens of one layer in L hash tables for each kv head: for each table the tokens in the order of their codes, and where the tokens of each code begin. It is written once and then shared.
 */
final class HashTables {
    /** The most tokens: a place among them, and their number, have 16 bits. */
    static final int MOST = 65_535;

    private static final ValueLayout.OfChar U16 = ValueLayout.JAVA_CHAR;
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT;
    private static final long LINE = 64;
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final long HIGHEST_BITS = 0x8080808080808080L;

    private final int bits;
    private final int tables;
    private final int first;
    private final int count;

    /** {@code [kvHeads]}: scales {@code [count]} f32; ids {@code [tables][count]} u16; offsets {@code [tables][2^bits + 1]} u16. */
    private final NativeBlock block;

    /** What a thread needs to sort and to sample. */
    static final class Scratch {
        private char[] codes = {};
        private char[] ids = {};
        private int[] next = {};
        private byte[] counts = {};
        private int[] buckets = {}; // [tables][from, to]
        private int[] sampled = {};
        private long bytesRead;

        int sampled(int i) {
            return sampled[i];
        }

        long bytesRead() {
            return bytesRead;
        }
    }

    /**
     * Without content.
     *
     * @param first token of the sequence
     * @param count of tokens, up to {@value #MOST}
     * @throws dev.lectern.LecternException of kind {@code NO_MEMORY} if the machine has none left
     */
    HashTables(int kvHeads, int bits, int tables, int first, int count) {
        this(bits, tables, first, count, new NativeBlock(bytes(kvHeads, bits, tables, count)));
    }

    private HashTables(int bits, int tables, int first, int count, NativeBlock block) {
        this.bits = bits;
        this.tables = tables;
        this.first = first;
        this.count = count;
        this.block = block;
    }

    /** With the content that others had. */
    static HashTables restored(int kvHeads, int bits, int tables, int first, int count, StateReader from) {
        return new HashTables(bits, tables, first, count, from.part(bytes(kvHeads, bits, tables, count)));
    }

    /** Bytes of so many tokens. */
    static long bytes(int kvHeads, int bits, int tables, int count) {
        return Math.multiplyExact(kvHeads, headBytes(bits, tables, count));
    }

    private static long headBytes(int bits, int tables, int count) {
        long ids = (long) tables * count, offsets = (long) tables * codes(bits);
        return Math.ceilDiv(Float.BYTES * (long) count + Character.BYTES * (ids + offsets), LINE) * LINE;
    }

    /** Offsets of a table: one for each code, and one after the last. */
    private static int codes(int bits) {
        return (1 << bits) + 1;
    }

    private long scaleAt(int kvHead, int place) {
        return kvHead * headBytes(bits, tables, count) + (long) Float.BYTES * place;
    }

    private long idsAt(int kvHead, int table) {
        return scaleAt(kvHead, count) + (long) Character.BYTES * table * count;
    }

    private long offsetsAt(int kvHead, int table) {
        return idsAt(kvHead, tables) + (long) Character.BYTES * table * codes(bits);
    }

    int first() {
        return first;
    }

    /** The token after the last. */
    int end() {
        return first + count;
    }

    long bytes() {
        return block.memory().byteSize();
    }

    HashTables share() {
        return new HashTables(bits, tables, first, count, block.retain());
    }

    /** All bytes, to be read. */
    MemorySegment memory() {
        return block.memory();
    }

    void release() {
        block.release();
    }

    /**
     * Stores the codes of some tokens; when all are stored, {@link #sort} is to follow.
     *
     * @param place of the first, counted from the tables' first token
     * @param words {@code [tokens][hash.words()]}
     */
    void put(int kvHead, int place, int tokens, SimHash hash, long[] words) {
        MemorySegment memory = block.memory();
        int stride = hash.words();
        for (int table = 0; table < tables; table++) {
            // Until they are sorted, the ids' place has the codes.
            long at = idsAt(kvHead, table) + (long) Character.BYTES * place;
            for (int i = 0; i < tokens; i++) {
                memory.set(U16, at + (long) Character.BYTES * i, (char) hash.code(words, i * stride, table));
            }
        }
    }

    /** Stores a number beside a token. */
    void putScale(int kvHead, int place, float scale) {
        block.memory().set(F32, scaleAt(kvHead, place), scale);
    }

    /** What was stored beside a token. */
    float scale(int kvHead, int place) {
        return block.memory().get(F32, scaleAt(kvHead, place));
    }

    /** Sorts the tokens of a table by their codes, those of one code ascending. */
    void sort(int kvHead, int table, Scratch s) {
        if (s.codes.length < count) {
            s.codes = new char[count];
        }
        if (s.ids.length < count) {
            s.ids = new char[count];
        }
        if (s.next.length < codes(bits)) {
            s.next = new int[codes(bits)];
        }
        MemorySegment memory = block.memory();
        MemorySegment.copy(memory, U16, idsAt(kvHead, table), s.codes, 0, count);
        Arrays.fill(s.next, 0);
        for (int i = 0; i < count; i++) {
            s.next[s.codes[i] + 1]++;
        }
        long offsets = offsetsAt(kvHead, table);
        for (int code = 1; code < codes(bits); code++) {
            s.next[code] += s.next[code - 1];
            memory.set(U16, offsets + (long) Character.BYTES * code, (char) s.next[code]);
        }
        for (int i = 0; i < count; i++) {
            s.ids[s.next[s.codes[i]]++] = (char) i;
        }
        MemorySegment.copy(s.ids, 0, memory, U16, idsAt(kvHead, table), count);
    }

    /**
     * Finds the tokens that a query meets in several tables.
     *
     * @param words of the query's bits, from at
     * @param hits in how many tables, 1 … 127
     * @param from the first token that may be found
     * @param to the token after the last
     * @param s receives the tokens, {@link Scratch#sampled}, ascending, and what was read of the tables, {@link Scratch#bytesRead}
     * @return how many tokens
     */
    int sample(int kvHead, SimHash hash, long[] words, int at, int hits, int from, int to, Scratch s) {
        int room = Math.ceilDiv(count, Long.BYTES) * Long.BYTES;
        s.counts = s.counts.length < room ? new byte[room] : s.counts;
        // The last hit sets the highest bit. This takes far less time than to walk along the buckets again.
        Arrays.fill(s.counts, 0, room, (byte) (Byte.MAX_VALUE + 1 - hits));
        int met = met(kvHead, hash, words, at, s);
        s.bytesRead = Character.BYTES * (met + 2L * tables);
        count(s.ids, met, s.counts);
        return reached(room, from, to, s);
    }

    /** Copies the ids of the query's buckets, one after another; returns how many. */
    private int met(int kvHead, SimHash hash, long[] words, int at, Scratch s) {
        MemorySegment memory = block.memory();
        if (s.buckets.length < 2 * tables) {
            s.buckets = new int[2 * tables];
        }
        // Each loop does little, so that the processor waits for many of these places at once.
        int[] buckets = s.buckets;
        long offsets = offsetsAt(kvHead, 0), codes = codes(bits);
        int all = 0;
        for (int table = 0; table < tables; table++) {
            long offset = offsets + Character.BYTES * (table * codes + hash.code(words, at, table));
            buckets[2 * table] = memory.get(U16, offset);
            buckets[2 * table + 1] = memory.get(U16, offset + Character.BYTES);
            all += buckets[2 * table + 1] - buckets[2 * table];
        }
        if (s.ids.length < all) {
            s.ids = new char[Math.max(all, 2 * s.ids.length)];
        }
        long ids = idsAt(kvHead, 0);
        int met = 0;
        for (int table = 0; table < tables; table++) {
            int from = buckets[2 * table], tokens = buckets[2 * table + 1] - from;
            long bucket = ids + Character.BYTES * ((long) table * count + from);
            MemorySegment.copy(memory, U16, bucket, s.ids, met, tokens);
            met += tokens;
        }
        return all;
    }

    private static void count(char[] ids, int met, byte[] counts) {
        for (int i = 0; i < met; i++) {
            int id = ids[i], seen = counts[id];
            counts[id] = (byte) (seen + 1 + (seen >> 7)); // a negative one stays
        }
    }

    /** Finds the tokens whose count has its highest bit set. */
    private int reached(int room, int from, int to, Scratch s) {
        byte[] counts = s.counts;
        int[] sampled = s.sampled;
        int found = 0;
        for (int i = 0; i < room; i += Long.BYTES) {
            for (long bits = (long) LONGS.get(counts, i) & HIGHEST_BITS; bits != 0; bits &= bits - 1) {
                int token = first + i + Long.numberOfTrailingZeros(bits) / Byte.SIZE;
                if (token >= from && token < to) {
                    if (found == sampled.length) {
                        sampled = Arrays.copyOf(sampled, Math.max(256, 2 * found));
                        s.sampled = sampled;
                    }
                    sampled[found++] = token;
                }
            }
        }
        return found;
    }
}
