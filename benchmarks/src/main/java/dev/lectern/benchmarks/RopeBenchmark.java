package dev.lectern.benchmarks;

import dev.lectern.model.Rope;
import dev.lectern.model.RopeConfig;
import dev.lectern.model.RopeScaling;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** Rotation by position, over the query heads of a chunk. */
public class RopeBenchmark extends Timed {
    private static final int ROWS = 128;
    private static final int HEADS = 9;
    private static final int HEAD_DIM = 64;

    @Param({"HALVES", "NEIGHBOURS"})
    public String pairing = "HALVES";

    private final float[] x = RandomNumbers.floats(ROWS * HEADS * HEAD_DIM);
    private final float[] table = new float[HEAD_DIM];
    private Rope rope = RopeConfig.NONE.forLength(1);

    @Setup
    public void setUp() {
        rope = new RopeConfig(
                        RopeConfig.Pairing.valueOf(pairing), HEAD_DIM, 10_000, new RopeScaling.None(), new float[0])
                .forLength(8192);
        rope.angles(1000, table, 0);
    }

    @Benchmark
    public float[] rotate(Amount amount) {
        for (int row = 0; row < ROWS; row++) {
            rope.rotate(x, row * HEADS * HEAD_DIM, HEADS, HEAD_DIM, table, 0);
        }
        amount.add(3.0 * x.length, 8.0 * x.length);
        return x;
    }
}
