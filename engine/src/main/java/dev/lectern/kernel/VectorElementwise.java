package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.F;
import static dev.lectern.kernel.Lanes.L;
import static dev.lectern.kernel.Lanes.all;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link Elementwise} with the Vector API. Sums over a row have one accumulator per lane, the last vector filled up with zeros, and {@link Lanes#sum} at the end.
 */
final class VectorElementwise implements Elementwise {
    @Override
    public void rmsNorm(float[] out, float[] x, float[] weight, float epsilon, int fromRow, int toRow) {
        int n = weight.length;
        float[] lanes = new float[L + 1];
        for (int r = fromRow; r < toRow; r++) {
            float squares = squares(x, r * n, n, 0, lanes);
            float factor = (float) (1 / Math.sqrt(squares / n + epsilon));
            scale(out, x, r * n, weight, factor);
        }
    }

    private static void scale(float[] out, float[] x, int at, float[] weight, float factor) {
        FloatVector f = all(factor);
        int i = 0;
        for (; i <= weight.length - L; i += L) {
            Lanes.x(x, at + i).mul(f).mul(Lanes.x(weight, i)).intoArray(out, at + i);
        }
        for (; i < weight.length; i++) {
            out[at + i] = x[at + i] * factor * weight[i];
        }
    }

    @Override
    public void layerNorm(float[] out, float[] x, float[] weight, float[] bias, float epsilon, int fromRow, int toRow) {
        int n = weight.length;
        float[] lanes = new float[L + 1];
        for (int r = fromRow; r < toRow; r++) {
            float mean = sum(x, r * n, n, lanes) / n;
            float variance = squares(x, r * n, n, mean, lanes) / n;
            float factor = (float) (1 / Math.sqrt(variance + epsilon));
            normalise(out, x, r * n, weight, bias, mean, factor);
        }
    }

    private static void normalise(
            float[] out, float[] x, int at, float[] weight, float[] bias, float mean, float factor) {
        FloatVector f = all(factor);
        int i = 0;
        for (; i <= weight.length - L; i += L) {
            FloatVector v = Lanes.x(x, at + i).sub(mean).mul(f);
            v.fma(Lanes.x(weight, i), Lanes.x(bias, i)).intoArray(out, at + i);
        }
        for (; i < weight.length; i++) {
            out[at + i] = Math.fma((x[at + i] - mean) * factor, weight[i], bias[i]);
        }
    }

    private static float sum(float[] x, int at, int n, float[] lanes) {
        FloatVector sum = FloatVector.zero(F);
        int i = 0;
        for (; i <= n - L; i += L) {
            sum = sum.add(Lanes.x(x, at + i));
        }
        if (i < n) {
            sum = sum.add(FloatVector.fromArray(F, x, at + i, F.indexInRange(i, n)));
        }
        return total(sum, lanes);
    }

    private static float squares(float[] x, int at, int n, float mean, float[] lanes) {
        FloatVector sum = FloatVector.zero(F);
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector v = Lanes.x(x, at + i).sub(mean);
            sum = v.fma(v, sum);
        }
        if (i < n) {
            VectorMask<Float> rest = F.indexInRange(i, n);
            FloatVector v = FloatVector.zero(F)
                    .blend(FloatVector.fromArray(F, x, at + i, rest).sub(mean), rest);
            sum = v.fma(v, sum);
        }
        return total(sum, lanes);
    }

    private static float total(FloatVector sum, float[] lanes) {
        sum.intoArray(lanes, 0);
        Lanes.sum(lanes, 1, lanes, L, 1);
        return lanes[L];
    }

    // The exponential is long: a loop has it once, under a mask, for a second copy for the last elements would overflow
    // the compiler's budget.

    @Override
    public void siluTimes(float[] gate, float[] up, int from, int to) {
        for (int i = from; i < to; i += L) {
            VectorMask<Float> here = F.indexInRange(i, to);
            FloatVector v = FloatVector.fromArray(F, gate, i, here);
            FloatVector silu = v.div(VectorExp.exp(v.neg()).add(1));
            silu.mul(FloatVector.fromArray(F, up, i, here)).intoArray(gate, i, here);
        }
    }

    @Override
    public void gelu(float[] x, int from, int to) {
        FloatVector linear = all((float) (-2 * Math.sqrt(2 / Math.PI)));
        FloatVector cubic = all((float) (-2 * Math.sqrt(2 / Math.PI) * 0.044715));
        for (int i = from; i < to; i += L) {
            VectorMask<Float> here = F.indexInRange(i, to);
            FloatVector v = FloatVector.fromArray(F, x, i, here);
            FloatVector minus2u = v.mul(v).fma(cubic, linear).mul(v);
            // (1 + tanh u) / 2 = 1 / (1 + e^(−2u))
            v.div(VectorExp.exp(minus2u).add(1)).intoArray(x, i, here);
        }
    }

    @Override
    public void add(float[] x, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            x[i] += y[i]; // the compiler makes vectors of this by itself
        }
    }

    @Override
    public void addBias(float[] x, float[] bias, int fromRow, int toRow) {
        for (int r = fromRow; r < toRow; r++) {
            for (int i = 0; i < bias.length; i++) {
                x[r * bias.length + i] += bias[i];
            }
        }
    }

    @Override
    public void softmax(float[] x, int from, int to) {
        float[] lanes = new float[L + 1];
        exponentials(x, from, to, max(x, from, to), lanes);
        Lanes.sum(lanes, 1, lanes, L, 1);
        float total = lanes[L];
        float factor = 1 / total;
        for (int i = from; i < to; i++) {
            x[i] *= factor;
        }
    }

    private static float max(float[] x, int from, int to) {
        FloatVector max = all(Float.NEGATIVE_INFINITY);
        int i = from;
        for (; i <= to - L; i += L) {
            max = max.max(Lanes.x(x, i));
        }
        float result = max.reduceLanes(VectorOperators.MAX);
        for (; i < to; i++) {
            result = Math.max(result, x[i]);
        }
        return result;
    }

    /** Replaces x by e^(x − max); the sums of the lanes go to {@code lanes}. */
    private static void exponentials(float[] x, int from, int to, float max, float[] lanes) {
        FloatVector sum = FloatVector.zero(F);
        for (int i = from; i < to; i += L) {
            VectorMask<Float> here = F.indexInRange(i, to);
            FloatVector e = VectorExp.exp(FloatVector.fromArray(F, x, i, here).sub(max));
            e.intoArray(x, i, here);
            sum = sum.add(e, here);
        }
        sum.intoArray(lanes, 0);
    }
}
