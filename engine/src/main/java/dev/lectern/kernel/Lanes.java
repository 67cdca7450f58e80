package dev.lectern.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicInteger;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector shapes that all kernels use, and the loads that they share. Weights are read in place, at any alignment: while the processor unpacks some it already fetches
 * the next, which a copy to the heap first would prevent (Q4_1 from memory, Zen 4: 13 instead of 9 billion weights a second).
 */
final class Lanes {
    /** The widest vectors of this machine, at most 512 bits, because 16 is the largest run of equal treatment within a block. */
    static final VectorSpecies<Float> F =
            FloatVector.SPECIES_PREFERRED.length() > 16 ? FloatVector.SPECIES_512 : FloatVector.SPECIES_PREFERRED;

    /** Floats in a vector. */
    static final int L = F.length();

    static final VectorSpecies<Integer> I = F.withLanes(int.class);

    /** As many bytes as {@link #F} has lanes; unused at 128 bits, where no such shape exists. */
    static final VectorSpecies<Byte> B =
            L < 8 ? ByteVector.SPECIES_64 : VectorSpecies.of(byte.class, VectorShape.forBitSize(8 * L));

    /** As many shorts as {@link #F} has lanes. */
    static final VectorSpecies<Short> S = VectorSpecies.of(short.class, VectorShape.forBitSize(16 * L));

    /** As many bytes as {@link #F} has. */
    static final VectorSpecies<Byte> WIDE = F.withLanes(byte.class);

    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LE);
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LE);

    private static final AtomicInteger ANY = new AtomicInteger();

    private Lanes() {}

    /**
     * Marks the compiled method in which it stands as one that reads memory which may be gone. Where such a method reads beyond the end of a mapped file that was cut, HotSpot throws an
     * InternalError; another ends the process. Any access by {@code Unsafe} is such a mark for its compiler, vector loads are not; this one leaves no instruction behind.
     */
    private static void mayBeCut() {
        ANY.getPlain();
    }

    static ByteVector bytes(VectorSpecies<Byte> shape, MemorySegment w, long p) {
        mayBeCut();
        return ByteVector.fromMemorySegment(shape, w, p, LE);
    }

    /** {@link #L} bytes as unsigned integers. */
    static IntVector unsigned(MemorySegment w, long p) {
        return (IntVector) bytes(B, w, p).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
    }

    /** {@link #L} signed bytes as floats. */
    static FloatVector signed(MemorySegment w, long p) {
        return (FloatVector) bytes(B, w, p).convertShape(VectorOperators.B2F, F, 0);
    }

    static FloatVector signed(byte[] b, int at) {
        return (FloatVector) ByteVector.fromArray(B, b, at).convertShape(VectorOperators.B2F, F, 0);
    }

    /** {@link #L} numbers of 16 bits, extended by their sign. */
    static IntVector shorts(MemorySegment w, long p) {
        mayBeCut();
        return (IntVector) ShortVector.fromMemorySegment(S, w, p, LE).convertShape(VectorOperators.S2I, I, 0);
    }

    /** {@link #L} numbers of 32 bits. */
    static IntVector words(MemorySegment w, long p) {
        mayBeCut();
        return IntVector.fromMemorySegment(I, w, p, LE);
    }

    static FloatVector floats(MemorySegment w, long p) {
        return words(w, p).reinterpretAsFloats();
    }

    /** {@link #L} half floats; infinities and NaN come out as numbers from 65536 on. */
    static FloatVector halves(MemorySegment w, long p) {
        // The exponent is moved by a multiplication, which also puts subnormals right.
        return shorts(w, p)
                .lanewise(VectorOperators.LSHL, 13)
                .and(0x8fffe000)
                .reinterpretAsFloats()
                .mul(0x1p112f);
    }

    /** {@link #halves} where subnormal ones are the rule: some processors stumble for a hundred steps at a subnormal float, so there is none on this way. */
    static FloatVector tinyHalves(MemorySegment w, long p) {
        IntVector half = shorts(w, p);
        IntVector magnitude = half.and(0x7fff);
        FloatVector normal =
                magnitude.lanewise(VectorOperators.LSHL, 13).add(112 << 23).reinterpretAsFloats();
        FloatVector subnormal = toFloat(magnitude).mul(0x1p-24f);
        FloatVector positive = normal.blend(
                subnormal, magnitude.compare(VectorOperators.LT, 0x400).cast(F));
        return positive.reinterpretAsInts().or(half.and(0x80000000)).reinterpretAsFloats();
    }

    static FloatVector toFloat(IntVector v) {
        return (FloatVector) v.convert(VectorOperators.I2F, 0);
    }

    static FloatVector x(float[] x, int at) {
        return FloatVector.fromArray(F, x, at);
    }

    static FloatVector all(float value) {
        return FloatVector.broadcast(F, value);
    }

    /** The larger of two, a where either is NaN: two instructions, where {@code max} with its rules for NaN and −0 takes many. */
    static FloatVector larger(FloatVector a, FloatVector b) {
        return a.blend(b, b.compare(VectorOperators.GT, a));
    }

    static int i32(MemorySegment w, long p) {
        return w.get(I32, p);
    }

    static float f16(MemorySegment w, long p) {
        return Float.float16ToFloat(w.get(I16, p));
    }

    static float bf16(MemorySegment w, long p) {
        return Float.intBitsToFloat(w.get(I16, p) << 16);
    }

    /**
     * Sums the lanes of each of several stored vectors: always lanes 0, 4, 8 … first, then 1, 5, 9 …, and so on. The order is spelled out because {@code reduceLanes}
     * promises none: compiled and interpreted code differ in the last bit.
     */
    static void sum(float[] lanes, int vectors, float[] out, int at, int stride) {
        for (int v = 0; v < vectors; v++) {
            float a = 0;
            float b = 0;
            float c = 0;
            float d = 0;
            for (int i = v * L; i < v * L + L; i += 4) {
                a += lanes[i];
                b += lanes[i + 1];
                c += lanes[i + 2];
                d += lanes[i + 3];
            }
            out[at + v * stride] = (a + b) + (c + d);
        }
    }
}
