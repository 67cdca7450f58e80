package dev.lectern.kept;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * What stands at the beginning of a file of keys and values, or of an index of them, little-endian:
 *
 * <pre>
 *   0  magic number                8
 *   8  version                     4
 *  12  kind: 1 a page, 2 a tail, 3 an index    4
 *  16  tokens                      4
 *  20  numbers of the state        4   (tails, indexes)
 *  24  bytes of the description    4   (tails, indexes)
 *  28  logits                      4   (tails)
 *  32  where the payload begins    8   a multiple of 64
 *  40  bytes of the payload        8   without the logits, which follow it as f32
 *  48  CRC32C of payload and logits 4
 *  52  CRC32C of all else before the payload  4
 *  56  first position              4
 *  60  zero                        4
 *  64  fingerprint                32
 *  96  hash of the chain before   32
 * 128  tokens, state, description, zeros up to the payload
 * </pre>
 *
 * Every bit of a file is under one of the checksums or compared with what it has to be.
 *
 * @param first position of the first token; of an index, of the one after the text
 * @param previous the chain's hash before these tokens; of an index, after the text
 * @param tokens none of an index
 * @param state what the cache wants beside the bytes; empty for a page
 * @param description UTF-8 for people and for explanations; empty for a page; the name of an index
 */
record KeptHeader(
        Kind kind,
        Hash fingerprint,
        int first,
        Hash previous,
        int[] tokens,
        int[] state,
        String description,
        int logits,
        long payloadBytes) {
    /** What a file holds. */
    enum Kind {
        PAGE(1, "pages", "page"),
        TAIL(2, "tails", "tail"),
        INDEX(3, "indexes", "index");

        final int number;
        final String folder;
        final String suffix;

        Kind(int number, String folder, String suffix) {
            this.number = number;
            this.folder = folder;
            this.suffix = suffix;
        }
    }

    /** "LecternK", little-endian. */
    static final long MAGIC = 0x4b6e72657463654cL;

    static final int VERSION = 1;
    static final int FIXED = 128;
    private static final int CRC_AT = 52;

    /** The most that a reader takes for a header: tokens and state of a tail of a hundred million tokens would be less. */
    private static final int MOST_HEADER = 1 << 30;

    /** The hash by which the file is known. */
    Hash hash() {
        return kind == Kind.INDEX ? previous.then(description) : previous.then(tokens, 0, tokens.length);
    }

    /** Where the payload begins, in bytes. */
    int payloadAt() {
        return payloadAt(tokens.length, state.length, description.getBytes(StandardCharsets.UTF_8).length);
    }

    private static int payloadAt(int tokens, int state, int description) {
        long end = FIXED + 4L * tokens + 4L * state + description;
        return Math.toIntExact((end + 63) & ~63L);
    }

    /** Bytes of the whole file. */
    long fileBytes() {
        return Math.addExact(Math.addExact(payloadAt(), payloadBytes), 4L * logits);
    }

    /** The bytes before the payload. */
    ByteBuffer write(int payloadCrc) {
        byte[] words = description.getBytes(StandardCharsets.UTF_8);
        ByteBuffer header = ByteBuffer.allocate(payloadAt()).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(MAGIC).putInt(VERSION).putInt(kind.number);
        header.putInt(tokens.length).putInt(state.length).putInt(words.length).putInt(logits);
        header.putLong(payloadAt()).putLong(payloadBytes).putInt(payloadCrc).putInt(0);
        header.putInt(first).putInt(0);
        header.put(fingerprint.bytes()).put(previous.bytes());
        for (int token : tokens) {
            header.putInt(token);
        }
        for (int number : state) {
            header.putInt(number);
        }
        header.put(words);
        header.putInt(CRC_AT, crc(header));
        return header.rewind();
    }

    /** Of everything but the place of the checksum itself. */
    private static int crc(ByteBuffer header) {
        CRC32C crc = new CRC32C();
        crc.update(header.duplicate().position(0).limit(CRC_AT));
        crc.update(header.duplicate().position(CRC_AT + 4).limit(header.capacity()));
        return (int) crc.getValue();
    }

    /** The checksum of parts of memory, one after the other. */
    static int crc(List<MemorySegment> parts) {
        CRC32C crc = new CRC32C();
        for (MemorySegment part : parts) {
            for (long at = 0; at < part.byteSize(); at += PIECE) {
                crc.update(
                        part.asSlice(at, Math.min(PIECE, part.byteSize() - at)).asByteBuffer());
            }
        }
        return (int) crc.getValue();
    }

    /** Bytes that are given to a checksum or a file at a time: a ByteBuffer holds no more than 2 GB. */
    static final long PIECE = 64L << 20;

    /** A header that was read, with the checksum that the payload has to have. */
    record Read(KeptHeader header, int payloadCrc) {}

    /**
     * Reads and checks the header of a whole file; the payload is not looked at.
     *
     * @param file all bytes of it
     * @throws DamagedException if it is not such a file
     */
    static Read read(MemorySegment file) {
        require(file.byteSize() >= FIXED, "it is shorter than a header");
        ByteBuffer fixed = file.asSlice(0, FIXED).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        require(fixed.getLong(0) == MAGIC, "it does not begin as such a file does");
        require(fixed.getInt(8) == VERSION, "it has the version " + fixed.getInt(8) + " instead of " + VERSION);
        int tokens = fixed.getInt(16), state = fixed.getInt(20), words = fixed.getInt(24), logits = fixed.getInt(28);
        long payloadAt = fixed.getLong(32), payloadBytes = fixed.getLong(40);
        require(tokens >= 0 && state >= 0 && words >= 0 && logits >= 0, "a count in its header is negative");
        require(
                FIXED + 4L * tokens + 4L * state + words <= Math.min(MOST_HEADER, file.byteSize()),
                "its header says more than it has");
        require(payloadAt == payloadAt(tokens, state, words), "its payload begins elsewhere than the header ends");
        require(
                payloadBytes >= 0
                        && payloadBytes <= file.byteSize()
                        && payloadAt + payloadBytes + 4L * logits == file.byteSize(),
                "it has " + file.byteSize() + " bytes, and its header says another number");
        ByteBuffer header = file.asSlice(0, payloadAt).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
        require(header.getInt(CRC_AT) == crc(header), "its header does not have its checksum");
        Kind kind = Arrays.stream(Kind.values())
                .filter(known -> known.number == header.getInt(12) && header.getInt(60) == 0)
                .findFirst()
                .orElseThrow(() -> new DamagedException("its header is of no known kind"));
        byte[] fingerprint = new byte[Hash.BYTES], previous = new byte[Hash.BYTES], text = new byte[words];
        header.get(64, fingerprint).get(96, previous);
        int[] ids = numbers(file, FIXED, tokens), numbers = numbers(file, FIXED + 4L * tokens, state);
        header.get(FIXED + 4 * (tokens + state), text);
        return new Read(
                new KeptHeader(
                        kind,
                        new Hash(fingerprint),
                        header.getInt(56),
                        new Hash(previous),
                        ids,
                        numbers,
                        new String(text, StandardCharsets.UTF_8),
                        logits,
                        payloadBytes),
                header.getInt(48));
    }

    private static int[] numbers(MemorySegment file, long at, int count) {
        int[] numbers = new int[count];
        MemorySegment.copy(
                file, ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), at, numbers, 0, count);
        return numbers;
    }

    static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new DamagedException(otherwise);
        }
    }

    /** A file that is not what it says; the message says what is wrong, and the caller knows which file. */
    static final class DamagedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        DamagedException(String what) {
            super(what);
        }
    }
}
