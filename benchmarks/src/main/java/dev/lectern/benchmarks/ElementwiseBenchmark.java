package dev.lectern.benchmarks;

import dev.lectern.kernel.Elementwise;
import dev.lectern.kernel.Kernels;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Setup;

/** What lies between the products, over the rows of a chunk. Bytes count once where they are read and once where they are written. */
public class ElementwiseBenchmark extends Timed {
    private static final int ROWS = 128;
    private static final int WIDTH = 1536;
    private static final int COUNT = ROWS * WIDTH;
    private static final double BYTES = 4.0 * COUNT;
    private static final float EPSILON = 1e-5f;

    private final Elementwise elementwise = Kernels.elementwise();
    private final float[] numbers = RandomNumbers.floats(COUNT);
    private final float[] others = RandomNumbers.floats(COUNT);
    private final float[] weight = RandomNumbers.floats(WIDTH);
    private final float[] bias = RandomNumbers.floats(WIDTH);
    private final float[] x = new float[COUNT];

    /** Most kernels overwrite their input, which would become ever smaller. */
    @Setup(Level.Invocation)
    public void setUp() {
        System.arraycopy(numbers, 0, x, 0, COUNT);
    }

    @Benchmark
    public float[] rmsNorm(Amount amount) {
        elementwise.rmsNorm(x, x, weight, EPSILON, 0, ROWS);
        amount.add(4.0 * COUNT, 2 * BYTES);
        return x;
    }

    @Benchmark
    public float[] layerNorm(Amount amount) {
        elementwise.layerNorm(x, x, weight, bias, EPSILON, 0, ROWS);
        amount.add(8.0 * COUNT, 2 * BYTES);
        return x;
    }

    @Benchmark
    public float[] siluTimes(Amount amount) {
        elementwise.siluTimes(x, others, 0, COUNT);
        amount.add(3.0 * COUNT, 3 * BYTES);
        return x;
    }

    @Benchmark
    public float[] gelu(Amount amount) {
        elementwise.gelu(x, 0, COUNT);
        amount.add(6.0 * COUNT, 2 * BYTES);
        return x;
    }

    @Benchmark
    public float[] add(Amount amount) {
        elementwise.add(x, others, 0, COUNT);
        amount.add(COUNT, 3 * BYTES);
        return x;
    }

    @Benchmark
    public float[] addBias(Amount amount) {
        elementwise.addBias(x, bias, 0, ROWS);
        amount.add(COUNT, 2 * BYTES);
        return x;
    }

    @Benchmark
    public float[] softmax(Amount amount) {
        for (int row = 0; row < ROWS; row++) {
            elementwise.softmax(x, row * WIDTH, (row + 1) * WIDTH);
        }
        amount.add(4.0 * COUNT, 2 * BYTES);
        return x;
    }
}
