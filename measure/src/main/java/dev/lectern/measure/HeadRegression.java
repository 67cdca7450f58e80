package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.kernel.ElementType;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.MatMul;
import dev.lectern.kernel.Matrix;
import dev.lectern.kernel.Workers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/**
 * The regression of one layer's retaining heads, {@code s = W2 · SiLU(W1 · x)}, on labels: gradients by hand, steps by AdamW. The loss of a batch is
 * {@code share · mean SmoothL1(s, label) + smoothing · mean (s_t − s_{t+1})²}, the first over tokens and outputs, the second over pairs of tokens that follow each other, and outputs; so that summed over the layers it is
 * the paper's, whose first term is a mean over layers and whose second is a sum.
 *
 * <p>Source: Huang et al., "Locret" (arXiv 2410.01805), section 3.2; Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (arXiv 1711.05101), algorithm 2, with the decay of 0.01 that is usual. Gradients are clipped by value.
 *
 * <p>Used by one thread. What it computes depends on nothing but its arguments.
 */
final class HeadRegression {
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.95;
    private static final double EPSILON = 1e-8;
    private static final double DECAY = 0.01;
    private static final float CLIP = 0.5f;

    private final int features;
    private final int hidden;
    private final int outputs;
    private final int batch; // rows of a step at most
    private final int run; // rows that follow each other
    private final double share;
    private final double smoothing;
    private final Workers alone;
    private final MatMul matMul = Kernels.matMul();
    private final Weights inner; // [hidden][features]
    private final Weights outer; // [outputs][hidden]
    private final MemorySegment columns; // [features][rows]: a batch, transposed
    private final float[] before; // [rows][hidden]
    private final float[] after; // [rows][hidden]: SiLU of it
    private final float[] back; // [hidden][rows]: the loss by `before`
    private final float[] predicted; // [rows][outputs]
    private final float[] error; // [rows][outputs]: the loss by `predicted`
    private long steps;

    /** Weights, their gradient, and the means of it and of its square that AdamW keeps. */
    private static final class Weights {
        final float[] values;
        final float[] gradient;
        private final float[] mean;
        private final float[] square;
        private final MemorySegment copy; // of the values, for products
        private final Matrix matrix;

        /** Drawn evenly from ±1/√inputs. */
        Weights(Arena arena, SplittableRandom random, int rows, int inputs) {
            values = new float[Math.multiplyExact(rows, inputs)];
            gradient = new float[values.length];
            mean = new float[values.length];
            square = new float[values.length];
            double bound = 1 / Math.sqrt(inputs);
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextDouble(-bound, bound);
            }
            copy = arena.allocate((long) Float.BYTES * values.length, Long.BYTES);
            matrix = new Matrix(copy, ElementType.F32, rows, inputs);
        }

        Matrix matrix() {
            MemorySegment.copy(values, 0, copy, ValueLayout.JAVA_FLOAT, 0, values.length);
            return matrix;
        }

        void step(double rate, long steps) {
            float first = (float) (rate / (1 - Math.pow(BETA1, steps)));
            float second = (float) (1 / (1 - Math.pow(BETA2, steps)));
            float kept = (float) (1 - rate * DECAY);
            for (int i = 0; i < values.length; i++) {
                float g = Math.min(CLIP, Math.max(-CLIP, gradient[i]));
                mean[i] = (float) BETA1 * mean[i] + (float) (1 - BETA1) * g;
                square[i] = (float) BETA2 * square[i] + (float) (1 - BETA2) * g * g;
                values[i] =
                        kept * values[i] - first * mean[i] / ((float) Math.sqrt(square[i] * second) + (float) EPSILON);
            }
        }
    }

    /**
     * @param arena for what products read
     * @param batch rows of a step at most, a multiple of run
     * @param run rows that follow each other in a text
     * @param share of the regression's term
     * @param smoothing of the term that draws neighbours together
     */
    HeadRegression(
            Arena arena,
            int features,
            int hidden,
            int outputs,
            int batch,
            int run,
            double share,
            double smoothing,
            Workers alone,
            long seed) {
        this.features = features;
        this.hidden = hidden;
        this.outputs = outputs;
        this.batch = batch;
        this.run = run;
        this.share = share;
        this.smoothing = smoothing;
        this.alone = alone;
        SplittableRandom random = new SplittableRandom(seed);
        inner = new Weights(arena, random, hidden, features);
        outer = new Weights(arena, random, outputs, hidden);
        columns = arena.allocate(Math.multiplyExact((long) Float.BYTES * batch, features), Long.BYTES);
        before = new float[Math.multiplyExact(batch, hidden)];
        after = new float[before.length];
        back = new float[before.length];
        predicted = new float[Math.multiplyExact(batch, outputs)];
        error = new float[predicted.length];
    }

    /** W1, {@code [hidden][features]}. */
    float[] inner() {
        return inner.values;
    }

    /** W2, {@code [outputs][hidden]}. */
    float[] outer() {
        return outer.values;
    }

    float[] innerGradient() {
        return inner.gradient;
    }

    float[] outerGradient() {
        return outer.gradient;
    }

    /**
     * Takes a step against the gradient of a batch.
     *
     * @param x {@code [batch][features]}
     * @param labels {@code [batch][outputs]}
     * @return the loss before it
     */
    double step(float[] x, float[] labels, double rate, Cancellation cancellation) {
        double loss = gradient(x, labels, cancellation);
        steps++;
        inner.step(rate, steps);
        outer.step(rate, steps);
        return loss;
    }

    /** The loss of a batch; writes its gradients. */
    double gradient(float[] x, float[] labels, Cancellation cancellation) {
        MatMul.Rows rows = new MatMul.Rows(0, batch);
        matMul.multiply(alone, cancellation, rows, x, new MatMul.Product(inner.matrix(), before));
        activate();
        matMul.multiply(alone, cancellation, rows, after, new MatMul.Product(outer.matrix(), predicted));
        double loss = loss(labels);
        backOuter();
        backHidden();
        for (int row = 0; row < batch; row++) {
            for (int f = 0; f < features; f++) {
                columns.setAtIndex(ValueLayout.JAVA_FLOAT, (long) f * batch + row, x[row * features + f]);
            }
        }
        Matrix transposed = new Matrix(columns, ElementType.F32, features, batch);
        MatMul.Rows units = new MatMul.Rows(0, hidden);
        matMul.multiply(alone, cancellation, units, back, new MatMul.Product(transposed, inner.gradient));
        return loss;
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    private void activate() {
        for (int i = 0; i < before.length; i++) {
            after[i] = (float) (before[i] * sigmoid(before[i]));
        }
    }

    /** The loss of what is predicted; writes {@link #error}. */
    private double loss(float[] labels) {
        double regression = share / error.length, smooth = smoothing / ((batch - batch / run) * (double) outputs);
        double loss = 0;
        for (int i = 0; i < error.length; i++) {
            double by = predicted[i] - labels[i], size = Math.abs(by);
            loss += regression * (size < 1 ? by * by / 2 : size - 0.5);
            error[i] = (float) (regression * Math.clamp(by, -1, 1));
        }
        for (int row = 0; row + 1 < batch; row++) {
            if ((row + 1) % run == 0) {
                continue; // the next one is of another run
            }
            for (int o = row * outputs; o < (row + 1) * outputs; o++) {
                double by = predicted[o] - predicted[o + outputs];
                loss += smooth * by * by;
                error[o] += (float) (2 * smooth * by);
                error[o + outputs] -= (float) (2 * smooth * by);
            }
        }
        return loss;
    }

    private void backOuter() {
        for (int o = 0; o < outputs; o++) {
            for (int j = 0; j < hidden; j++) {
                double sum = 0;
                for (int row = 0; row < batch; row++) {
                    sum += (double) error[row * outputs + o] * after[row * hidden + j];
                }
                outer.gradient[o * hidden + j] = (float) sum;
            }
        }
    }

    private void backHidden() {
        for (int row = 0; row < batch; row++) {
            for (int j = 0; j < hidden; j++) {
                double sum = 0;
                for (int o = 0; o < outputs; o++) {
                    sum += (double) error[row * outputs + o] * outer.values[o * hidden + j];
                }
                double at = before[row * hidden + j], s = sigmoid(at);
                back[j * batch + row] = (float) (sum * s * (1 + at * (1 - s)));
            }
        }
    }
}
