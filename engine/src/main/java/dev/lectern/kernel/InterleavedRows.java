package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.L;
import static dev.lectern.kernel.Lanes.all;
import static dev.lectern.kernel.Lanes.toFloat;
import static dev.lectern.kernel.Lanes.x;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Kernels over one group of {@link Interleaved} rows: two vectors of rows at a time, which share the inputs.
 *
 * <p>A field is not shifted to the lowest bits before it becomes a float; instead the input that it meets is divided by the power of two that it stands at ({@link Inputs#ones}),
 * which is exact. So a vector of weights costs an and, a conversion and a fused multiply-add; upper bits cost one or two operations more.
 *
 * <p>The order of summation of a row: within two words the fields one after the other; the sum of the two, times its scale, is added to the sum of those before. Offsets times the
 * sums of their inputs are summed apart, and added at the end.
 */
final class InterleavedRows {
    /**
     * Groups that are multiplied side by side. A processor fetches a line of memory ahead of its use only for a stream that it follows, and at every page of 4 KB has to find it again;
     * with four streams three go on meanwhile (from memory, 512 bits: 1.4 times as fast as one on a Xeon).
     */
    static final int TOGETHER = 4;

    /** Scales of a group's strip, at most. */
    static final int SCALES = Interleaved.STRIP / 16 * Interleaved.ROWS;

    private static final int ROWS = Interleaved.ROWS;

    private InterleavedRows() {}

    /**
     * Adds a run of blocks without upper bits, times one vector, to the sums of the rows, in a few groups side by side.
     *
     * @param p the first block of the first group
     * @param groups at most {@link #TOGETHER}
     * @param apart bytes from group to group
     * @param in the scaled inputs, eight a word, from {@code at} on
     * @param perScale log2 of how many pairs of words share a scale
     * @param blocks how many
     * @param scales {@code [groups][2 blocks >> perScale][ROWS]}, groups {@link #SCALES} apart
     * @param sums {@code [groups][2 ROWS]} from {@code to} on, of which the first halves are added to
     */
    static void dot4(
            MemorySegment w,
            long p,
            int groups,
            long apart,
            int bits,
            int perScale,
            int blocks,
            float[] in,
            int at,
            float[] scales,
            float[] sums,
            int to) {
        for (int lane = 0; lane < ROWS; lane += 2 * L) {
            for (int i = 0; i < 2 * blocks; i++) {
                for (int group = 0; group < groups; group++) {
                    long begin = p + group * apart + 8L * ROWS * i + 4 * lane;
                    FloatVector part0 = FloatVector.zero(F);
                    FloatVector part1 = part0;
                    for (int j = 0; j < 2; j++) {
                        IntVector word0 = Lanes.words(w, begin + 4 * ROWS * j);
                        IntVector word1 = Lanes.words(w, begin + 4 * (ROWS * j + L));
                        int k = at + 16 * i + 8 * j;
                        FloatVector y = all(in[k]);
                        part0 = toFloat(word0.and(15)).fma(y, part0);
                        part1 = toFloat(word1.and(15)).fma(y, part1);
                        // Fields 1 to 6: loops so short are always unrolled.
                        for (int half = 0; half < 2; half++) {
                            for (int third = 1; third < 4; third++) {
                                int field = 3 * half + third;
                                y = all(in[k + field]);
                                part0 = toFloat(word0.and(15 << 4 * field)).fma(y, part0);
                                part1 = toFloat(word1.and(15 << 4 * field)).fma(y, part1);
                            }
                        }
                        y = all(in[k + 7]);
                        part0 = toFloat(word0.lanewise(LSHR, 28)).fma(y, part0);
                        part1 = toFloat(word1.lanewise(LSHR, 28)).fma(y, part1);
                    }
                    int scale = group * SCALES + (i >> perScale) * ROWS + lane;
                    int sum = to + 2 * group * ROWS + lane;
                    add(sums, sum, x(scales, scale), part0);
                    add(sums, sum + L, x(scales, scale + L), part1);
                }
            }
        }
    }

    /**
     * {@link #dot4} for blocks with upper bits.
     *
     * @param bits how many upper bits, 1 or 2
     */
    static void dot6(
            MemorySegment w,
            long p,
            int groups,
            long apart,
            int bits,
            int perScale,
            int blocks,
            float[] in,
            int at,
            float[] scales,
            float[] sums,
            int to) {
        int above = ((1 << bits) - 1) << 4;
        int blockBytes = 4 * ROWS * (4 + bits);
        for (int lane = 0; lane < ROWS; lane += 2 * L) {
            for (int i = 0; i < 2 * blocks; i++) {
                int half = i % 2;
                for (int group = 0; group < groups; group++) {
                    long begin = p + group * apart + (long) blockBytes * (i / 2) + 4 * lane;
                    // Five bits: the upper bits of both halves stand in one vector, those of the second two bits
                    // higher.
                    long upper = begin + 4 * ROWS * (bits - 1) * half;
                    IntVector both0 = Lanes.words(w, upper).lanewise(LSHR, 2 * (2 - bits) * half);
                    IntVector both1 = Lanes.words(w, upper + 4 * L).lanewise(LSHR, 2 * (2 - bits) * half);
                    FloatVector part0 = FloatVector.zero(F);
                    FloatVector part1 = part0;
                    for (int j = 0; j < 2; j++) {
                        IntVector upper0 = both0.lanewise(LSHR, bits * j);
                        IntVector upper1 = both1.lanewise(LSHR, bits * j);
                        long nibbles = begin + 4 * ROWS * (bits + 2 * half + j);
                        IntVector word0 = Lanes.words(w, nibbles);
                        IntVector word1 = Lanes.words(w, nibbles + 4 * L);
                        IntVector last0 = word0.lanewise(LSHR, 28)
                                .or(upper0.lanewise(LSHR, 24).and(above));
                        IntVector last1 = word1.lanewise(LSHR, 28)
                                .or(upper1.lanewise(LSHR, 24).and(above));
                        upper0 = upper0.lanewise(LSHL, 4);
                        upper1 = upper1.lanewise(LSHL, 4);
                        int k = at + 16 * i + 8 * j;
                        for (int field = 0; field < 7; field++) {
                            FloatVector y = all(in[k + field]);
                            part0 = toFloat(word0.and(15 << 4 * field).or(upper0.and(above << 4 * field)))
                                    .fma(y, part0);
                            part1 = toFloat(word1.and(15 << 4 * field).or(upper1.and(above << 4 * field)))
                                    .fma(y, part1);
                        }
                        FloatVector y = all(in[k + 7]);
                        part0 = toFloat(last0).fma(y, part0);
                        part1 = toFloat(last1).fma(y, part1);
                    }
                    int scale = group * SCALES + (i >> perScale) * ROWS + lane;
                    int sum = to + 2 * group * ROWS + lane;
                    add(sums, sum, x(scales, scale), part0);
                    add(sums, sum + L, x(scales, scale + L), part1);
                }
            }
        }
    }

    /** {@link #dot4} for blocks of bytes. */
    static void dot8(
            MemorySegment w,
            long p,
            int groups,
            long apart,
            int bits,
            int perScale,
            int blocks,
            float[] in,
            int at,
            float[] scales,
            float[] sums,
            int to) {
        for (int lane = 0; lane < ROWS; lane += 2 * L) {
            for (int i = 0; i < 2 * blocks; i++) {
                for (int group = 0; group < groups; group++) {
                    long begin = p + group * apart + 16L * ROWS * i + 4 * lane;
                    FloatVector part0 = FloatVector.zero(F);
                    FloatVector part1 = part0;
                    for (int half = 0; half < 2; half++) {
                        for (int one = 0; one < 2; one++) {
                            int j = 2 * half + one;
                            IntVector word0 = Lanes.words(w, begin + 4 * ROWS * j);
                            IntVector word1 = Lanes.words(w, begin + 4 * (ROWS * j + L));
                            int k = at + 16 * i + 4 * j;
                            for (int field = 0; field < 3; field++) {
                                FloatVector y = all(in[k + field]);
                                part0 = toFloat(word0.and(255 << 8 * field)).fma(y, part0);
                                part1 = toFloat(word1.and(255 << 8 * field)).fma(y, part1);
                            }
                            FloatVector y = all(in[k + 3]);
                            part0 = toFloat(word0.lanewise(LSHR, 24)).fma(y, part0);
                            part1 = toFloat(word1.lanewise(LSHR, 24)).fma(y, part1);
                        }
                    }
                    int scale = group * SCALES + (i >> perScale) * ROWS + lane;
                    int sum = to + 2 * group * ROWS + lane;
                    add(sums, sum, x(scales, scale), part0);
                    add(sums, sum + L, x(scales, scale + L), part1);
                }
            }
        }
    }

    /**
     * Unpacks blocks without upper bits: field f comes out times 16^f, the last one as it is.
     *
     * @param out receives {@code [32 blocks][ROWS]} from {@code at} on
     */
    static void unpack4(MemorySegment w, long p, int bits, int blocks, float[] out, int at) {
        for (int lane = 0; lane < ROWS; lane += L) {
            for (int i = 0; i < 4 * blocks; i++) {
                IntVector word = Lanes.words(w, p + 4L * ROWS * i + 4 * lane);
                int to = at + 8 * ROWS * i + lane;
                toFloat(word.and(15)).intoArray(out, to);
                for (int half = 0; half < 2; half++) {
                    for (int third = 1; third < 4; third++) {
                        int field = 3 * half + third;
                        toFloat(word.and(15 << 4 * field)).intoArray(out, to + ROWS * field);
                    }
                }
                toFloat(word.lanewise(LSHR, 28)).intoArray(out, to + ROWS * 7);
            }
        }
    }

    /** {@link #unpack4} for blocks with upper bits. */
    static void unpack6(MemorySegment w, long p, int bits, int blocks, float[] out, int at) {
        int above = ((1 << bits) - 1) << 4;
        int blockBytes = 4 * ROWS * (4 + bits);
        for (int lane = 0; lane < ROWS; lane += L) {
            for (int block = 0; block < blocks; block++) {
                long begin = p + (long) blockBytes * block + 4 * lane;
                for (int pair = 0; pair < 2; pair++) {
                    IntVector both =
                            Lanes.words(w, begin + 4 * ROWS * (bits - 1) * pair).lanewise(LSHR, 2 * (2 - bits) * pair);
                    for (int j = 0; j < 2; j++) {
                        IntVector upper = both.lanewise(LSHR, bits * j);
                        IntVector word = Lanes.words(w, begin + 4 * ROWS * (bits + 2 * pair + j));
                        int to = at + 8 * ROWS * (4 * block + 2 * pair + j) + lane;
                        toFloat(word.lanewise(LSHR, 28)
                                        .or(upper.lanewise(LSHR, 24).and(above)))
                                .intoArray(out, to + ROWS * 7);
                        upper = upper.lanewise(LSHL, 4);
                        toFloat(word.and(15).or(upper.and(above))).intoArray(out, to);
                        for (int half = 0; half < 2; half++) {
                            for (int third = 1; third < 4; third++) {
                                int field = 3 * half + third;
                                toFloat(word.and(15 << 4 * field).or(upper.and(above << 4 * field)))
                                        .intoArray(out, to + ROWS * field);
                            }
                        }
                    }
                }
            }
        }
    }

    /** {@link #unpack4} for blocks of bytes: field f of a word comes out times 256^f, the last one as it is. */
    static void unpack8(MemorySegment w, long p, int bits, int blocks, float[] out, int at) {
        for (int lane = 0; lane < ROWS; lane += L) {
            for (int i = 0; i < 8 * blocks; i++) {
                IntVector word = Lanes.words(w, p + 4L * ROWS * i + 4 * lane);
                int to = at + 4 * ROWS * i + lane;
                for (int field = 0; field < 3; field++) {
                    toFloat(word.and(255 << 8 * field)).intoArray(out, to + ROWS * field);
                }
                toFloat(word.lanewise(LSHR, 24)).intoArray(out, to + ROWS * 3);
            }
        }
    }

    /**
     * Adds unpacked words times four vectors to the sums of the rows, in the order of {@link #dot4} and {@link #dot6}.
     *
     * @param tile {@code [8 count][ROWS]}, as {@link #unpack4} gives it
     * @param firstScale where the tile's scales begin
     * @param in {@code [8 count][4]} from {@code at} on, see {@link Inputs#fours}
     * @param sums {@code [4][2 ROWS]} from {@code to} on, of which the first half is added to
     */
    static void dotUnpacked(
            float[] tile,
            int firstScale,
            int perScale,
            int count,
            float[] in,
            int at,
            float[] scales,
            float[] sums,
            int to) {
        for (int lane = 0; lane < ROWS; lane += 2 * L) {
            for (int i = 0; i < count / 2; i++) {
                FloatVector part00 = FloatVector.zero(F);
                FloatVector part01 = part00;
                FloatVector part10 = part00;
                FloatVector part11 = part00;
                FloatVector part20 = part00;
                FloatVector part21 = part00;
                FloatVector part30 = part00;
                FloatVector part31 = part00;
                for (int k = 16 * i; k < 16 * i + 16; k++) {
                    FloatVector w0 = x(tile, k * ROWS + lane);
                    FloatVector w1 = x(tile, k * ROWS + lane + L);
                    FloatVector y = all(in[at + 4 * k]);
                    part00 = w0.fma(y, part00);
                    part01 = w1.fma(y, part01);
                    y = all(in[at + 4 * k + 1]);
                    part10 = w0.fma(y, part10);
                    part11 = w1.fma(y, part11);
                    y = all(in[at + 4 * k + 2]);
                    part20 = w0.fma(y, part20);
                    part21 = w1.fma(y, part21);
                    y = all(in[at + 4 * k + 3]);
                    part30 = w0.fma(y, part30);
                    part31 = w1.fma(y, part31);
                }
                int scale = firstScale + (i >> perScale) * ROWS + lane;
                FloatVector scale0 = x(scales, scale);
                FloatVector scale1 = x(scales, scale + L);
                int here = to + lane;
                add(sums, here, scale0, part00);
                add(sums, here + L, scale1, part01);
                add(sums, here + 2 * ROWS, scale0, part10);
                add(sums, here + 2 * ROWS + L, scale1, part11);
                add(sums, here + 4 * ROWS, scale0, part20);
                add(sums, here + 4 * ROWS + L, scale1, part21);
                add(sums, here + 6 * ROWS, scale0, part30);
                add(sums, here + 6 * ROWS + L, scale1, part31);
            }
        }
    }

    private static void add(float[] sums, int at, FloatVector scale, FloatVector part) {
        scale.fma(part, x(sums, at)).intoArray(sums, at);
    }

    /** Turns what is unpacked, eight columns after the other, into the weights themselves: {@code tile[k] ← tile[k] · unshift · scale + offset}. */
    static void weigh(float[] tile, int at, int perScale, int count, float[] unshift, float[] scales, float[] offsets) {
        for (int lane = 0; lane < ROWS; lane += L) {
            for (int i = 0; i < count; i++) {
                int from = at + 8 * ROWS * i + lane;
                FloatVector scale = x(scales, (i >> 1 + perScale) * ROWS + lane);
                FloatVector offset = x(offsets, (i >> 1 + perScale) * ROWS + lane);
                for (int field = 0; field < 8; field++) {
                    int place = from + ROWS * field;
                    x(tile, place).fma(scale.mul(unshift[field]), offset).intoArray(tile, place);
                }
            }
        }
    }
}
