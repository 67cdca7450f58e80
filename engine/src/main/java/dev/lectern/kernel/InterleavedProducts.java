package dev.lectern.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.util.Arrays;

/**
 * Products with {@link Interleaved} weights: a group of rows is worked off in strips of columns. Few vectors are multiplied while the weights are unpacked; for more, the weights
 * are unpacked once, to the first-level cache. The sums come out the same, so a sequence does not notice its neighbours.
 */
final class InterleavedProducts {
    /** Columns that are unpacked at a time: 16 KB, half a first-level cache. */
    static final int TILE = 128;

    private static final int ROWS = Interleaved.ROWS;
    private static final int STRIP = Interleaved.STRIP;

    // Called through method handles that the compiler does not know beforehand, for the reason given in VectorRows.

    private static final MethodHandle[] DOT = forBits(
            "dot",
            MethodType.methodType(
                    void.class,
                    MemorySegment.class,
                    long.class,
                    int.class,
                    long.class,
                    int.class,
                    int.class,
                    int.class,
                    float[].class,
                    int.class,
                    float[].class,
                    float[].class,
                    int.class));

    private static final MethodHandle[] UNPACK = forBits(
            "unpack",
            MethodType.methodType(
                    void.class, MemorySegment.class, long.class, int.class, int.class, float[].class, int.class));

    private static final MethodHandle[] DOT_UNPACKED = {
        VectorRows.kernel(
                InterleavedRows.class,
                "dotUnpacked",
                MethodType.methodType(
                        void.class,
                        float[].class,
                        int.class,
                        int.class,
                        int.class,
                        float[].class,
                        int.class,
                        float[].class,
                        float[].class,
                        int.class))
    };

    private static final MethodHandle[] WEIGH = {
        VectorRows.kernel(
                InterleavedRows.class,
                "weigh",
                MethodType.methodType(
                        void.class,
                        float[].class,
                        int.class,
                        int.class,
                        int.class,
                        float[].class,
                        float[].class,
                        float[].class))
    };

    private static final MethodHandle[] SCALES = {
        VectorRows.kernel(
                InterleavedScales.class,
                "decode",
                MethodType.methodType(
                        void.class,
                        ElementType.class,
                        MemorySegment.class,
                        long.class,
                        int.class,
                        int.class,
                        int.class,
                        float[].class,
                        float[].class,
                        int.class))
    };

    private static final MethodHandle[] OFFSETS = {
        VectorRows.kernel(
                InterleavedScales.class,
                "dot",
                MethodType.methodType(
                        void.class,
                        float[].class,
                        int.class,
                        int.class,
                        int.class,
                        float[].class,
                        int.class,
                        int.class,
                        float[].class,
                        int.class,
                        int.class))
    };

    private InterleavedProducts() {}

    /** By the bits above the low nibble, of which there are never three. */
    private static MethodHandle[] forBits(String verb, MethodType signature) {
        MethodHandle six = VectorRows.kernel(InterleavedRows.class, verb + 6, signature);
        MethodHandle eight = VectorRows.kernel(InterleavedRows.class, verb + 8, signature);
        return new MethodHandle[] {VectorRows.kernel(InterleavedRows.class, verb + 4, signature), six, six, eight, eight
        };
    }

    /**
     * Multiplies single vectors: outputs {@code from} to {@code to}.
     *
     * @param from the first row of a group
     * @param in of the product's {@code singles} vectors
     */
    static void singles(Scratch s, MatMul.Product product, int from, int to, int singles, Inputs in) {
        Matrix w = product.weights();
        // Whole fours of vectors, or a few groups of one or two.
        int together = singles <= Inputs.FEW ? InterleavedRows.TOGETHER : 1;
        s.lanes = Scratch.grown(s.lanes, 2L * ROWS * together * (singles + 3));
        for (int row = from; row < to; row += together * ROWS) {
            int rows = Math.min(together * ROWS, to - row);
            int groups = Math.ceilDiv(rows, ROWS);
            Arrays.fill(s.lanes, 0, 2 * ROWS * groups * singles, 0);
            try {
                sums(s, w, row / ROWS, groups, singles, in);
            } catch (Throwable e) {
                throw VectorRows.unchecked(e);
            }
            for (int r = 0; r < singles; r++) {
                int out = r * w.rows() + row;
                for (int i = 0; i < rows; i++) {
                    int at = 2 * ROWS * (r * groups + i / ROWS) + i % ROWS;
                    product.out()[out + i] = s.lanes[at] + s.lanes[at + ROWS];
                }
            }
        }
    }

    /** Leaves {@code [singles][groups][2][ROWS]} in the scratch's lanes: the sums of weights without their offsets, and of the offsets. */
    private static void sums(Scratch s, Matrix w, int group, int groups, int singles, Inputs in) throws Throwable {
        ElementType type = w.type();
        int columns = w.columns();
        int span = Interleaved.span(type);
        long apart = Interleaved.groupBytes(type, columns);
        long p = group * apart;
        int vector = 2 * ROWS * groups;
        for (int c = 0; c < columns; c += STRIP) {
            int some = Math.min(STRIP, columns - c);
            for (int g = 0; g < groups; g++) {
                int at = g * InterleavedRows.SCALES;
                SCALES[0].invokeExact(
                        type, w.segment(), p + g * apart, columns, c, some, s.rowScales, s.rowOffsets, at);
                int to = (2 * g + 1) * ROWS;
                OFFSETS[0].invokeExact(
                        s.rowOffsets,
                        at,
                        some / span,
                        singles,
                        in.sums(span),
                        c / span,
                        columns / span,
                        s.lanes,
                        to,
                        vector);
            }
            if (singles <= Inputs.FEW) {
                few(s, w, p + Interleaved.block(type, columns, c), groups, apart, c, some, singles, in);
            } else {
                many(s, w, p, c, some, singles, in);
            }
        }
    }

    private static void few(
            Scratch s, Matrix w, long block, int groups, long apart, int first, int count, int singles, Inputs in)
            throws Throwable {
        ElementType type = w.type();
        int bits = Interleaved.upperBits(type);
        for (int r = 0; r < singles; r++) {
            DOT[bits].invokeExact(
                    w.segment(),
                    block,
                    groups,
                    apart,
                    bits,
                    Interleaved.perScale(type),
                    count / Interleaved.BLOCK,
                    in.ones(type),
                    r * w.columns() + first,
                    s.rowScales,
                    s.lanes,
                    2 * ROWS * r * groups);
        }
    }

    private static void many(Scratch s, Matrix w, long group, int first, int count, int singles, Inputs in)
            throws Throwable {
        ElementType type = w.type();
        int columns = w.columns();
        int bits = Interleaved.upperBits(type);
        for (int k = first; k < first + count; k += TILE) {
            int here = Math.min(TILE, first + count - k);
            long block = group + Interleaved.block(type, columns, k);
            UNPACK[bits].invokeExact(w.segment(), block, bits, here / Interleaved.BLOCK, s.tile, 0);
            for (int r = 0; r < singles; r += 4) {
                DOT_UNPACKED[0].invokeExact(
                        s.tile,
                        (k - first) / Interleaved.span(type) * ROWS,
                        Interleaved.perScale(type),
                        here / 8,
                        in.fours(type),
                        r * columns + 4 * k,
                        s.rowScales,
                        s.lanes,
                        2 * ROWS * r);
            }
        }
    }

    /**
     * Decodes some columns of a group.
     *
     * @param first column, and {@code count} of them: whole blocks of the type
     * @param out receives {@code [count][ROWS]} from {@code at} on
     */
    static void decode(Scratch s, Matrix w, int group, int first, int count, float[] out, int at) {
        int c = first;
        while (c < first + count) {
            int some = Math.min(STRIP - c % STRIP, first + count - c);
            decodeStrip(s, w, group, c, some, out, at + (c - first) * ROWS);
            c += some;
        }
    }

    private static void decodeStrip(Scratch s, Matrix w, int group, int first, int count, float[] out, int at) {
        ElementType type = w.type();
        int columns = w.columns();
        int bits = Interleaved.upperBits(type);
        long p = group * Interleaved.groupBytes(type, columns);
        long block = p + Interleaved.block(type, columns, first);
        int perScale = Interleaved.perScale(type);
        try {
            SCALES[0].invokeExact(type, w.segment(), p, columns, first, count, s.rowScales, s.rowOffsets, 0);
            UNPACK[bits].invokeExact(w.segment(), block, bits, count / Interleaved.BLOCK, out, at);
            WEIGH[0].invokeExact(out, at, perScale, count / 8, Inputs.unshift(type), s.rowScales, s.rowOffsets);
        } catch (Throwable e) {
            throw VectorRows.unchecked(e);
        }
    }
}
