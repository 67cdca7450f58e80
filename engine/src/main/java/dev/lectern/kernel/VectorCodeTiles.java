package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.I;
import static dev.lectern.kernel.Lanes.L;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * {@link CodeTiles} with the Vector API. A table of up to as many entries as a vector has lanes, or one of twice as many that is symmetric, is looked up by one permutation; larger ones by several, of which the code's upper bits choose.
 * With vectors of 128 bits a loop over the lanes is as good.
 */
final class VectorCodeTiles implements CodeTiles {
    private static final ScalarCodeTiles REST = new ScalarCodeTiles();
    private static final boolean WIDE = L == 16;
    private static final boolean NARROW = L < 8;
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final IntVector LANE = IntVector.zero(I).addIndex(1);

    /** For butterflies within a vector, at distances 1, 2, 4 and 8: who is whose partner, and −1 for the one that is subtracted. */
    private static final VectorShuffle<Float> PARTNER1 = partner(1);

    private static final VectorShuffle<Float> PARTNER2 = partner(2);
    private static final VectorShuffle<Float> PARTNER4 = partner(4);
    private static final VectorShuffle<Float> PARTNER8 = partner(8);
    private static final FloatVector SIGN1 = sign(1);
    private static final FloatVector SIGN2 = sign(2);
    private static final FloatVector SIGN4 = sign(4);
    private static final FloatVector SIGN8 = sign(8);

    private static VectorShuffle<Float> partner(int distance) {
        return VectorShuffle.fromOp(F, i -> (i ^ distance) % L);
    }

    private static FloatVector sign(int distance) {
        float[] signs = new float[L];
        for (int i = 0; i < L; i++) {
            signs[i] = (i & distance) == 0 ? 1 : -1;
        }
        return FloatVector.fromArray(F, signs, 0);
    }

    @Override
    public void levels(
            CodePlanes planes,
            MemorySegment memory,
            long at0,
            long at1,
            long at2,
            int vectors,
            float[] table,
            float[] out,
            int outAt) {
        if (NARROW) {
            REST.levels(planes, memory, at0, at1, at2, vectors, table, out, outAt);
            return;
        }
        switch (planes) {
            case TWO -> two(memory, at0, vectors, table, out, outAt);
            case TWO_ONE -> twoOne(memory, at0, at1, vectors, table, out, outAt);
            case FOUR -> four(memory, at0, vectors, table, out, outAt);
            case TWO_TWO -> twoTwo(memory, at0, at1, vectors, table, out, outAt);
            case TWO_TWO_ONE -> twoTwoOne(memory, at0, at1, at2, vectors, table, out, outAt);
            case TWO_FOUR -> twoFour(memory, at0, at1, vectors, table, out, outAt);
            case EIGHT -> throw new IllegalArgumentException("bytes are not looked up");
        }
    }

    private static void two(MemorySegment memory, long at, int vectors, float[] table, float[] out, int outAt) {
        for (int lane = 0; lane < LANES; lane += L) {
            for (int v = 0; v < vectors; v++) {
                IntVector code = crumbs(memory, at, v, lane);
                select(code, table, 0).intoArray(out, outAt + v * LANES + lane);
            }
        }
    }

    private static void twoOne(
            MemorySegment memory, long at0, long at1, int vectors, float[] table, float[] out, int outAt) {
        for (int lane = 0; lane < LANES; lane += L) {
            for (int v = 0; v < vectors; v++) {
                IntVector code = crumbs(memory, at0, v, lane).lanewise(LSHL, 1).or(bits(memory, at1, v, lane));
                select(code, table, 0).intoArray(out, outAt + v * LANES + lane);
            }
        }
    }

    private static void four(MemorySegment memory, long at, int vectors, float[] table, float[] out, int outAt) {
        int pairs = vectors / 2;
        for (int lane = 0; lane < LANES; lane += L) {
            for (int i = 0; i < pairs; i++) {
                IntVector both = Lanes.unsigned(memory, at + (long) LANES * i + lane);
                pair(both, table, out, outAt + 2 * i * LANES + lane, LANES);
            }
            if (vectors % 2 != 0) {
                IntVector last = Lanes.unsigned(memory, at + (long) LANES * pairs + lane);
                level(last, table).intoArray(out, outAt + 2 * pairs * LANES + lane);
            }
        }
    }

    /** Looks up a code of 4 bits, and the one in the 4 bits above it. */
    private static void pair(IntVector both, float[] table, float[] out, int at, int apart) {
        level(both, table).intoArray(out, at);
        level(both.lanewise(LSHR, 4), table).intoArray(out, at + apart);
    }

    /** {@code table[code mod 16]} of a table whose upper half is the lower one backwards with the other sign. */
    private static FloatVector level(IntVector code, float[] table) {
        if (WIDE) {
            return select(code, table, 0);
        }
        // Eight lanes hold the upper half: the lower one's codes count from the other end, and their sign is turned.
        IntVector lower = code.lanewise(LSHR, 3).and(1).sub(1);
        return select(code.lanewise(XOR, lower), table, 8)
                .reinterpretAsInts()
                .lanewise(XOR, lower.and(Integer.MIN_VALUE))
                .reinterpretAsFloats();
    }

    private static void twoTwo(
            MemorySegment memory, long at0, long at1, int vectors, float[] table, float[] out, int outAt) {
        int fours = vectors / 4;
        for (int lane = 0; lane < LANES; lane += L) {
            for (int i = 0; i < fours; i++) {
                IntVector high = Lanes.unsigned(memory, at0 + (long) LANES * i + lane);
                IntVector low = Lanes.unsigned(memory, at1 + (long) LANES * i + lane);
                // A byte of each holds four codes' halves; the first and the third, and the others, make a byte of two
                // whole codes.
                IntVector even = high.and(0x33).lanewise(LSHL, 2).or(low.and(0x33));
                IntVector odd = low.and(0xcc).lanewise(LSHR, 2).or(high.and(0xcc));
                int to = outAt + 4 * i * LANES + lane;
                pair(even, table, out, to, 2 * LANES);
                pair(odd, table, out, to + LANES, 2 * LANES);
            }
        }
        rest(memory, at0, at1, 4 * fours, vectors, table, out, outAt);
    }

    /** The vectors that do not fill a byte. */
    private static void rest(
            MemorySegment memory, long at0, long at1, int from, int vectors, float[] table, float[] out, int outAt) {
        for (int v = from; v < vectors; v++) {
            for (int lane = 0; lane < LANES; lane += L) {
                level(twoTwo(memory, at0, at1, v, lane), table).intoArray(out, outAt + v * LANES + lane);
            }
        }
    }

    private static void twoTwoOne(
            MemorySegment memory, long at0, long at1, long at2, int vectors, float[] table, float[] out, int outAt) {
        for (int lane = 0; lane < LANES; lane += L) {
            for (int v = 0; v < vectors; v++) {
                IntVector code =
                        twoTwo(memory, at0, at1, v, lane).lanewise(LSHL, 1).or(bits(memory, at2, v, lane));
                thirtyTwo(code, table, 0).intoArray(out, outAt + v * LANES + lane);
            }
        }
    }

    private static void twoFour(
            MemorySegment memory, long at0, long at1, int vectors, float[] table, float[] out, int outAt) {
        for (int lane = 0; lane < LANES; lane += L) {
            for (int v = 0; v < vectors; v++) {
                IntVector low = Lanes.unsigned(memory, at1 + (long) LANES * (v / 2) + lane)
                        .lanewise(LSHR, 4 * (v % 2))
                        .and(15);
                IntVector code = crumbs(memory, at0, v, lane).lanewise(LSHL, 4).or(low);
                thirtyTwo(code, table, 0)
                        .blend(
                                thirtyTwo(code, table, 32),
                                code.compare(VectorOperators.GE, 32).cast(F))
                        .intoArray(out, outAt + v * LANES + lane);
            }
        }
    }

    private static IntVector crumbs(MemorySegment memory, long at, int vector, int lane) {
        return Lanes.unsigned(memory, at + (long) LANES * (vector / 4) + lane)
                .lanewise(LSHR, 2 * (vector % 4))
                .and(3);
    }

    private static IntVector twoTwo(MemorySegment memory, long at0, long at1, int vector, int lane) {
        return crumbs(memory, at0, vector, lane).lanewise(LSHL, 2).or(crumbs(memory, at1, vector, lane));
    }

    private static IntVector bits(MemorySegment memory, long at, int vector, int lane) {
        return IntVector.broadcast(I, memory.get(I16, at + 2L * vector) >> lane)
                .lanewise(LSHR, LANE)
                .and(1);
    }

    /** {@code table[from + code mod L]}: an index is taken modulo the number of lanes. */
    private static FloatVector select(IntVector code, float[] table, int from) {
        IntVector entries = FloatVector.fromArray(F, table, from).reinterpretAsInts();
        return code.selectFrom(entries).reinterpretAsFloats();
    }

    /** {@code table[from + code mod 16]}. */
    private static FloatVector sixteen(IntVector code, float[] table, int from) {
        if (WIDE) {
            return select(code, table, from);
        }
        FloatVector low = select(code, table, from), high = select(code, table, from + 8);
        return low.blend(high, code.and(8).compare(VectorOperators.NE, 0).cast(F));
    }

    /** {@code table[from + code mod 32]}. */
    private static FloatVector thirtyTwo(IntVector code, float[] table, int from) {
        FloatVector low = sixteen(code, table, from), high = sixteen(code, table, from + 16);
        return low.blend(high, code.and(16).compare(VectorOperators.NE, 0).cast(F));
    }

    @Override
    public void numbers(CodePlanes planes, MemorySegment memory, long at, int vectors, float[] out, int outAt) {
        if (NARROW) {
            REST.numbers(planes, memory, at, vectors, out, outAt);
            return;
        }
        if (planes == CodePlanes.FOUR) {
            numbersOfFour(memory, at, vectors, out, outAt);
        } else {
            numbersOfTwo(memory, at, vectors, out, outAt);
        }
    }

    private static void numbersOfFour(MemorySegment memory, long at, int vectors, float[] out, int outAt) {
        for (int lane = 0; lane < LANES; lane += L) {
            int v = 0;
            for (; v + 2 <= vectors; v += 2) {
                IntVector both = Lanes.unsigned(memory, at + (long) LANES * (v / 2) + lane);
                int to = outAt + v * LANES + lane;
                Lanes.toFloat(both.and(15)).intoArray(out, to);
                Lanes.toFloat(both.lanewise(LSHR, 4)).intoArray(out, to + LANES);
            }
            if (v < vectors) {
                IntVector last = Lanes.unsigned(memory, at + (long) LANES * (v / 2) + lane);
                Lanes.toFloat(last.and(15)).intoArray(out, outAt + v * LANES + lane);
            }
        }
    }

    private static void numbersOfTwo(MemorySegment memory, long at, int vectors, float[] out, int outAt) {
        for (int lane = 0; lane < LANES; lane += L) {
            int v = 0;
            for (; v + 4 <= vectors; v += 4) {
                IntVector four = Lanes.unsigned(memory, at + (long) LANES * (v / 4) + lane);
                int to = outAt + v * LANES + lane;
                Lanes.toFloat(four.and(3)).intoArray(out, to);
                Lanes.toFloat(four.lanewise(LSHR, 2).and(3)).intoArray(out, to + LANES);
                Lanes.toFloat(four.lanewise(LSHR, 4).and(3)).intoArray(out, to + 2 * LANES);
                Lanes.toFloat(four.lanewise(LSHR, 6)).intoArray(out, to + 3 * LANES);
            }
            for (; v < vectors; v++) {
                Lanes.toFloat(crumbs(memory, at, v, lane)).intoArray(out, outAt + v * LANES + lane);
            }
        }
    }

    @Override
    public void bytes(MemorySegment memory, long at, int vectors, float[] out, int outAt) {
        if (NARROW) {
            REST.bytes(memory, at, vectors, out, outAt);
            return;
        }
        for (int i = 0; i < vectors * LANES; i += L) {
            Lanes.signed(memory, at + i).intoArray(out, outAt + i);
        }
    }

    @Override
    public void byteScores(
            MemorySegment keys,
            long keysAt,
            int tiles,
            float[] q,
            int qAt,
            int heads,
            int headDim,
            float[] s,
            int sAt,
            int stride) {
        if (NARROW) {
            REST.byteScores(keys, keysAt, tiles, q, qAt, heads, headDim, s, sAt, stride);
        } else {
            StoredBytes.scores(keys, keysAt, tiles, q, qAt, heads, headDim, s, sAt, stride);
        }
    }

    @Override
    public void byteWeigh(
            MemorySegment values,
            long valuesAt,
            int tokens,
            float[] p,
            int pAt,
            int stride,
            int heads,
            int width,
            float[] o,
            int oAt) {
        if (NARROW) {
            REST.byteWeigh(values, valuesAt, tokens, p, pAt, stride, heads, width, o, oAt);
        } else {
            StoredBytes.weigh(values, valuesAt, tokens, p, pAt, stride, heads, width, o, oAt);
        }
    }

    @Override
    public void scaleScores(
            float[] s,
            int sAt,
            int stride,
            int heads,
            int tokens,
            float[] scale,
            int scaleAt,
            float[] shift,
            int shiftAt) {
        for (int h = 0; h < heads; h++) {
            FloatVector offset = Lanes.all(shift[shiftAt + h]);
            for (int t = 0; t < tokens; t += L) {
                int i = sAt + h * stride + t;
                Lanes.x(s, i).mul(Lanes.x(scale, scaleAt + t)).add(offset).intoArray(s, i);
            }
        }
    }

    @Override
    public void scaleWeights(
            float[] p, int pAt, int stride, int heads, int tokens, float[] scale, int scaleAt, float[] out, int outAt) {
        for (int h = 0; h < heads; h++) {
            for (int t = 0; t < tokens; t += L) {
                Lanes.x(p, pAt + h * stride + t)
                        .mul(Lanes.x(scale, scaleAt + t))
                        .intoArray(out, outAt + h * tokens + t);
            }
        }
    }

    @Override
    public void affineLanes(float[] x, int at, int vectors, float[] scale, int scaleAt, float[] shift, int shiftAt) {
        for (int lane = 0; lane < LANES; lane += L) {
            FloatVector s = Lanes.x(scale, scaleAt + lane), z = Lanes.x(shift, shiftAt + lane);
            for (int v = 0; v < vectors; v++) {
                int i = at + v * LANES + lane;
                Lanes.x(x, i).mul(s).add(z).intoArray(x, i);
            }
        }
    }

    @Override
    public void affine(float[] x, int at, int count, float scale, float shift) {
        FloatVector s = Lanes.all(scale), z = Lanes.all(shift);
        for (int i = at; i < at + count; i += L) {
            Lanes.x(x, i).mul(s).add(z).intoArray(x, i);
        }
    }

    @Override
    public void hadamard(float[] x, int at, int rows, int stride, int n) {
        int block = CodeTiles.block(n);
        if (block < L) {
            REST.hadamard(x, at, rows, stride, n);
            return;
        }
        FloatVector unit = Lanes.all((float) (1 / Math.sqrt(block)));
        for (int row = 0; row < rows; row++) {
            for (int from = at + row * stride; from < at + row * stride + n; from += block) {
                within(x, from, block);
                for (int half = L; half < block; half *= 2) {
                    between(x, from, block, half);
                }
                scale(x, from, block, unit);
            }
        }
    }

    @Override
    public void hadamardLanes(float[] x, int at, int n) {
        int block = CodeTiles.block(n);
        FloatVector unit = Lanes.all((float) (1 / Math.sqrt(block)));
        for (int from = at; from < at + n * LANES; from += block * LANES) {
            for (int half = 1; half < block; half *= 2) {
                between(x, from, block * LANES, half * LANES);
            }
            scale(x, from, block * LANES, unit);
        }
    }

    /** The butterflies at distances within a vector. */
    private static void within(float[] x, int at, int n) {
        for (int i = at; i < at + n; i += L) {
            FloatVector v = Lanes.x(x, i);
            v = v.fma(SIGN1, v.rearrange(PARTNER1));
            v = v.fma(SIGN2, v.rearrange(PARTNER2));
            if (L > 4) {
                v = v.fma(SIGN4, v.rearrange(PARTNER4));
            }
            if (L > 8) {
                v = v.fma(SIGN8, v.rearrange(PARTNER8));
            }
            v.intoArray(x, i);
        }
    }

    /** The butterflies at a distance of {@code half} numbers, vectors long or more. */
    private static void between(float[] x, int at, int n, int half) {
        for (int from = at; from < at + n; from += 2 * half) {
            for (int i = from; i < from + half; i += L) {
                FloatVector a = Lanes.x(x, i), b = Lanes.x(x, i + half);
                a.add(b).intoArray(x, i);
                a.sub(b).intoArray(x, i + half);
            }
        }
    }

    private static void scale(float[] x, int at, int n, FloatVector unit) {
        for (int i = at; i < at + n; i += L) {
            Lanes.x(x, i).mul(unit).intoArray(x, i);
        }
    }
}
