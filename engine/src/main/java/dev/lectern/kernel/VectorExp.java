package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.all;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Exponential functions of a vector, within 2e-7 of the result, the same bits at every vector width and on every machine (the Vector API's own takes a native library where
 * there is one).
 *
 * <p>With n the integer nearest to x / ln 2 and r = x − n ln 2, so |r| ≤ 0.35: eˣ = 2ⁿ eʳ, and eʳ = 1 + r + r² q(r) with a polynomial q of degree 4 whose error, 3e-9,
 * is far below the rounding. 2ⁿ is multiplied in two halves, so that results below the normal range come out right, and those beyond it as 0 and ∞.
 */
final class VectorExp {
    /** Adding 1.5 · 2²³ rounds to an integer and leaves it in the low bits. */
    private static final float ROUND = 0x1.8p23f;

    private static final float LOG2_E = 1.442695f;

    /** ln 2 in two parts; the first has so few bits that its product with n is exact. */
    private static final float LN2_HIGH = 0x1.62e4p-1f;

    private static final float LN2_LOW = (float) (0.693147180559945309417232121458 - 0x1.62e4p-1);

    private VectorExp() {}

    /** eˣ of each lane; NaN stays NaN. */
    static FloatVector exp(FloatVector x) {
        // e^-104 rounds to 0, e^89 to infinity. Blends: max and min with their rules for NaN and −0 take many
        // instructions.
        FloatVector bounded = x.blend(-104, x.lt(-104)).blend(89, x.compare(VectorOperators.GT, 89));
        FloatVector shifted = bounded.fma(all(LOG2_E), all(ROUND));
        FloatVector n = shifted.sub(ROUND);
        FloatVector r = n.fma(all(-LN2_HIGH), bounded);
        r = n.fma(all(-LN2_LOW), r);
        FloatVector q = r.fma(all(0x1.6a23cep-10f), all(0x1.123a2p-7f));
        q = q.fma(r, all(0x1.5558f2p-5f));
        q = q.fma(r, all(0x1.555492p-3f));
        q = q.fma(r, all(0x1.fffffcp-2f));
        q = q.mul(r).fma(r, r).add(1);
        IntVector exponent = shifted.reinterpretAsInts().sub(Float.floatToRawIntBits(ROUND));
        IntVector half = exponent.lanewise(VectorOperators.ASHR, 1);
        return q.mul(power(half)).mul(power(exponent.sub(half)));
    }

    /**
     * 2ˣ of each lane for x ≤ 0, within 2e-7 of the result; 0 below 2⁻¹²⁶; NaN stays NaN. With n the integer nearest to x and r = x − n: 2ˣ = 2ⁿ 2ʳ, and 2ʳ is a
     * polynomial of degree 5 with the constant 1 (error 9e-8), to whose exponent n is added.
     */
    static FloatVector exp2(FloatVector x) {
        FloatVector shifted = x.add(ROUND);
        FloatVector r = x.sub(shifted.sub(ROUND));
        FloatVector p = r.fma(all(0x1.5bba14p-10f), all(0x1.3cea88p-7f));
        p = p.fma(r, all(0x1.c6b752p-5f));
        p = p.fma(r, all(0x1.ebf9bcp-3f));
        p = p.fma(r, all(0x1.62e42ap-1f));
        p = p.fma(r, all(1));
        IntVector n = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
        FloatVector y = p.reinterpretAsInts().add(n).reinterpretAsFloats();
        return y.blend(0, x.lt(-126));
    }

    private static FloatVector power(IntVector n) {
        return n.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
    }
}
