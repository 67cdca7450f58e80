package dev.lectern.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * How codes of 2 to 8 bits stand in memory: in planes, each some bits of every code, the most significant first, so that a reader to whom the first bits are enough leaves the
 * rest alone.
 *
 * <p>Codes come in runs of vectors of {@value #LANES}: a row of values is a run of headDim / 16 vectors; a tile of keys is a run of headDim vectors whose lanes are tokens. A plane of 2 bits
 * packs four vectors of a run into 16 bytes: byte i holds lane i of each, the first lowest. A plane of 4 bits packs two, one of 8 bits one; a plane of 1 bit is a short for each vector. So a
 * load, a shift and an and give a vector of codes at any width.
 */
public enum CodePlanes {
    /** 2 bits. */
    TWO(2),
    /** 3 bits: 2, then 1. */
    TWO_ONE(2, 1),
    /** 4 bits, together. */
    FOUR(4),
    /** 4 bits: 2, then 2. */
    TWO_TWO(2, 2),
    /** 5 bits: 2, then 2, then 1. */
    TWO_TWO_ONE(2, 2, 1),
    /** 6 bits: 2, then 4. */
    TWO_FOUR(2, 4),
    /** 8 bits, together. */
    EIGHT(8);

    /** Codes in a vector. */
    public static final int LANES = 16;

    private final int[] widths;
    private final int bits;

    CodePlanes(int... widths) {
        this.widths = widths;
        int sum = 0;
        for (int width : widths) {
            sum += width;
        }
        bits = sum;
    }

    /** Bits of a code. */
    public int bits() {
        return bits;
    }

    /** Number of planes, 1 … 3. */
    public int count() {
        return widths.length;
    }

    /** Bytes of one plane of a run of so many vectors. */
    public int bytes(int plane, int vectors) {
        return switch (widths[plane]) {
            case 1 -> 2 * vectors;
            case 2 -> LANES * Math.ceilDiv(vectors, 4);
            case 4 -> LANES * Math.ceilDiv(vectors, 2);
            default -> LANES * vectors;
        };
    }

    /** Bytes of all planes of a run of so many vectors. */
    public int bytes(int vectors) {
        int bytes = 0;
        for (int plane = 0; plane < widths.length; plane++) {
            bytes += bytes(plane, vectors);
        }
        return bytes;
    }

    /**
     * Writes a code into a run; the bits of other codes stay.
     *
     * @param at where each plane of the run begins
     * @param vector of the run
     * @param code 0 … 2^{@link #bits} − 1
     */
    public void put(MemorySegment memory, long[] at, int vector, int lane, int code) {
        int rest = bits;
        for (int plane = 0; plane < widths.length; plane++) {
            int width = widths[plane];
            rest -= width;
            int part = code >>> rest & (1 << width) - 1;
            long place = place(width, at[plane], vector, lane);
            int shift = shift(width, vector, lane);
            int old = memory.get(ValueLayout.JAVA_BYTE, place);
            memory.set(ValueLayout.JAVA_BYTE, place, (byte) (old & ~((1 << width) - 1 << shift) | part << shift));
        }
    }

    /** Reads a code of a run; planes begin at at0, at1 and at2, as many as there are. */
    int get(MemorySegment memory, long at0, long at1, long at2, int vector, int lane) {
        int code = 0;
        for (int plane = 0; plane < widths.length; plane++) {
            int width = widths[plane];
            long place = place(width, plane == 0 ? at0 : plane == 1 ? at1 : at2, vector, lane);
            int part = memory.get(ValueLayout.JAVA_BYTE, place) >>> shift(width, vector, lane) & (1 << width) - 1;
            code = code << width | part;
        }
        return code;
    }

    private static long place(int width, long at, int vector, int lane) {
        return switch (width) {
            case 1 -> at + 2L * vector + lane / 8;
            case 2 -> at + (long) LANES * (vector / 4) + lane;
            case 4 -> at + (long) LANES * (vector / 2) + lane;
            default -> at + (long) LANES * vector + lane;
        };
    }

    private static int shift(int width, int vector, int lane) {
        return switch (width) {
            case 1 -> lane % 8;
            case 2 -> 2 * (vector % 4);
            case 4 -> 4 * (vector % 2);
            default -> 0;
        };
    }
}
