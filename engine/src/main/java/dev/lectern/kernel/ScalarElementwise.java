package dev.lectern.kernel;

/** The specification of {@link Elementwise}: plain loops in double precision. */
public final class ScalarElementwise implements Elementwise {
    @Override
    public void rmsNorm(float[] out, float[] x, float[] weight, float epsilon, int fromRow, int toRow) {
        int n = weight.length;
        for (int at = fromRow * n; at < toRow * n; at += n) {
            double squares = 0;
            for (int i = 0; i < n; i++) {
                squares += (double) x[at + i] * x[at + i];
            }
            double factor = 1 / Math.sqrt(squares / n + epsilon);
            for (int i = 0; i < n; i++) {
                out[at + i] = (float) (x[at + i] * factor * weight[i]);
            }
        }
    }

    @Override
    public void layerNorm(float[] out, float[] x, float[] weight, float[] bias, float epsilon, int fromRow, int toRow) {
        int n = weight.length;
        for (int at = fromRow * n; at < toRow * n; at += n) {
            double sum = 0;
            for (int i = 0; i < n; i++) {
                sum += x[at + i];
            }
            double mean = sum / n;
            double squares = 0;
            for (int i = 0; i < n; i++) {
                squares += (x[at + i] - mean) * (x[at + i] - mean);
            }
            double factor = 1 / Math.sqrt(squares / n + epsilon);
            for (int i = 0; i < n; i++) {
                out[at + i] = (float) ((x[at + i] - mean) * factor * weight[i] + bias[i]);
            }
        }
    }

    @Override
    public void siluTimes(float[] gate, float[] up, int from, int to) {
        for (int i = from; i < to; i++) {
            gate[i] = (float) (gate[i] / (1 + Math.exp(-gate[i])) * up[i]);
        }
    }

    @Override
    public void gelu(float[] x, int from, int to) {
        for (int i = from; i < to; i++) {
            double v = x[i];
            x[i] = (float) (v / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v))));
        }
    }

    @Override
    public void add(float[] x, float[] y, int from, int to) {
        for (int i = from; i < to; i++) {
            x[i] += y[i];
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
        double max = Double.NEGATIVE_INFINITY;
        for (int i = from; i < to; i++) {
            max = Math.max(max, x[i]);
        }
        double sum = 0;
        for (int i = from; i < to; i++) {
            sum += Math.exp(x[i] - max);
        }
        for (int i = from; i < to; i++) {
            x[i] = (float) (Math.exp(x[i] - max) / sum);
        }
    }
}
