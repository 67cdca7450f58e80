package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.L;
import static dev.lectern.kernel.Lanes.halves;
import static dev.lectern.kernel.Lanes.signed;
import static dev.lectern.kernel.Lanes.tinyHalves;
import static dev.lectern.kernel.Lanes.x;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Scales and offsets of one group of {@link Interleaved} rows, to f32: a weight is {@code quant · scale + offset}. */
final class InterleavedScales {
    private static final int ROWS = Interleaved.ROWS;

    private InterleavedScales() {}

    /**
     * Decodes those of a run of columns.
     *
     * @param group the first byte of the group
     * @param columns of the matrix
     * @param first column, and {@code count} of them: whole blocks of the type, of one strip
     * @param scales receives {@code [count / span][ROWS]} from {@code at} on
     * @param offsets likewise
     */
    static void decode(
            ElementType type,
            MemorySegment w,
            long group,
            int columns,
            int first,
            int count,
            float[] scales,
            float[] offsets,
            int at) {
        int n = count / 32 * ROWS;
        long strip = group + Interleaved.strip(type, first);
        int inStrip = first % Interleaved.STRIP;
        long p = strip + 2L * ROWS * (inStrip / 32);
        switch (type) {
            case Q4_0 -> centred(w, p, n, -8, scales, offsets, at);
            case Q5_0 -> centred(w, p, n, -16, scales, offsets, at);
            case Q8_0 -> centred(w, p, n, -128, scales, offsets, at);
            case Q4_1, Q5_1 -> {
                plain(w, p, n, scales, at);
                plain(w, p + 2L * ROWS * (Interleaved.stripColumns(columns, first) / 32), n, offsets, at);
            }
            case Q4_K, Q5_K -> {
                for (int c = 0; c < count; c += 256) {
                    nested(w, strip + 20L * ROWS * ((inStrip + c) / 256), scales, offsets, at + c / 32 * ROWS);
                }
            }
            case Q6_K -> {
                for (int c = 0; c < count; c += 256) {
                    nestedCentred(w, strip + 18L * ROWS * ((inStrip + c) / 256), scales, offsets, at + c / 16 * ROWS);
                }
            }
            default -> throw new IllegalArgumentException(type + " is not interleaved");
        }
    }

    private static void plain(MemorySegment w, long p, int n, float[] out, int at) {
        for (int i = 0; i < n; i += L) {
            halves(w, p + 2L * i).intoArray(out, at + i);
        }
    }

    private static void centred(
            MemorySegment w, long p, int n, float minusZero, float[] scales, float[] offsets, int at) {
        for (int i = 0; i < n; i += L) {
            FloatVector scale = halves(w, p + 2L * i);
            scale.intoArray(scales, at + i);
            scale.mul(minusZero).intoArray(offsets, at + i);
        }
    }

    private static void nested(MemorySegment w, long p, float[] scales, float[] offsets, int at) {
        for (int lane = 0; lane < ROWS; lane += L) {
            FloatVector scale = tinyHalves(w, p + 2L * lane);
            FloatVector offset = tinyHalves(w, p + 2L * (ROWS + lane)).neg();
            for (int i = 0; i < 8; i++) {
                signed(w, p + 4L * ROWS + i * ROWS + lane).mul(scale).intoArray(scales, at + i * ROWS + lane);
                signed(w, p + 12L * ROWS + i * ROWS + lane).mul(offset).intoArray(offsets, at + i * ROWS + lane);
            }
        }
    }

    private static void nestedCentred(MemorySegment w, long p, float[] scales, float[] offsets, int at) {
        for (int lane = 0; lane < ROWS; lane += L) {
            FloatVector super16 = tinyHalves(w, p + 2L * lane);
            for (int i = 0; i < 16; i++) {
                FloatVector scale = signed(w, p + 2L * ROWS + i * ROWS + lane).mul(super16);
                scale.intoArray(scales, at + i * ROWS + lane);
                scale.mul(-32).intoArray(offsets, at + i * ROWS + lane);
            }
        }
    }

    /**
     * Adds offsets times sums of inputs to the sums of the rows, for several vectors.
     *
     * @param offsets {@code [spans][ROWS]} from {@code first} on
     * @param inputs a sum of inputs for each span, from {@code at} on; those of the next vector {@code apart} further
     * @param sums {@code [ROWS]} from {@code to} on; those of the next vector {@code sumsApart} further
     */
    static void dot(
            float[] offsets,
            int first,
            int spans,
            int vectors,
            float[] inputs,
            int at,
            int apart,
            float[] sums,
            int to,
            int sumsApart) {
        for (int r = 0; r < vectors; r++) {
            int from = at + r * apart;
            int here = to + r * sumsApart;
            for (int lane = 0; lane < ROWS; lane += 2 * L) {
                FloatVector sum0 = x(sums, here + lane);
                FloatVector sum1 = x(sums, here + lane + L);
                for (int i = 0; i < spans; i++) {
                    FloatVector y = Lanes.all(inputs[from + i]);
                    sum0 = x(offsets, first + i * ROWS + lane).fma(y, sum0);
                    sum1 = x(offsets, first + i * ROWS + lane + L).fma(y, sum1);
                }
                sum0.intoArray(sums, here + lane);
                sum1.intoArray(sums, here + lane + L);
            }
        }
    }
}
