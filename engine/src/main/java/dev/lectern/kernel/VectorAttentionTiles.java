package dev.lectern.kernel;

import static jdk.incubator.vector.VectorOperators.AND;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.OR;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link AttentionTiles} on the Vector API. Register tiles: 4 heads × 1 vector of tokens in decode; 4 rows × 2 vectors of queries in a
 * chunk, which fills 16 registers and hides the latency of a fused multiply-add on wider machines too.
 */
public final class VectorAttentionTiles implements AttentionTiles {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
    private static final int L = F.length();
    private static final VectorSpecies<Short> S = VectorSpecies.of(short.class, VectorShape.forBitSize(L * Short.SIZE));
    private static final AttentionTiles REST = new ScalarAttentionTiles();
    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;

    @Override
    public void scores(float[] q, int qAt, int heads, int headDim, float[] k, int kAt, float[] s, int sAt, int stride) {
        for (int h = 0; h < heads; h += 4) {
            // Past the last head the tile computes that head again, into the same place.
            int h1 = Math.min(h + 1, heads - 1), h2 = Math.min(h + 2, heads - 1), h3 = Math.min(h + 3, heads - 1);
            for (int t = 0; t < TILE; t += L) {
                scores4(
                        q,
                        qAt + h * headDim,
                        qAt + h1 * headDim,
                        qAt + h2 * headDim,
                        qAt + h3 * headDim,
                        headDim,
                        k,
                        kAt + t,
                        s,
                        sAt + t + h * stride,
                        sAt + t + h1 * stride,
                        sAt + t + h2 * stride,
                        sAt + t + h3 * stride);
            }
        }
    }

    private static void scores4(
            float[] q,
            int q0,
            int q1,
            int q2,
            int q3,
            int headDim,
            float[] k,
            int kAt,
            float[] s,
            int s0,
            int s1,
            int s2,
            int s3) {
        FloatVector a0 = FloatVector.zero(F), a1 = a0, a2 = a0, a3 = a0;
        for (int d = 0; d < headDim; d++) {
            FloatVector keys = FloatVector.fromArray(F, k, kAt + d * TILE);
            a0 = keys.fma(FloatVector.broadcast(F, q[q0 + d]), a0);
            a1 = keys.fma(FloatVector.broadcast(F, q[q1 + d]), a1);
            a2 = keys.fma(FloatVector.broadcast(F, q[q2 + d]), a2);
            a3 = keys.fma(FloatVector.broadcast(F, q[q3 + d]), a3);
        }
        a0.intoArray(s, s0);
        a1.intoArray(s, s1);
        a2.intoArray(s, s2);
        a3.intoArray(s, s3);
    }

    @Override
    public void softmax(float[] s, int sAt, int n, int from, int to, float[] stats, int statsAt) {
        Arrays.fill(s, sAt, sAt + from, MASKED);
        Arrays.fill(s, sAt + to, sAt + n, MASKED);
        FloatVector most = FloatVector.broadcast(F, LOWEST);
        for (int t = 0; t < n; t += L) {
            most = most.max(FloatVector.fromArray(F, s, sAt + t));
        }
        float max = most.reduceLanes(VectorOperators.MAX);
        FloatVector sum = FloatVector.zero(F);
        for (int t = 0; t < n; t += L) {
            FloatVector p = VectorExp.exp(FloatVector.fromArray(F, s, sAt + t).sub(max));
            p.intoArray(s, sAt + t);
            sum = sum.add(p);
        }
        stats[statsAt] = max;
        stats[statsAt + 1] = sumLanes(sum);
    }

    /** Adds the lanes in their order: {@code reduceLanes} leaves the order open. */
    private static float sumLanes(FloatVector v) {
        float sum = 0;
        for (int i = 0; i < L; i++) {
            sum += v.lane(i);
        }
        return sum;
    }

    @Override
    public void weigh(float[] p, int pAt, int stride, int heads, float[] v, int vAt, int width, float[] o, int oAt) {
        for (int h = 0; h < heads; h++) {
            int c = 0;
            for (; c + 4 * L <= width; c += 4 * L) {
                weigh4(p, pAt + h * stride, v, vAt + c, width, o, oAt + h * width + c);
            }
            for (; c < width; c += L) {
                weigh1(p, pAt + h * stride, v, vAt + c, width, o, oAt + h * width + c);
            }
        }
    }

    private static void weigh4(float[] p, int pAt, float[] v, int vAt, int width, float[] o, int oAt) {
        FloatVector a0 = FloatVector.fromArray(F, o, oAt);
        FloatVector a1 = FloatVector.fromArray(F, o, oAt + L);
        FloatVector a2 = FloatVector.fromArray(F, o, oAt + 2 * L);
        FloatVector a3 = FloatVector.fromArray(F, o, oAt + 3 * L);
        for (int t = 0; t < TILE; t++) {
            FloatVector w = FloatVector.broadcast(F, p[pAt + t]);
            int row = vAt + t * width;
            a0 = w.fma(FloatVector.fromArray(F, v, row), a0);
            a1 = w.fma(FloatVector.fromArray(F, v, row + L), a1);
            a2 = w.fma(FloatVector.fromArray(F, v, row + 2 * L), a2);
            a3 = w.fma(FloatVector.fromArray(F, v, row + 3 * L), a3);
        }
        a0.intoArray(o, oAt);
        a1.intoArray(o, oAt + L);
        a2.intoArray(o, oAt + 2 * L);
        a3.intoArray(o, oAt + 3 * L);
    }

    private static void weigh1(float[] p, int pAt, float[] v, int vAt, int width, float[] o, int oAt) {
        FloatVector a = FloatVector.fromArray(F, o, oAt);
        for (int t = 0; t < TILE; t++) {
            a = FloatVector.broadcast(F, p[pAt + t]).fma(FloatVector.fromArray(F, v, vAt + t * width), a);
        }
        a.intoArray(o, oAt);
    }

    @Override
    public void chunkScores(float[] q, int qAt, int headDim, float[] k, int kAt, float[] s, int sAt) {
        Arrays.fill(s, sAt, sAt + TILE * LANES, 0);
        for (int t = 0; t < TILE; t += 4) {
            for (int lane = 0; lane < LANES; lane += 2 * L) {
                product4x2(k, kAt + t, TILE, q, qAt + lane, headDim, s, sAt + t * LANES + lane);
            }
        }
    }

    @Override
    public void chunkWeigh(float[] p, int pAt, int tokens, float[] v, int vAt, int width, float[] o, int oAt) {
        for (int c = 0; c < width; c += 4) {
            for (int lane = 0; lane < LANES; lane += 2 * L) {
                product4x2(v, vAt + c, width, p, pAt + lane, tokens, o, oAt + c * LANES + lane);
            }
        }
    }

    /**
     * {@code out[i][lanes] += Σ_n a[n][i] · b[n][lanes]} for 4 rows i and two vectors of lanes: with its two loads and four broadcasts
     * that is all that 16 registers hold.
     */
    private static void product4x2(float[] a, int aAt, int aStride, float[] b, int bAt, int n, float[] out, int at) {
        FloatVector a00 = FloatVector.fromArray(F, out, at);
        FloatVector a01 = FloatVector.fromArray(F, out, at + L);
        FloatVector a10 = FloatVector.fromArray(F, out, at + LANES);
        FloatVector a11 = FloatVector.fromArray(F, out, at + LANES + L);
        FloatVector a20 = FloatVector.fromArray(F, out, at + 2 * LANES);
        FloatVector a21 = FloatVector.fromArray(F, out, at + 2 * LANES + L);
        FloatVector a30 = FloatVector.fromArray(F, out, at + 3 * LANES);
        FloatVector a31 = FloatVector.fromArray(F, out, at + 3 * LANES + L);
        for (int i = 0; i < n; i++) {
            int row = aAt + i * aStride;
            FloatVector b0 = FloatVector.fromArray(F, b, bAt + i * LANES);
            FloatVector b1 = FloatVector.fromArray(F, b, bAt + i * LANES + L);
            FloatVector w = FloatVector.broadcast(F, a[row]);
            a00 = w.fma(b0, a00);
            a01 = w.fma(b1, a01);
            w = FloatVector.broadcast(F, a[row + 1]);
            a10 = w.fma(b0, a10);
            a11 = w.fma(b1, a11);
            w = FloatVector.broadcast(F, a[row + 2]);
            a20 = w.fma(b0, a20);
            a21 = w.fma(b1, a21);
            w = FloatVector.broadcast(F, a[row + 3]);
            a30 = w.fma(b0, a30);
            a31 = w.fma(b1, a31);
        }
        a00.intoArray(out, at);
        a01.intoArray(out, at + L);
        a10.intoArray(out, at + LANES);
        a11.intoArray(out, at + LANES + L);
        a20.intoArray(out, at + 2 * LANES);
        a21.intoArray(out, at + 2 * LANES + L);
        a30.intoArray(out, at + 3 * LANES);
        a31.intoArray(out, at + 3 * LANES + L);
    }

    @Override
    public boolean chunkSoftmax(float[] s, int sAt, int tokens, float[] max, float[] sum, int statsAt, float[] scale) {
        boolean rescale = false;
        for (int lane = 0; lane < LANES; lane += L) {
            rescale |= raiseMaximum(s, sAt + lane, tokens, max, statsAt + lane, scale, lane);
            exponentials(s, sAt + lane, tokens, max, sum, statsAt + lane, scale, lane);
        }
        return rescale;
    }

    /** For one vector of lanes; two methods, because the compiler stops inlining in one as long as both. */
    private static boolean raiseMaximum(
            float[] s, int sAt, int tokens, float[] max, int maxAt, float[] scale, int lane) {
        FloatVector before = FloatVector.fromArray(F, max, maxAt);
        FloatVector now = before;
        for (int t = 0; t < tokens; t++) {
            now = now.max(FloatVector.fromArray(F, s, sAt + t * LANES));
        }
        now.intoArray(max, maxAt);
        VectorExp.exp(before.sub(now)).intoArray(scale, lane);
        return now.compare(VectorOperators.NE, before).anyTrue();
    }

    private static void exponentials(
            float[] s, int sAt, int tokens, float[] max, float[] sum, int statsAt, float[] scale, int lane) {
        FloatVector most = FloatVector.fromArray(F, max, statsAt);
        FloatVector total = FloatVector.fromArray(F, sum, statsAt).mul(FloatVector.fromArray(F, scale, lane));
        for (int t = 0; t < tokens; t++) {
            FloatVector p =
                    VectorExp.exp(FloatVector.fromArray(F, s, sAt + t * LANES).sub(most));
            p.intoArray(s, sAt + t * LANES);
            total = total.add(p);
        }
        total.intoArray(sum, statsAt);
    }

    @Override
    public void chunkRescale(float[] o, int oAt, int width, float[] scale) {
        for (int c = 0; c < width; c++) {
            for (int lane = 0; lane < LANES; lane += L) {
                int at = oAt + c * LANES + lane;
                FloatVector.fromArray(F, o, at)
                        .mul(FloatVector.fromArray(F, scale, lane))
                        .intoArray(o, at);
            }
        }
    }

    /** A loop for each type: vectors that meet at the end of a switch are put on the heap. */
    @Override
    public void decode(ElementType type, MemorySegment segment, long offset, int count, float[] out, int at) {
        int whole = count - count % L;
        switch (type) {
            case F32 -> floats(segment, offset, whole, out, at);
            case F16 -> halves(segment, offset, whole, out, at);
            case BF16 -> brains(segment, offset, whole, out, at);
            default -> throw new IllegalArgumentException(type + " is not a plain float");
        }
        if (whole < count) {
            REST.decode(type, segment, offset + type.bytes(whole), count - whole, out, at + whole);
        }
    }

    private static void floats(MemorySegment segment, long offset, int count, float[] out, int at) {
        for (int i = 0; i < count; i += L) {
            FloatVector.fromMemorySegment(F, segment, offset + 4L * i, LE).intoArray(out, at + i);
        }
    }

    private static void halves(MemorySegment segment, long offset, int count, float[] out, int at) {
        for (int i = 0; i < count; i += L) {
            half(segment, offset + 2L * i).intoArray(out, at + i);
        }
    }

    private static void brains(MemorySegment segment, long offset, int count, float[] out, int at) {
        for (int i = 0; i < count; i += L) {
            ((IntVector) ShortVector.fromMemorySegment(S, segment, offset + 2L * i, LE)
                            .castShape(I, 0))
                    .lanewise(LSHL, 16)
                    .reinterpretAsFloats()
                    .intoArray(out, at + i);
        }
    }

    /** f16 → f32 for finite values: the exponent is moved by one multiplication, which also puts subnormals right. */
    private static FloatVector half(MemorySegment segment, long offset) {
        IntVector bits = (IntVector)
                ShortVector.fromMemorySegment(S, segment, offset, LE).castShape(I, 0);
        FloatVector magnitude = bits.lanewise(AND, 0x7fff)
                .lanewise(LSHL, 13)
                .reinterpretAsFloats()
                .mul(0x1p112f);
        return magnitude
                .reinterpretAsInts()
                .lanewise(OR, bits.lanewise(AND, 0x8000).lanewise(LSHL, 16))
                .reinterpretAsFloats();
    }
}
