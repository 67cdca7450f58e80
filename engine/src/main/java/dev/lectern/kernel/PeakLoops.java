package dev.lectern.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The two loops that {@link Peak} times: one that only multiplies and adds, and one that only reads. */
interface PeakLoops {
    /** Sums that grow beside each other, so many that a processor never waits for one. */
    int SUMS = 10;

    /** What a sum is multiplied by, and what is added: it stays near 1. */
    float FACTOR = 0.5f;

    float TERM = 0.5f;

    /** Numbers in a sum. */
    int lanes();

    /**
     * {@code rounds} times {@code s ← s · FACTOR + TERM} for each of {@link #SUMS} sums, each of {@link #lanes()} numbers; sum i begins with i.
     *
     * @return the sum of all numbers
     */
    float multiplyAndAdd(int rounds);

    /**
     * Reads memory.
     *
     * @param from bytes into the segment; both ends are multiples of 256, as is its address
     * @return the sum of its 32-bit integers, modulo 2³²
     */
    int read(MemorySegment segment, long from, long to);

    /** Plain Java: the meaning of the other one, and what a machine without vectors has. */
    final class Scalar implements PeakLoops {
        @Override
        public int lanes() {
            return 1;
        }

        @Override
        public float multiplyAndAdd(int rounds) {
            float a = 0, b = 1, c = 2, d = 3, e = 4, f = 5, g = 6, h = 7, i = 8, j = 9;
            for (int round = 0; round < rounds; round++) {
                a = a * FACTOR + TERM;
                b = b * FACTOR + TERM;
                c = c * FACTOR + TERM;
                d = d * FACTOR + TERM;
                e = e * FACTOR + TERM;
                f = f * FACTOR + TERM;
                g = g * FACTOR + TERM;
                h = h * FACTOR + TERM;
                i = i * FACTOR + TERM;
                j = j * FACTOR + TERM;
            }
            return a + b + c + d + e + f + g + h + i + j;
        }

        @Override
        public int read(MemorySegment segment, long from, long to) {
            int a = 0, b = 0, c = 0, d = 0;
            for (long p = from; p < to; p += 16) {
                a += segment.get(ValueLayout.JAVA_INT, p);
                b += segment.get(ValueLayout.JAVA_INT, p + 4);
                c += segment.get(ValueLayout.JAVA_INT, p + 8);
                d += segment.get(ValueLayout.JAVA_INT, p + 12);
            }
            return a + b + c + d;
        }
    }
}
