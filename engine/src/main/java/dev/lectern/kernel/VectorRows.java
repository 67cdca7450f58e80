package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.L;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import jdk.incubator.vector.FloatVector;

/**
 * A row of weights where it lies in the model: decoded to f32, bit for bit as {@link Blocks} says, or multiplied by a vector as it is decoded.
 *
 * <p>The order of summation: one vector accumulates the columns whose index divided by 16 is even, another those where it is odd (in {@link #dot} of Q4_K and Q5_K: divided by
 * 32), with a fused multiply-add per lane in the order of the columns; the two are added, then {@link Lanes#sum} adds the lanes. Columns beyond a multiple of {@value #PAIR}
 * (only in the formats without blocks) are added at the end, one by one.
 */
final class VectorRows {
    /** Columns that go to the two accumulators in turn. */
    static final int PAIR = 32;

    /** At 128 bits the formats with blocks are decoded by {@link Blocks}. */
    private static final boolean WIDE_ENOUGH = L >= 8;

    /**
     * The kernels by type. They are called through method handles that the compiler does not know beforehand, so that it compiles each by itself: inlined together they
     * overflow its budget of nodes, and what comes last is left with vectors on the heap, up to ten times slower.
     */
    private static final MethodHandle[] DECODE = kernels(
            "decode",
            MethodType.methodType(
                    void.class,
                    MemorySegment.class,
                    long.class,
                    long.class,
                    int.class,
                    int.class,
                    float[].class,
                    int.class,
                    int.class,
                    Scratch.class));

    private static final MethodHandle[] DOT = kernels(
            "dot",
            MethodType.methodType(
                    void.class,
                    MemorySegment.class,
                    long.class,
                    long.class,
                    int.class,
                    int.class,
                    float[].class,
                    int.class,
                    Scratch.class));

    private VectorRows() {}

    private static MethodHandle[] kernels(String verb, MethodType signature) {
        ElementType[] types = ElementType.values();
        MethodHandle[] kernels = new MethodHandle[types.length];
        for (ElementType type : types) {
            Class<?> family = switch (type.blockElements()) {
                case 1 -> FloatRows.class;
                case 32 -> QuantRows.class;
                default -> KQuantRows.class;
            };
            kernels[type.ordinal()] = kernel(family, verb + type.name(), signature);
        }
        return kernels;
    }

    static MethodHandle kernel(Class<?> family, String name, MethodType signature) {
        try {
            return MethodHandles.lookup().findStatic(family, name, signature);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("no kernel " + name, e);
        }
    }

    /** What a call through a method handle threw, to be thrown on: a kernel declares no checked exception. */
    static AssertionError unchecked(Throwable thrown) {
        if (thrown instanceof RuntimeException exception) {
            throw exception;
        }
        if (thrown instanceof Error error) {
            throw error;
        }
        return new AssertionError("a kernel declares no checked exception", thrown);
    }

    /** Whether {@link #dot} takes rows of this shape. */
    static boolean dots(ElementType type, int columns) {
        return columns % PAIR == 0 && (WIDE_ENOUGH || type.blockElements() == 1);
    }

    /**
     * Decodes a part of several rows.
     *
     * @param p the first byte of the part in the first row
     * @param rowBytes the distance of two rows
     * @param count columns of the part, whole blocks
     * @param out receives the first row at {@code at}, the others {@code stride} further each
     */
    static void decode(
            ElementType type,
            MemorySegment w,
            long p,
            long rowBytes,
            int rows,
            int count,
            float[] out,
            int at,
            int stride,
            Scratch s) {
        if (!WIDE_ENOUGH && type.blockElements() > 1) {
            for (int r = 0; r < rows; r++) {
                Blocks.decode(type, w, p + r * rowBytes, count, out, at + r * stride);
            }
            return;
        }
        try {
            DECODE[type.ordinal()].invokeExact(w, p, rowBytes, rows, count, out, at, stride, s);
        } catch (Throwable e) {
            throw unchecked(e);
        }
    }

    /**
     * Multiplies several rows by a vector.
     *
     * @param p the first byte of the first row
     * @param at where the vector begins in x
     * @param s receives the partial sums, a vector for each row, in its lanes
     */
    static void dot(
            ElementType type,
            MemorySegment w,
            long p,
            long rowBytes,
            int rows,
            int columns,
            float[] x,
            int at,
            Scratch s) {
        try {
            DOT[type.ordinal()].invokeExact(w, p, rowBytes, rows, columns, x, at, s);
        } catch (Throwable e) {
            throw unchecked(e);
        }
    }

    /** Whether {@link #dot} and {@link #dotDecoded} sum in the same order, so that either may be used, for rows that both take. */
    static boolean decodedAlike(ElementType type) {
        return type != ElementType.Q4_K && type != ElementType.Q5_K;
    }

    /** Multiplies a decoded row by one vector; columns beyond a multiple of {@link #PAIR} are left out. */
    static void dotDecoded(float[] w, int columns, float[] x, int at, float[] lanes, int to) {
        FloatVector first = FloatVector.zero(F);
        FloatVector second = first;
        for (int k = 0; k <= columns - PAIR; k += PAIR) {
            for (int i = 0; i < 16; i += L) {
                first = Lanes.x(w, k + i).fma(Lanes.x(x, at + k + i), first);
                second = Lanes.x(w, k + i + 16).fma(Lanes.x(x, at + k + i + 16), second);
            }
        }
        first.add(second).intoArray(lanes, to);
    }

    /** {@link #dotDecoded} with four vectors, {@code stride} apart, that share the loads of the row. */
    static void dotDecoded4(float[] w, int columns, float[] x, int at, int stride, float[] lanes, int to) {
        FloatVector first0 = FloatVector.zero(F);
        FloatVector first1 = first0;
        FloatVector first2 = first0;
        FloatVector first3 = first0;
        FloatVector second0 = first0;
        FloatVector second1 = first0;
        FloatVector second2 = first0;
        FloatVector second3 = first0;
        int at1 = at + stride;
        int at2 = at1 + stride;
        int at3 = at2 + stride;
        for (int k = 0; k <= columns - PAIR; k += PAIR) {
            for (int i = 0; i < 16; i += L) {
                FloatVector w1 = Lanes.x(w, k + i);
                FloatVector w2 = Lanes.x(w, k + i + 16);
                first0 = w1.fma(Lanes.x(x, at + k + i), first0);
                second0 = w2.fma(Lanes.x(x, at + k + i + 16), second0);
                first1 = w1.fma(Lanes.x(x, at1 + k + i), first1);
                second1 = w2.fma(Lanes.x(x, at1 + k + i + 16), second1);
                first2 = w1.fma(Lanes.x(x, at2 + k + i), first2);
                second2 = w2.fma(Lanes.x(x, at2 + k + i + 16), second2);
                first3 = w1.fma(Lanes.x(x, at3 + k + i), first3);
                second3 = w2.fma(Lanes.x(x, at3 + k + i + 16), second3);
            }
        }
        first0.add(second0).intoArray(lanes, to);
        first1.add(second1).intoArray(lanes, to + L);
        first2.add(second2).intoArray(lanes, to + 2 * L);
        first3.add(second3).intoArray(lanes, to + 3 * L);
    }
}
