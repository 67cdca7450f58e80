package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.L;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;

/** {@link Rotation} with the Vector API: cosines and sines stay in registers while all heads pass. */
final class VectorRotation implements Rotation {
    private static final VectorShuffle<Float> SWAP = VectorShuffle.fromOp(F, i -> i ^ 1);
    private static final VectorShuffle<Float> TWICE_LOW = VectorShuffle.fromOp(F, i -> i / 2);
    private static final VectorShuffle<Float> TWICE_HIGH = VectorShuffle.fromOp(F, i -> L / 2 + i / 2);

    /** −1, 1, −1, 1, … */
    private static final float[] SIGNS = new float[L];

    static {
        for (int i = 0; i < L; i++) {
            SIGNS[i] = i % 2 == 0 ? -1 : 1;
        }
    }

    @Override
    public void halves(float[] x, int at, int heads, int headDim, int pairs, float[] table, int tableAt) {
        int i = 0;
        for (; i <= pairs - L; i += L) {
            rotateHalves(x, at + i, pairs, heads, headDim, table, tableAt + i);
        }
        for (; i < pairs; i++) {
            ScalarRotation.rotate(x, at + i, pairs, heads, headDim, table[tableAt + i], table[tableAt + pairs + i]);
        }
    }

    private static void rotateHalves(float[] x, int at, int pairs, int heads, int headDim, float[] table, int tableAt) {
        FloatVector cos = Lanes.x(table, tableAt), sin = Lanes.x(table, tableAt + pairs);
        for (int h = 0; h < heads; h++) {
            int first = at + h * headDim, second = first + pairs;
            FloatVector a = Lanes.x(x, first), b = Lanes.x(x, second);
            a.mul(cos).sub(b.mul(sin)).intoArray(x, first);
            a.mul(sin).add(b.mul(cos)).intoArray(x, second);
        }
    }

    @Override
    public void neighbours(float[] x, int at, int heads, int headDim, int pairs, float[] table, int tableAt) {
        int i = 0;
        for (; i <= pairs - L; i += L) {
            FloatVector cos = Lanes.x(table, tableAt + i);
            FloatVector sin = Lanes.x(table, tableAt + pairs + i);
            rotateNeighbours(x, at + 2 * i, heads, headDim, cos.rearrange(TWICE_LOW), sin.rearrange(TWICE_LOW));
            rotateNeighbours(x, at + 2 * i + L, heads, headDim, cos.rearrange(TWICE_HIGH), sin.rearrange(TWICE_HIGH));
        }
        for (; i < pairs; i++) {
            ScalarRotation.rotate(x, at + 2 * i, 1, heads, headDim, table[tableAt + i], table[tableAt + pairs + i]);
        }
    }

    /** {@code (a, b) ← (a cos + b (−sin), b cos + a sin)}: each number times its cosine, and its neighbour times a signed sine. */
    private static void rotateNeighbours(float[] x, int at, int heads, int headDim, FloatVector cos, FloatVector sin) {
        FloatVector signed = sin.mul(Lanes.x(SIGNS, 0));
        for (int h = 0; h < heads; h++) {
            int place = at + h * headDim;
            FloatVector v = Lanes.x(x, place);
            v.mul(cos).add(v.rearrange(SWAP).mul(signed)).intoArray(x, place);
        }
    }
}
