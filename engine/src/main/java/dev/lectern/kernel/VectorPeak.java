package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.L;
import static dev.lectern.kernel.Lanes.WIDE;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** {@link PeakLoops} with the widest vectors of this machine. */
final class VectorPeak implements PeakLoops {
    @Override
    public int lanes() {
        return L;
    }

    /** Ten sums and two constants fit the sixteen registers of a 256-bit machine. */
    @Override
    public float multiplyAndAdd(int rounds) {
        FloatVector factor = FloatVector.broadcast(F, FACTOR), term = FloatVector.broadcast(F, TERM);
        FloatVector a = FloatVector.zero(F), b = FloatVector.broadcast(F, 1), c = FloatVector.broadcast(F, 2);
        FloatVector d = FloatVector.broadcast(F, 3), e = FloatVector.broadcast(F, 4), f = FloatVector.broadcast(F, 5);
        FloatVector g = FloatVector.broadcast(F, 6), h = FloatVector.broadcast(F, 7), i = FloatVector.broadcast(F, 8);
        FloatVector j = FloatVector.broadcast(F, 9);
        for (int round = 0; round < rounds; round++) {
            a = a.fma(factor, term);
            b = b.fma(factor, term);
            c = c.fma(factor, term);
            d = d.fma(factor, term);
            e = e.fma(factor, term);
            f = f.fma(factor, term);
            g = g.fma(factor, term);
            h = h.fma(factor, term);
            i = i.fma(factor, term);
            j = j.fma(factor, term);
        }
        FloatVector all =
                a.add(b).add(c).add(d).add(e).add(f).add(g).add(h).add(i).add(j);
        return all.reduceLanes(VectorOperators.ADD);
    }

    @Override
    public int read(MemorySegment segment, long from, long to) {
        int bytes = 4 * L;
        IntVector a = ints(segment, from).sub(ints(segment, from));
        IntVector b = a, c = a, d = a;
        for (long p = from; p < to; p += 4L * bytes) {
            a = a.add(ints(segment, p));
            b = b.add(ints(segment, p + bytes));
            c = c.add(ints(segment, p + 2L * bytes));
            d = d.add(ints(segment, p + 3L * bytes));
        }
        return a.add(b).add(c).add(d).reduceLanes(VectorOperators.ADD);
    }

    private static IntVector ints(MemorySegment segment, long p) {
        return Lanes.bytes(WIDE, segment, p).reinterpretAsInts();
    }
}
