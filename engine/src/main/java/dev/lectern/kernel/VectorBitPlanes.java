package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.I;
import static dev.lectern.kernel.Lanes.L;
import static jdk.incubator.vector.VectorOperators.BIT_COUNT;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
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
        for (int bit = 0; bit < bits; bit++) {
            for (int word = 0; word < words; word += WORDS) {
                long at = planesAt + 4L * (bit * words + word) * stride;
                add(planes, at, at + 4L * stride, tokens, query, queryAt + word * QUERY_PLANES, 2 << bit, s, sAt);
            }
        }
        for (int t = 0; t < tokens; t += L) {
            FloatVector f = FloatVector.fromMemorySegment(Lanes.F, scales, scalesAt + 4L * t, LE);
            Lanes.x(s, sAt + t).mul(f).mul(scale).intoArray(s, sAt + t);
        }
    }

    /** Adds what two words of a plane give, times a factor. */
    private static void add(
            MemorySegment planes, long at0, long at1, int tokens, int[] query, int q, float factor, float[] s, int to) {
        IntVector a0 = word(query, q), a1 = word(query, q + 1), a2 = word(query, q + 2), a3 = word(query, q + 3);
        IntVector b0 = word(query, q + 4), b1 = word(query, q + 5), b2 = word(query, q + 6), b3 = word(query, q + 7);
        for (int t = 0; t < tokens; t += L) {
            IntVector a = IntVector.fromMemorySegment(I, planes, at0 + 4L * t, LE);
            IntVector b = IntVector.fromMemorySegment(I, planes, at1 + 4L * t, LE);
            IntVector eights = both(a, a3, b, b3);
            IntVector sum = both(a, a2, b, b2).sub(eights).sub(eights);
            sum = sum.add(sum).add(both(a, a1, b, b1));
            sum = sum.add(sum).add(both(a, a0, b, b0));
            Lanes.toFloat(sum).mul(factor).add(Lanes.x(s, to + t)).intoArray(s, to + t);
        }
    }

    private static IntVector word(int[] query, int at) {
        return IntVector.broadcast(I, query[at]);
    }

    private static IntVector both(IntVector a, IntVector queryA, IntVector b, IntVector queryB) {
        return a.and(queryA).lanewise(BIT_COUNT).add(b.and(queryB).lanewise(BIT_COUNT));
    }
}
