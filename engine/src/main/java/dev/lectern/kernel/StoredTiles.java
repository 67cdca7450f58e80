package dev.lectern.kernel;

import static dev.lectern.kernel.AttentionTiles.TILE;
import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.I;
import static dev.lectern.kernel.Lanes.L;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Decode attention on keys and values of 16 bits as they are stored. They are widened in registers and read in the order of their addresses, so
 * that the processor fetches what comes next while it multiplies: a copy to f32 first costs a third more when the cache is in memory.
 *
 * <p>f16 widens in two steps instead of four. {@code (bits << 13) & 0x8fffe000} (the bits extended by their sign) is the number times 2⁻¹¹², subnormal or not. So the
 * other factor is multiplied by a power of two beforehand, which changes no digit. bf16 widens by {@code bits << 16}, in the same code.
 *
 * <p>Register tiles: 4 (or 3) heads times one tile of keys, 16 tokens; 4 (or 3) heads times 4 vectors of a row of values at 512 bits, times 2 at
 * fewer, where there are 16 registers. Past its last head a register tile computes that head again, into the same place.
 */
final class StoredTiles {
    private static final VectorSpecies<Short> S = VectorSpecies.of(short.class, VectorShape.forBitSize(L * Short.SIZE));
    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;

    /** With 512 bits a vector is a tile. */
    private static final boolean WIDE = L == TILE;

    /** Rows of values that all heads go over before the next: what stays in the first-level cache, and in order where columns are taken in turn. */
    private static final int ROWS = WIDE ? 64 : 2 * TILE;

    /** Half of the 2¹¹² that are missing goes to the queries, the other half to their sums, so that neither overflows. */
    private static final float HALF_UNIT = 0x1p56f;

    private StoredTiles() {}

    private static int shift(ElementType type) {
        return type == ElementType.F16 ? 13 : 16;
    }

    private static int mask(ElementType type) {
        return type == ElementType.F16 ? 0x8fffe000 : -1;
    }

    private static FloatVector widened(MemorySegment segment, long at, int shift, IntVector mask) {
        return ((IntVector) ShortVector.fromMemorySegment(S, segment, at, LE).castShape(I, 0))
                .lanewise(VectorOperators.LSHL, shift)
                .and(mask)
                .reinterpretAsFloats();
    }

    /** {@code to[r][i] ← factor · from[r][i]}; rows of {@code to} lie {@code count} apart. */
    private static void multiply(float[] from, int at, int stride, int rows, int count, float factor, float[] to) {
        for (int r = 0; r < rows; r++) {
            int i = 0;
            for (; i <= count - L; i += L) {
                FloatVector.fromArray(F, from, at + r * stride + i).mul(factor).intoArray(to, r * count + i);
            }
            for (; i < count; i++) {
                to[r * count + i] = factor * from[at + r * stride + i];
            }
        }
    }

    /** Heads of the register tile that begins at head h: 3 where just 3 are left and there is such a tile, else 4. */
    private static int headsAt(int h, int heads) {
        return WIDE && heads - h == 3 ? 3 : 4;
    }

    /** {@link AttentionTiles#storedScores}. */
    static void scores(
            ElementType type,
            MemorySegment keys,
            long keysAt,
            int tiles,
            float[] queries,
            int queriesAt,
            int heads,
            int headDim,
            float[] s,
            int sAt,
            int stride,
            TileScratch scratch) {
        float unit = type == ElementType.F16 ? HALF_UNIT : 1;
        float[] q = scratch.factors(heads * headDim);
        multiply(queries, queriesAt, headDim, heads, headDim, unit, q);
        int shift = shift(type), mask = mask(type);
        for (int tile = 0; tile < tiles; tile++) {
            long k = keysAt + type.bytes((long) tile * TILE * headDim);
            for (int h = 0; h < heads; h += 4) {
                int to = sAt + h * stride + tile * TILE;
                if (headsAt(h, heads) == 3) {
                    scores3x1(k, keys, headDim, shift, mask, q, h * headDim, unit, s, to, stride);
                    continue;
                }
                int h1 = Math.min(1, heads - 1 - h), h2 = Math.min(2, heads - 1 - h), h3 = Math.min(3, heads - 1 - h);
                int q0 = h * headDim, q1 = q0 + h1 * headDim, q2 = q0 + h2 * headDim, q3 = q0 + h3 * headDim;
                int s1 = to + h1 * stride, s2 = to + h2 * stride, s3 = to + h3 * stride;
                if (WIDE) {
                    scores4x1(k, keys, headDim, shift, mask, q, q0, q1, q2, q3, unit, s, to, s1, s2, s3);
                } else {
                    for (int t = 0; t < TILE; t += 2 * L) {
                        scores4x2(
                                k + 2L * t,
                                keys,
                                headDim,
                                shift,
                                mask,
                                q,
                                q0,
                                q1,
                                q2,
                                q3,
                                unit,
                                s,
                                to + t,
                                s1 + t,
                                s2 + t,
                                s3 + t);
                    }
                }
            }
        }
    }

    private static void scores3x1(
            long at,
            MemorySegment keys,
            int headDim,
            int shift,
            int bits,
            float[] q,
            int q0,
            float unit,
            float[] s,
            int s0,
            int stride) {
        IntVector mask = IntVector.broadcast(I, bits);
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0;
        for (int d = 0; d < headDim; d++) {
            FloatVector k = widened(keys, at + 2L * TILE * d, shift, mask);
            a0 = FloatVector.broadcast(F, q[q0 + d]).fma(k, a0);
            a1 = FloatVector.broadcast(F, q[q0 + headDim + d]).fma(k, a1);
            a2 = FloatVector.broadcast(F, q[q0 + 2 * headDim + d]).fma(k, a2);
        }
        a0.mul(unit).intoArray(s, s0);
        a1.mul(unit).intoArray(s, s0 + stride);
        a2.mul(unit).intoArray(s, s0 + 2 * stride);
    }

    private static void scores4x1(
            long at,
            MemorySegment keys,
            int headDim,
            int shift,
            int bits,
            float[] q,
            int q0,
            int q1,
            int q2,
            int q3,
            float unit,
            float[] s,
            int s0,
            int s1,
            int s2,
            int s3) {
        IntVector mask = IntVector.broadcast(I, bits);
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        for (int d = 0; d < headDim; d++) {
            FloatVector k = widened(keys, at + 2L * TILE * d, shift, mask);
            a0 = FloatVector.broadcast(F, q[q0 + d]).fma(k, a0);
            a1 = FloatVector.broadcast(F, q[q1 + d]).fma(k, a1);
            a2 = FloatVector.broadcast(F, q[q2 + d]).fma(k, a2);
            a3 = FloatVector.broadcast(F, q[q3 + d]).fma(k, a3);
        }
        a0.mul(unit).intoArray(s, s0);
        a1.mul(unit).intoArray(s, s1);
        a2.mul(unit).intoArray(s, s2);
        a3.mul(unit).intoArray(s, s3);
    }

    private static void scores4x2(
            long at,
            MemorySegment keys,
            int headDim,
            int shift,
            int bits,
            float[] q,
            int q0,
            int q1,
            int q2,
            int q3,
            float unit,
            float[] s,
            int s0,
            int s1,
            int s2,
            int s3) {
        IntVector mask = IntVector.broadcast(I, bits);
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        for (int d = 0; d < headDim; d++) {
            FloatVector k = widened(keys, at + 2L * TILE * d, shift, mask);
            FloatVector l = widened(keys, at + 2L * TILE * d + 2 * L, shift, mask);
            FloatVector w = FloatVector.broadcast(F, q[q0 + d]);
            a0 = w.fma(k, a0);
            b0 = w.fma(l, b0);
            w = FloatVector.broadcast(F, q[q1 + d]);
            a1 = w.fma(k, a1);
            b1 = w.fma(l, b1);
            w = FloatVector.broadcast(F, q[q2 + d]);
            a2 = w.fma(k, a2);
            b2 = w.fma(l, b2);
            w = FloatVector.broadcast(F, q[q3 + d]);
            a3 = w.fma(k, a3);
            b3 = w.fma(l, b3);
        }
        a0.mul(unit).intoArray(s, s0);
        b0.mul(unit).intoArray(s, s0 + L);
        a1.mul(unit).intoArray(s, s1);
        b1.mul(unit).intoArray(s, s1 + L);
        a2.mul(unit).intoArray(s, s2);
        b2.mul(unit).intoArray(s, s2 + L);
        a3.mul(unit).intoArray(s, s3);
        b3.mul(unit).intoArray(s, s3 + L);
    }

    /** {@link AttentionTiles#storedWeigh}. */
    static void weigh(
            ElementType type,
            MemorySegment values,
            long valuesAt,
            int tokens,
            float[] weights,
            int weightsAt,
            int stride,
            int heads,
            int headDim,
            float[] o,
            int oAt,
            TileScratch scratch) {
        float[] p = scratch.factors(heads * tokens);
        float unit = type == ElementType.F16 ? HALF_UNIT * HALF_UNIT : 1;
        multiply(weights, weightsAt, stride, heads, tokens, unit, p);
        int shift = shift(type), mask = mask(type);
        int columns = WIDE ? 4 * L : 2 * L;
        for (int t = 0; t < tokens; t += ROWS) {
            int rows = Math.min(ROWS, tokens - t);
            for (int h = 0; h < heads; h += 4) {
                int last = heads - 1 - h;
                int h1 = Math.min(1, last), h2 = Math.min(2, last), h3 = Math.min(3, last);
                int p0 = h * tokens + t, p1 = p0 + h1 * tokens, p2 = p0 + h2 * tokens, p3 = p0 + h3 * tokens;
                for (int c = 0; c < headDim; c += columns) {
                    long v = valuesAt + type.bytes((long) t * headDim + c);
                    int o0 = oAt + h * headDim + c;
                    int o1 = o0 + h1 * headDim, o2 = o0 + h2 * headDim, o3 = o0 + h3 * headDim;
                    if (!WIDE) {
                        weigh4x2(v, values, headDim, rows, shift, mask, p, p0, p1, p2, p3, o, o0, o1, o2, o3);
                    } else if (headsAt(h, heads) == 3) {
                        weigh3x4(v, values, headDim, rows, shift, mask, p, p0, p1, p2, o, o0, o1, o2);
                    } else {
                        weigh4x4(v, values, headDim, rows, shift, mask, p, p0, p1, p2, p3, o, o0, o1, o2, o3);
                    }
                }
            }
        }
    }

    private static void weigh3x4(
            long at,
            MemorySegment values,
            int headDim,
            int rows,
            int shift,
            int bits,
            float[] p,
            int p0,
            int p1,
            int p2,
            float[] o,
            int o0,
            int o1,
            int o2) {
        IntVector mask = IntVector.broadcast(I, bits);
        FloatVector a00 = FloatVector.fromArray(F, o, o0);
        FloatVector a01 = FloatVector.fromArray(F, o, o0 + L);
        FloatVector a02 = FloatVector.fromArray(F, o, o0 + 2 * L);
        FloatVector a03 = FloatVector.fromArray(F, o, o0 + 3 * L);
        FloatVector a10 = FloatVector.fromArray(F, o, o1);
        FloatVector a11 = FloatVector.fromArray(F, o, o1 + L);
        FloatVector a12 = FloatVector.fromArray(F, o, o1 + 2 * L);
        FloatVector a13 = FloatVector.fromArray(F, o, o1 + 3 * L);
        FloatVector a20 = FloatVector.fromArray(F, o, o2);
        FloatVector a21 = FloatVector.fromArray(F, o, o2 + L);
        FloatVector a22 = FloatVector.fromArray(F, o, o2 + 2 * L);
        FloatVector a23 = FloatVector.fromArray(F, o, o2 + 3 * L);
        for (int t = 0; t < rows; t++) {
            long row = at + 2L * t * headDim;
            FloatVector v0 = widened(values, row, shift, mask);
            FloatVector v1 = widened(values, row + 2 * L, shift, mask);
            FloatVector v2 = widened(values, row + 4 * L, shift, mask);
            FloatVector v3 = widened(values, row + 6 * L, shift, mask);
            FloatVector w = FloatVector.broadcast(F, p[p0 + t]);
            a00 = w.fma(v0, a00);
            a01 = w.fma(v1, a01);
            a02 = w.fma(v2, a02);
            a03 = w.fma(v3, a03);
            w = FloatVector.broadcast(F, p[p1 + t]);
            a10 = w.fma(v0, a10);
            a11 = w.fma(v1, a11);
            a12 = w.fma(v2, a12);
            a13 = w.fma(v3, a13);
            w = FloatVector.broadcast(F, p[p2 + t]);
            a20 = w.fma(v0, a20);
            a21 = w.fma(v1, a21);
            a22 = w.fma(v2, a22);
            a23 = w.fma(v3, a23);
        }
        a00.intoArray(o, o0);
        a01.intoArray(o, o0 + L);
        a02.intoArray(o, o0 + 2 * L);
        a03.intoArray(o, o0 + 3 * L);
        a10.intoArray(o, o1);
        a11.intoArray(o, o1 + L);
        a12.intoArray(o, o1 + 2 * L);
        a13.intoArray(o, o1 + 3 * L);
        a20.intoArray(o, o2);
        a21.intoArray(o, o2 + L);
        a22.intoArray(o, o2 + 2 * L);
        a23.intoArray(o, o2 + 3 * L);
    }

    private static void weigh4x4(
            long at,
            MemorySegment values,
            int headDim,
            int rows,
            int shift,
            int bits,
            float[] p,
            int p0,
            int p1,
            int p2,
            int p3,
            float[] o,
            int o0,
            int o1,
            int o2,
            int o3) {
        IntVector mask = IntVector.broadcast(I, bits);
        FloatVector a00 = FloatVector.fromArray(F, o, o0);
        FloatVector a01 = FloatVector.fromArray(F, o, o0 + L);
        FloatVector a02 = FloatVector.fromArray(F, o, o0 + 2 * L);
        FloatVector a03 = FloatVector.fromArray(F, o, o0 + 3 * L);
        FloatVector a10 = FloatVector.fromArray(F, o, o1);
        FloatVector a11 = FloatVector.fromArray(F, o, o1 + L);
        FloatVector a12 = FloatVector.fromArray(F, o, o1 + 2 * L);
        FloatVector a13 = FloatVector.fromArray(F, o, o1 + 3 * L);
        FloatVector a20 = FloatVector.fromArray(F, o, o2);
        FloatVector a21 = FloatVector.fromArray(F, o, o2 + L);
        FloatVector a22 = FloatVector.fromArray(F, o, o2 + 2 * L);
        FloatVector a23 = FloatVector.fromArray(F, o, o2 + 3 * L);
        FloatVector a30 = FloatVector.fromArray(F, o, o3);
        FloatVector a31 = FloatVector.fromArray(F, o, o3 + L);
        FloatVector a32 = FloatVector.fromArray(F, o, o3 + 2 * L);
        FloatVector a33 = FloatVector.fromArray(F, o, o3 + 3 * L);
        for (int t = 0; t < rows; t++) {
            long row = at + 2L * t * headDim;
            FloatVector v0 = widened(values, row, shift, mask);
            FloatVector v1 = widened(values, row + 2 * L, shift, mask);
            FloatVector v2 = widened(values, row + 4 * L, shift, mask);
            FloatVector v3 = widened(values, row + 6 * L, shift, mask);
            FloatVector w = FloatVector.broadcast(F, p[p0 + t]);
            a00 = w.fma(v0, a00);
            a01 = w.fma(v1, a01);
            a02 = w.fma(v2, a02);
            a03 = w.fma(v3, a03);
            w = FloatVector.broadcast(F, p[p1 + t]);
            a10 = w.fma(v0, a10);
            a11 = w.fma(v1, a11);
            a12 = w.fma(v2, a12);
            a13 = w.fma(v3, a13);
            w = FloatVector.broadcast(F, p[p2 + t]);
            a20 = w.fma(v0, a20);
            a21 = w.fma(v1, a21);
            a22 = w.fma(v2, a22);
            a23 = w.fma(v3, a23);
            w = FloatVector.broadcast(F, p[p3 + t]);
            a30 = w.fma(v0, a30);
            a31 = w.fma(v1, a31);
            a32 = w.fma(v2, a32);
            a33 = w.fma(v3, a33);
        }
        a00.intoArray(o, o0);
        a01.intoArray(o, o0 + L);
        a02.intoArray(o, o0 + 2 * L);
        a03.intoArray(o, o0 + 3 * L);
        a10.intoArray(o, o1);
        a11.intoArray(o, o1 + L);
        a12.intoArray(o, o1 + 2 * L);
        a13.intoArray(o, o1 + 3 * L);
        a20.intoArray(o, o2);
        a21.intoArray(o, o2 + L);
        a22.intoArray(o, o2 + 2 * L);
        a23.intoArray(o, o2 + 3 * L);
        a30.intoArray(o, o3);
        a31.intoArray(o, o3 + L);
        a32.intoArray(o, o3 + 2 * L);
        a33.intoArray(o, o3 + 3 * L);
    }

    private static void weigh4x2(
            long at,
            MemorySegment values,
            int headDim,
            int rows,
            int shift,
            int bits,
            float[] p,
            int p0,
            int p1,
            int p2,
            int p3,
            float[] o,
            int o0,
            int o1,
            int o2,
            int o3) {
        IntVector mask = IntVector.broadcast(I, bits);
        FloatVector a00 = FloatVector.fromArray(F, o, o0);
        FloatVector a01 = FloatVector.fromArray(F, o, o0 + L);
        FloatVector a10 = FloatVector.fromArray(F, o, o1);
        FloatVector a11 = FloatVector.fromArray(F, o, o1 + L);
        FloatVector a20 = FloatVector.fromArray(F, o, o2);
        FloatVector a21 = FloatVector.fromArray(F, o, o2 + L);
        FloatVector a30 = FloatVector.fromArray(F, o, o3);
        FloatVector a31 = FloatVector.fromArray(F, o, o3 + L);
        for (int t = 0; t < rows; t++) {
            long row = at + 2L * t * headDim;
            FloatVector v0 = widened(values, row, shift, mask);
            FloatVector v1 = widened(values, row + 2 * L, shift, mask);
            FloatVector w = FloatVector.broadcast(F, p[p0 + t]);
            a00 = w.fma(v0, a00);
            a01 = w.fma(v1, a01);
            w = FloatVector.broadcast(F, p[p1 + t]);
            a10 = w.fma(v0, a10);
            a11 = w.fma(v1, a11);
            w = FloatVector.broadcast(F, p[p2 + t]);
            a20 = w.fma(v0, a20);
            a21 = w.fma(v1, a21);
            w = FloatVector.broadcast(F, p[p3 + t]);
            a30 = w.fma(v0, a30);
            a31 = w.fma(v1, a31);
        }
        a00.intoArray(o, o0);
        a01.intoArray(o, o0 + L);
        a10.intoArray(o, o1);
        a11.intoArray(o, o1 + L);
        a20.intoArray(o, o2);
        a21.intoArray(o, o2 + L);
        a30.intoArray(o, o3);
        a31.intoArray(o, o3 + L);
    }
}
