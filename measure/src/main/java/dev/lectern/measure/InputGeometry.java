package dev.lectern.measure;

import dev.lectern.AttentionObserver;
import dev.lectern.AttentionShape;
import java.util.Arrays;

/** Sums up the keys and values of one input, for each layer and kv head, while it is read. */
final class InputGeometry implements AttentionObserver {
    /** The first tokens, which MagicPIG keeps apart: the mean key leaves them out. */
    static final int SINKS = 4;

    private final AttentionShape shape;
    private final Sums[][] sums; // [layers][kvHeads]

    /** What one kv head of one layer comes to. */
    static final class Sums {
        final double[] firstKey; // [headDim] after RoPE
        final double[] firstKeyBeforeRope;
        final double[] firstValue;
        final double[] key; // of the tokens after the sinks: as good as their mean, since only its direction counts
        final double[] keyBeforeRope;
        private double keyNorms; // of all tokens
        private final double[] valueNorms; // [tokens]

        private Sums(int headDim, int tokens) {
            firstKey = new double[headDim];
            firstKeyBeforeRope = new double[headDim];
            firstValue = new double[headDim];
            key = new double[headDim];
            keyBeforeRope = new double[headDim];
            valueNorms = new double[tokens];
        }

        /** Mean length of a key over mean length of a value. */
        double keyToValue() {
            return keyNorms / Arrays.stream(valueNorms).sum();
        }

        /** Length of the first token's value over the median length of a value. */
        double firstValueToMedian() {
            double[] sorted = valueNorms.clone();
            Arrays.sort(sorted);
            return valueNorms[0] / ((sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2);
        }
    }

    /** @param tokens of the input */
    InputGeometry(AttentionShape shape, int tokens) {
        this.shape = shape;
        sums = new Sums[shape.layers()][shape.kvHeads()];
        for (Sums[] layer : sums) {
            Arrays.setAll(layer, head -> new Sums(shape.headDim(), tokens));
        }
    }

    Sums of(int layer, int kvHead) {
        return sums[layer][kvHead];
    }

    @Override
    public void projected(
            int layer, int firstPosition, int rows, float[] q, int qAt, float[] k, int kAt, float[] v, int vAt) {
        for (int row = 0; row < rows; row++) {
            int position = firstPosition + row;
            for (int head = 0; head < shape.kvHeads(); head++) {
                Sums of = sums[layer][head];
                int at = (row * shape.kvHeads() + head) * shape.headDim();
                add(position, of.keyBeforeRope, of.firstKeyBeforeRope, k, kAt + at);
                of.valueNorms[position] = norm(v, vAt + at);
                if (position == 0) {
                    copy(v, vAt + at, of.firstValue);
                }
            }
        }
    }

    @Override
    public void attended(
            int layer, int firstPosition, int rows, float[] q, int qAt, float[] k, int kAt, float[] out, int outAt) {
        for (int row = 0; row < rows; row++) {
            int position = firstPosition + row;
            for (int head = 0; head < shape.kvHeads(); head++) {
                Sums of = sums[layer][head];
                int at = kAt + (row * shape.kvHeads() + head) * shape.headDim();
                add(position, of.key, of.firstKey, k, at);
                of.keyNorms += norm(k, at);
            }
        }
    }

    private static void add(int position, double[] sum, double[] first, float[] x, int at) {
        if (position == 0) {
            copy(x, at, first);
        }
        if (position >= SINKS) {
            for (int d = 0; d < sum.length; d++) {
                sum[d] += x[at + d];
            }
        }
    }

    private static void copy(float[] x, int at, double[] to) {
        for (int d = 0; d < to.length; d++) {
            to[d] = x[at + d];
        }
    }

    private double norm(float[] x, int at) {
        double squares = 0;
        for (int d = 0; d < shape.headDim(); d++) {
            squares += (double) x[at + d] * x[at + d];
        }
        return Math.sqrt(squares);
    }
}
