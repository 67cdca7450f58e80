package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.L;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * A row of weights where it lies in the model: decoded to f32, bit for bit as {@link Blocks} says, or multiplied by a vector as it is decoded.
 *
 * <p>The order of summation, the same whether the weights are decoded in passing or lie decoded in an array: the row is cut into pairs of runs of
 * {@link #run} columns; one vector accumulates the first runs, another the second ones, with a fused multiply-add per lane in the order of the columns; the two are added,
 * then {@link Lanes#sum} adds the lanes. Columns that do not fill a pair (only in the formats without blocks) are added at the end, one by one.
 */
final class VectorRows {
    /** At 128 bits the formats with blocks are decoded by {@link Blocks}. */
    private static final boolean WIDE_ENOUGH = L >= 8;

    private VectorRows() {}

    /** How many columns of a format go to one accumulator before the other gets as many: the distance of the two elements of a byte. */
    static int run(ElementType type) {
        return switch (type) {
            case F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 -> 16;
            case Q4_K, Q5_K -> 32;
            case Q6_K -> 64;
        };
    }

    /** Whether {@link #dot} takes rows of this shape. F16 it does not: to convert a vector of it takes too many operations to be compiled well with others. */
    static boolean dots(ElementType type, int columns) {
        return columns % 32 == 0 && type != ElementType.F16 && (WIDE_ENOUGH || type.blockElements() == 1);
    }

    /** Decodes columns from byte {@code p} on. */
    static void decode(ElementType type, MemorySegment w, long p, int count, float[] out, int at, Scratch s) {
        if (!WIDE_ENOUGH && type.blockElements() > 1) {
            Blocks.decode(type, w, p, count, out, at);
            return;
        }
        switch (type) {
            case F32 -> FloatRows.decodeF32(w, p, count, out, at);
            case F16 -> FloatRows.decodeF16(w, p, count, out, at);
            case BF16 -> FloatRows.decodeBF16(w, p, count, out, at);
            case Q4_0 -> QuantRows.decodeQ4_0(w, p, count, out, at);
            case Q4_1 -> QuantRows.decodeQ4_1(w, p, count, out, at);
            case Q5_0 -> QuantRows.decodeQ5_0(w, p, count, out, at);
            case Q5_1 -> QuantRows.decodeQ5_1(w, p, count, out, at);
            case Q8_0 -> QuantRows.decodeQ8_0(w, p, count, out, at);
            case Q4_K -> KQuantRows.decodeQ4_K(w, p, count, out, at);
            case Q5_K -> KQuantRows.decodeQ5_K(w, p, count, out, at);
            case Q6_K -> KQuantRows.decodeQ6_K(w, p, count, out, at, s);
        }
    }

    /** Multiplies the row at byte {@code p} by a vector; the vector of partial sums goes to the lanes of {@code s} from {@code to} on. */
    static void dot(ElementType type, MemorySegment w, long p, int columns, float[] x, int at, Scratch s, int to) {
        switch (type) {
            case F32 -> FloatRows.dotF32(w, p, columns, x, at, s, to);
            case F16 -> throw new IllegalArgumentException("F16 has to be decoded first");
            case BF16 -> FloatRows.dotBF16(w, p, columns, x, at, s, to);
            case Q4_0 -> QuantRows.dotQ4_0(w, p, columns, x, at, s, to);
            case Q4_1 -> QuantRows.dotQ4_1(w, p, columns, x, at, s, to);
            case Q5_0 -> QuantRows.dotQ5_0(w, p, columns, x, at, s, to);
            case Q5_1 -> QuantRows.dotQ5_1(w, p, columns, x, at, s, to);
            case Q8_0 -> QuantRows.dotQ8_0(w, p, columns, x, at, s, to);
            case Q4_K -> KQuantRows.dotQ4_K(w, p, columns, x, at, s, to);
            case Q5_K -> KQuantRows.dotQ5_K(w, p, columns, x, at, s, to);
            case Q6_K -> KQuantRows.dotQ6_K(w, p, columns, x, at, s, to);
        }
    }

    /** Multiplies a decoded row by one vector, in the order of {@link #dot}; the last columns that do not fill a pair of runs are left out. */
    static void dotDecoded(float[] w, int run, int columns, float[] x, int at, float[] lanes, int to) {
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        for (int k = 0; k + 2 * run <= columns; k += 2 * run) {
            for (int i = k; i < k + run; i += L) {
                first = Lanes.x(w, i).fma(Lanes.x(x, at + i), first);
                second = Lanes.x(w, i + run).fma(Lanes.x(x, at + i + run), second);
            }
        }
        first.add(second).intoArray(lanes, to);
    }

    /** {@link #dotDecoded} with four vectors, {@code stride} apart, that share the loads of the row. */
    static void dotDecoded4(float[] w, int run, int columns, float[] x, int at, int stride, float[] lanes, int to) {
        FloatVector first0 = FloatVector.zero(F);
        FloatVector first1 = first0;
        FloatVector first2 = first0;
        FloatVector first3 = first0;
        FloatVector second0 = first0;
        FloatVector second1 = first0;
        FloatVector second2 = first0;
        FloatVector second3 = first0;
        for (int k = 0; k + 2 * run <= columns; k += 2 * run) {
            for (int i = k; i < k + run; i += L) {
                FloatVector w1 = Lanes.x(w, i);
                FloatVector w2 = Lanes.x(w, i + run);
                int o = at + i;
                first0 = w1.fma(Lanes.x(x, o), first0);
                second0 = w2.fma(Lanes.x(x, o + run), second0);
                first1 = w1.fma(Lanes.x(x, o + stride), first1);
                second1 = w2.fma(Lanes.x(x, o + stride + run), second1);
                first2 = w1.fma(Lanes.x(x, o + 2 * stride), first2);
                second2 = w2.fma(Lanes.x(x, o + 2 * stride + run), second2);
                first3 = w1.fma(Lanes.x(x, o + 3 * stride), first3);
                second3 = w2.fma(Lanes.x(x, o + 3 * stride + run), second3);
            }
        }
        first0.add(second0).intoArray(lanes, to);
        first1.add(second1).intoArray(lanes, to + L);
        first2.add(second2).intoArray(lanes, to + 2 * L);
        first3.add(second3).intoArray(lanes, to + 3 * L);
    }
}
