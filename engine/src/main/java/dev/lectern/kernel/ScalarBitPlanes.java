package dev.lectern.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The specification of {@link BitPlanes}: plain loops. */
public final class ScalarBitPlanes implements BitPlanes {
    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfFloat SCALE = ValueLayout.JAVA_FLOAT_UNALIGNED;

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
        int shift = ((1 << bits) - 1) * BitPlanes.total(query, queryAt, words);
        for (int t = 0; t < tokens; t++) {
            int sum = 0;
            for (int bit = 0; bit < bits; bit++) {
                for (int word = 0; word < words; word++) {
                    int key = planes.get(WORD, planesAt + 4 * (((long) bit * words + word) * stride + t));
                    sum += product(key, query, queryAt + word * QUERY_PLANES) << bit;
                }
            }
            s[sAt + t] = (2 * sum - shift) * scales.get(SCALE, scalesAt + 4L * t) * scale;
        }
    }

    private static int product(int key, int[] query, int queryAt) {
        int sum = 0;
        for (int i = 0; i < QUERY_PLANES; i++) {
            sum += BitPlanes.weight(i) * Integer.bitCount(key & query[queryAt + i]);
        }
        return sum;
    }
}
