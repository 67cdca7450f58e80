package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.I;
import static dev.lectern.kernel.Lanes.L;
import static jdk.incubator.vector.VectorOperators.BIT_COUNT;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.IntVector;

/**
 * {@link BitPlanes} with the Vector API: lanes are tokens, and the query's words stay in registers over a run of them. Words of 32 bits, because their counts become floats in the same lanes. Partial
 * sums wait as floats where the scores will be: they are whole and small, so that is exact.
 */
final class VectorBitPlanes implements BitPlanes {
    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;

    @Override
    public void scores(
            MemorySegment planes,
            long planesAt,
            int bits,
            int words,
            int stride,
            MemorySegment scales,
            long scalesAt,
            int tokens,
            int[] query,
            int queryAt,
            float scale,
            float[] s,
            int sAt) {
        Arrays.fill(s, sAt, sAt + tokens, -((1 << bits) - 1) * BitPlanes.total(query, queryAt, words));
        int last = bits * words - WORDS;
        for (int i = 0; i <= last; i += WORDS) {
            long at = planesAt + 4L * i * stride;
            int q = queryAt + i % words * QUERY_PLANES;
            float factor = 2 << i / words;
            if (i < last) {
                add(planes, at, at + 4L * stride, tokens, query, q, factor, s, sAt);
            } else {
                finish(planes, at, at + 4L * stride, scales, scalesAt, tokens, query, q, factor, scale, s, sAt);
            }
        }
    }

    /** Adds what two words of a plane give, times a factor. */
    private static void add(
            MemorySegment planes, long at0, long at1, int tokens, int[] query, int q, float factor, float[] s, int to) {
        IntVector a0 = word(query, q), a1 = word(query, q + 1), a2 = word(query, q + 2), a3 = word(query, q + 3);
        IntVector b0 = word(query, q + 4), b1 = word(query, q + 5), b2 = word(query, q + 6), b3 = word(query, q + 7);
        for (int t = 0; t < tokens; t += L) {
            IntVector a = Lanes.words(planes, at0 + 4L * t);
            IntVector b = Lanes.words(planes, at1 + 4L * t);
            Lanes.toFloat(product(a, b, a0, a1, a2, a3, b0, b1, b2, b3))
                    .mul(factor)
                    .add(Lanes.x(s, to + t))
                    .intoArray(s, to + t);
        }
    }

    /** As {@link #add}, and multiplies by the scales. */
    private static void finish(
            MemorySegment planes,
            long at0,
            long at1,
            MemorySegment scales,
            long scalesAt,
            int tokens,
            int[] query,
            int q,
            float factor,
            float scale,
            float[] s,
            int to) {
        IntVector a0 = word(query, q), a1 = word(query, q + 1), a2 = word(query, q + 2), a3 = word(query, q + 3);
        IntVector b0 = word(query, q + 4), b1 = word(query, q + 5), b2 = word(query, q + 6), b3 = word(query, q + 7);
        for (int t = 0; t < tokens; t += L) {
            IntVector a = Lanes.words(planes, at0 + 4L * t);
            IntVector b = Lanes.words(planes, at1 + 4L * t);
            Lanes.toFloat(product(a, b, a0, a1, a2, a3, b0, b1, b2, b3))
                    .mul(factor)
                    .add(Lanes.x(s, to + t))
                    .mul(Lanes.floats(scales, scalesAt + 4L * t))
                    .mul(scale)
                    .intoArray(s, to + t);
        }
    }

    /** Counts of two words with four planes each, weighted as two's complement does. */
    private static IntVector product(
            IntVector a,
            IntVector b,
            IntVector a0,
            IntVector a1,
            IntVector a2,
            IntVector a3,
            IntVector b0,
            IntVector b1,
            IntVector b2,
            IntVector b3) {
        IntVector eights = both(a, a3, b, b3);
        IntVector sum = both(a, a2, b, b2).sub(eights).sub(eights);
        sum = sum.add(sum).add(both(a, a1, b, b1));
        return sum.add(sum).add(both(a, a0, b, b0));
    }

    private static IntVector word(int[] query, int at) {
        return IntVector.broadcast(I, query[at]);
    }

    private static IntVector both(IntVector a, IntVector queryA, IntVector b, IntVector queryB) {
        return a.and(queryA).lanewise(BIT_COUNT).add(b.and(queryB).lanewise(BIT_COUNT));
    }
}
