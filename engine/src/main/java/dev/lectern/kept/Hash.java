package dev.lectern.kept;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * A SHA-256. Pages form a chain: the hash of each is that of the hash before it and its own tokens, the first of all being the fingerprint, so that equal hashes mean equal beginnings.
 *
 * @param bytes 32; not changed by anybody
 */
public record Hash(byte[] bytes) {
    static final int BYTES = 32;

    /** Of {@link #hex}. */
    public static final int DIGITS = 2 * BYTES;

    public Hash {
        if (bytes.length != BYTES) {
            throw new IllegalArgumentException("a SHA-256 of " + bytes.length + " bytes");
        }
    }

    static Hash of(byte[] content) {
        return new Hash(sha256().digest(content));
    }

    /** The hash after some more tokens, as little-endian numbers of 32 bits. */
    public Hash then(int[] tokens, int from, int to) {
        MessageDigest digest = sha256();
        digest.update(bytes);
        ByteBuffer numbers = ByteBuffer.allocate(Math.multiplyExact(Integer.BYTES, to - from))
                .order(ByteOrder.LITTLE_ENDIAN);
        numbers.asIntBuffer().put(tokens, from, to - from);
        digest.update(numbers);
        return new Hash(digest.digest());
    }

    /** The hash after a text. */
    public Hash then(String text) {
        MessageDigest digest = sha256();
        digest.update(bytes);
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        return new Hash(digest.digest());
    }

    /** Of the tokens alone. */
    public static Hash of(int[] tokens) {
        return new Hash(new byte[BYTES]).then(tokens, 0, tokens.length);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }

    /** 64 hexadecimal digits. */
    public String hex() {
        return HexFormat.of().formatHex(bytes);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Hash hash && Arrays.equals(bytes, hash.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    @Override
    public String toString() {
        return hex();
    }
}
