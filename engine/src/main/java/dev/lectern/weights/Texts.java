package dev.lectern.weights;

import static java.nio.charset.StandardCharsets.UTF_8;

/**
 * Many strings as a file holds them: UTF-8, one behind the other. One becomes a {@link String} only when it is asked for, since a
 * vocabulary has hundreds of thousands of them, and most are only compared.
 */
public final class Texts {
    private final byte[] bytes;
    private final int[] ends;

    /**
     * @param bytes well-formed UTF-8
     * @param ends of each string, in bytes; it begins where the one before it ends
     */
    Texts(byte[] bytes, int[] ends) {
        this.bytes = bytes;
        this.ends = ends;
    }

    /** These strings. */
    static Texts of(String... strings) {
        byte[][] each = new byte[strings.length][];
        int[] ends = new int[strings.length];
        int length = 0;
        for (int i = 0; i < strings.length; i++) {
            each[i] = strings[i].getBytes(UTF_8);
            length = Math.addExact(length, each[i].length);
            ends[i] = length;
        }
        byte[] bytes = new byte[length];
        for (int i = 0; i < strings.length; i++) {
            System.arraycopy(each[i], 0, bytes, ends[i] - each[i].length, each[i].length);
        }
        return new Texts(bytes, ends);
    }

    /** How many. */
    public int count() {
        return ends.length;
    }

    public String get(int index) {
        int start = start(index);
        return new String(bytes, start, ends[index] - start, UTF_8);
    }

    /** The bytes of all; not to be written to. */
    public byte[] bytes() {
        return bytes;
    }

    /** Where a string begins in {@link #bytes()}. */
    public int start(int index) {
        return index == 0 ? 0 : ends[index - 1];
    }

    /** Where a string ends in {@link #bytes()}. */
    public int end(int index) {
        return ends[index];
    }

    String[] toArray() {
        String[] strings = new String[ends.length];
        for (int i = 0; i < strings.length; i++) {
            strings[i] = get(i);
        }
        return strings;
    }
}
