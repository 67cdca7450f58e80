package dev.lectern.benchmarks;

import dev.lectern.Cancellation;
import dev.lectern.kernel.ElementType;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.MatMul;
import dev.lectern.kernel.Matrix;
import dev.lectern.kernel.Workers;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/** Matrix products: of one row, as decode has them, with weights that come from memory; and of a chunk of a prompt. */
public class MatMulBenchmark extends Timed {
    private static final int OUTPUTS = 2048;
    private static final int INPUTS = 1024;
    private static final int CHUNK = 256;

    /** More than caches hold: a model's weights are read once in a step. */
    private static final long COLD_BYTES = 192L << 20;

    @Param({
        "F32",
        "F16",
        "BF16",
        "Q8_0",
        "Q4_0",
        "Q4_0 repacked",
        "Q4_1",
        "Q4_1 repacked",
        "Q5_0",
        "Q5_0 repacked",
        "Q4_K",
        "Q4_K repacked",
        "Q6_K",
        "Q6_K repacked"
    })
    public String weights = "";

    private final Arena arena = Arena.ofShared();
    private final Workers workers = new Workers(1);
    private final Cancellation cancellation = new Cancellation();
    private final MatMul matMul = Kernels.matMul();
    private final float[] x = RandomNumbers.floats(CHUNK * INPUTS);
    private final float[] out = new float[CHUNK * OUTPUTS];
    private final List<MatMul.Product> copies = new ArrayList<>();
    private int next;

    @Setup
    public void setUp() {
        String[] words = weights.split(" ", 2);
        Matrix matrix = RandomNumbers.matrix(arena, ElementType.valueOf(words[0]), OUTPUTS, INPUTS);
        if (words.length > 1) {
            matrix = RandomNumbers.repacked(arena, matrix);
        }
        long bytes = matrix.segment().byteSize();
        for (long all = 0; all < COLD_BYTES; all += bytes) {
            var copy = arena.allocate(bytes, 64);
            copy.copyFrom(matrix.segment());
            copies.add(
                    new MatMul.Product(new Matrix(copy, matrix.type(), OUTPUTS, INPUTS, matrix.isInterleaved()), out));
        }
    }

    @TearDown
    public void tearDown() {
        workers.close();
        arena.close();
    }

    @Benchmark
    public float[] single(Amount amount) {
        MatMul.Product product = copies.get(next++ % copies.size());
        matMul.multiply(workers, cancellation, new MatMul.Rows(1, 0), x, product);
        amount.add(2.0 * OUTPUTS * INPUTS, product.weights().segment().byteSize());
        return out;
    }

    @Benchmark
    public float[] chunk(Amount amount) {
        MatMul.Product product = copies.getFirst();
        matMul.multiply(workers, cancellation, new MatMul.Rows(0, CHUNK), x, product);
        amount.add(2.0 * OUTPUTS * INPUTS * CHUNK, product.weights().segment().byteSize());
        return out;
    }
}
