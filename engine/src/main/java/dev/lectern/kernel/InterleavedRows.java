package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.I;
import static dev.lectern.kernel.Lanes.L;
import static dev.lectern.kernel.Lanes.all;
import static dev.lectern.kernel.Lanes.toFloat;
import static dev.lectern.kernel.Lanes.x;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Kernels over one group of {@link Interleaved} rows: two vectors of rows at a time, which share the inputs.
 *
 * <p>A field is not shifted to the lowest bits before it becomes a float; instead the input that it meets is divided by the power of two that it stands at ({@link Inputs#scaled}),
 * which is exact. So a vector of weights costs an and, a conversion and a fused multiply-add; upper bits cost one or two operations more.
 *
 * <p>The order of summation of a row: within a word the last field, then the others from the first on; the word's sum, times its scale, is added to the sum of the words before. Offsets times the
 * sums of their inputs are summed apart, and added at the end.
 */
final class InterleavedRows {
    private static final int ROWS = Interleaved.ROWS;

    private InterleavedRows() {}

    private static IntVector words(MemorySegment w, long p) {
        return IntVector.fromMemorySegment(I, w, p, ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * Adds a run of words without upper bits, times one vector, to the sums of the rows.
     *
     * @param p the first word, {@code [count][ROWS]} int
     * @param in the scaled inputs, eight a word, from {@code at} on
     * @param scales {@code [count >> perScale][ROWS]}
     * @param sums {@code [ROWS]} from {@code to} on
     */
    static void dot4(
            MemorySegment w,
            long p,
            long unused,
            int bits,
            int perScale,
            int count,
            float[] in,
            int at,
            float[] scales,
            float[] sums,
            int to) {
        for (int lane = 0; lane < ROWS; lane += 2 * L) {
            FloatVector sum0 = x(sums, to + lane);
            FloatVector sum1 = x(sums, to + lane + L);
            for (int i = 0; i < count; i++) {
                IntVector word0 = words(w, p + 4L * ROWS * i + 4 * lane);
                IntVector word1 = words(w, p + 4L * ROWS * i + 4 * (lane + L));
                int k = at + 8 * i;
                FloatVector y = all(in[k + 7]);
                FloatVector part0 = toFloat(word0.lanewise(LSHR, 28)).mul(y);
                FloatVector part1 = toFloat(word1.lanewise(LSHR, 28)).mul(y);
                y = all(in[k]);
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
                int scale = (i >> perScale) * ROWS + lane;
                sum0 = x(scales, scale).fma(part0, sum0);
                sum1 = x(scales, scale + L).fma(part1, sum1);
            }
            sum0.intoArray(sums, to + lane);
            sum1.intoArray(sums, to + lane + L);
        }
    }

    /**
     * {@link #dot4} for words with upper bits.
     *
     * @param q the first word of upper bits
     * @param bits how many upper bits, 1 or 2
     */
    static void dot6(
            MemorySegment w,
            long p,
            long q,
            int bits,
            int perScale,
            int count,
            float[] in,
            int at,
            float[] scales,
            float[] sums,
            int to) {
        int perUpper = 3 - bits; // log2 of the words that share a word of upper bits
        int above = ((1 << bits) - 1) << 4;
        for (int lane = 0; lane < ROWS; lane += 2 * L) {
            FloatVector sum0 = x(sums, to + lane);
            FloatVector sum1 = x(sums, to + lane + L);
            for (int i = 0; i < count; i++) {
                long upper = q + 4L * ROWS * (i >> perUpper) + 4 * lane;
                int place = (i & (1 << perUpper) - 1) * bits;
                IntVector upper0 = words(w, upper).lanewise(LSHR, place);
                IntVector upper1 = words(w, upper + 4 * L).lanewise(LSHR, place);
                IntVector word0 = words(w, p + 4L * ROWS * i + 4 * lane);
                IntVector word1 = words(w, p + 4L * ROWS * i + 4 * (lane + L));
                int k = at + 8 * i;
                FloatVector y = all(in[k + 7]);
                FloatVector part0 = toFloat(word0.lanewise(LSHR, 28)
                                .or(upper0.lanewise(LSHR, 24).and(above)))
                        .mul(y);
                FloatVector part1 = toFloat(word1.lanewise(LSHR, 28)
                                .or(upper1.lanewise(LSHR, 24).and(above)))
                        .mul(y);
                upper0 = upper0.lanewise(LSHL, 4);
                upper1 = upper1.lanewise(LSHL, 4);
                for (int field = 0; field < 7; field++) {
                    y = all(in[k + field]);
                    part0 = toFloat(word0.and(15 << 4 * field).or(upper0.and(above << 4 * field)))
                            .fma(y, part0);
                    part1 = toFloat(word1.and(15 << 4 * field).or(upper1.and(above << 4 * field)))
                            .fma(y, part1);
                }
                int scale = (i >> perScale) * ROWS + lane;
                sum0 = x(scales, scale).fma(part0, sum0);
                sum1 = x(scales, scale + L).fma(part1, sum1);
            }
            sum0.intoArray(sums, to + lane);
            sum1.intoArray(sums, to + lane + L);
        }
    }

    /**
     * Unpacks words without upper bits: field f comes out times 16^f, the last one as it is.
     *
     * @param out receives {@code [8 count][ROWS]} from {@code at} on
     */
    static void unpack4(MemorySegment w, long p, long unused, int bits, int count, float[] out, int at) {
        for (int lane = 0; lane < ROWS; lane += L) {
            for (int i = 0; i < count; i++) {
                IntVector word = words(w, p + 4L * ROWS * i + 4 * lane);
                int to = at + 8 * ROWS * i + lane;
                for (int field = 0; field < 7; field++) {
                    toFloat(word.and(15 << 4 * field)).intoArray(out, to + ROWS * field);
                }
                toFloat(word.lanewise(LSHR, 28)).intoArray(out, to + ROWS * 7);
            }
        }
    }

    /** {@link #unpack4} for words with upper bits. */
    static void unpack6(MemorySegment w, long p, long q, int bits, int count, float[] out, int at) {
        int perUpper = 3 - bits;
        int above = ((1 << bits) - 1) << 4;
        for (int lane = 0; lane < ROWS; lane += L) {
            for (int i = 0; i < count; i++) {
                int place = (i & (1 << perUpper) - 1) * bits;
                IntVector upper =
                        words(w, q + 4L * ROWS * (i >> perUpper) + 4 * lane).lanewise(LSHR, place);
                IntVector word = words(w, p + 4L * ROWS * i + 4 * lane);
                int to = at + 8 * ROWS * i + lane;
                toFloat(word.lanewise(LSHR, 28).or(upper.lanewise(LSHR, 24).and(above)))
                        .intoArray(out, to + ROWS * 7);
                upper = upper.lanewise(LSHL, 4);
                for (int field = 0; field < 7; field++) {
                    toFloat(word.and(15 << 4 * field).or(upper.and(above << 4 * field)))
                            .intoArray(out, to + ROWS * field);
                }
            }
        }
    }

    /**
     * Adds unpacked words times four vectors to the sums of the rows, in the order of {@link #dot4} and {@link #dot6}.
     *
     * @param firstScale where the tile's scales begin
     * @param tile {@code [8 count][ROWS]}, as {@link #unpack4} gives it
     * @param at0 where the first vector's part begins in {@code in}, likewise the others
     * @param sums {@code [ROWS]} from {@code to0} on, likewise the others
     */
    static void dotUnpacked(
            float[] tile,
            int firstScale,
            int perScale,
            int count,
            float[] in,
            int at0,
            int at1,
            int at2,
            int at3,
            float[] scales,
            float[] sums,
            int to0,
            int to1,
            int to2,
            int to3) {
        for (int lane = 0; lane < ROWS; lane += L) {
            FloatVector sum0 = x(sums, to0 + lane);
            FloatVector sum1 = x(sums, to1 + lane);
            FloatVector sum2 = x(sums, to2 + lane);
            FloatVector sum3 = x(sums, to3 + lane);
            for (int i = 0; i < count; i++) {
                int from = 8 * ROWS * i + lane;
                int k = 8 * i;
                FloatVector w = x(tile, from + ROWS * 7);
                FloatVector part0 = w.mul(all(in[at0 + k + 7]));
                FloatVector part1 = w.mul(all(in[at1 + k + 7]));
                FloatVector part2 = w.mul(all(in[at2 + k + 7]));
                FloatVector part3 = w.mul(all(in[at3 + k + 7]));
                for (int field = 0; field < 7; field++) {
                    w = x(tile, from + ROWS * field);
                    part0 = w.fma(all(in[at0 + k + field]), part0);
                    part1 = w.fma(all(in[at1 + k + field]), part1);
                    part2 = w.fma(all(in[at2 + k + field]), part2);
                    part3 = w.fma(all(in[at3 + k + field]), part3);
                }
                w = x(scales, firstScale + (i >> perScale) * ROWS + lane);
                sum0 = w.fma(part0, sum0);
                sum1 = w.fma(part1, sum1);
                sum2 = w.fma(part2, sum2);
                sum3 = w.fma(part3, sum3);
            }
            sum0.intoArray(sums, to0 + lane);
            sum1.intoArray(sums, to1 + lane);
            sum2.intoArray(sums, to2 + lane);
            sum3.intoArray(sums, to3 + lane);
        }
    }

    /** Turns what {@link #unpack4} gives into the weights themselves: {@code tile[k] ← tile[k] · UNSHIFT · scale + offset}. */
    static void weigh(float[] tile, int at, int perScale, int count, float[] scales, float[] offsets) {
        for (int lane = 0; lane < ROWS; lane += L) {
            for (int i = 0; i < count; i++) {
                int from = at + 8 * ROWS * i + lane;
                FloatVector scale = x(scales, (i >> perScale) * ROWS + lane);
                FloatVector offset = x(offsets, (i >> perScale) * ROWS + lane);
                for (int field = 0; field < 8; field++) {
                    int place = from + ROWS * field;
                    x(tile, place).fma(scale.mul(Inputs.UNSHIFT[field]), offset).intoArray(tile, place);
                }
            }
        }
    }
}
