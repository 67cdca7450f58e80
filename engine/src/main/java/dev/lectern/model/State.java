package dev.lectern.model;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.MatMul;
import dev.lectern.kernel.Workers;

/** The activations of one step, and the kernel that multiplies them: scratch that grows to the largest step and is used by one step at a time. */
public final class State {
    /** Rows that one worker takes at a time in row-wise work. */
    private static final int ROWS_PER_TASK = 8;

    /** Of an array, on every JVM. */
    private static final int MAX_LENGTH = Integer.MAX_VALUE - 8;

    private final Workers workers;
    private final MatMul matMul = Kernels.matMul();
    private final Stopwatch stopwatch;
    private final Config config;
    private Cancellation cancellation = new Cancellation();
    private MatMul.Rows rows = new MatMul.Rows(0, 0);
    int[] positions = {};
    float[] hidden = {}; // [rows][hidden]
    float[] normed = {}; // [rows][hidden]
    float[] q = {}; // [rows][heads][headDim]
    float[] k = {}; // [rows][kvHeads][headDim]
    float[] v = {}; // [rows][kvHeads][headDim]
    float[] attended = {}; // [rows][heads][headDim]
    float[] gate = {}; // [rows][feedForward]
    float[] up = {}; // [rows][feedForward]
    float[] out = {}; // [rows][hidden]
    float[] logits = {}; // [rows that want them][vocabulary]

    State(Config config, Workers workers) {
        this.config = config;
        this.workers = workers;
        stopwatch = new Stopwatch(workers);
    }

    /** Bytes of scratch that a step of so many rows needs, of them so many with logits. */
    public static long bytes(Config config, int rows, int logitRows) {
        long perRow = 3L * config.hidden()
                + 2L * config.heads() * config.headDim()
                + 2L * config.kvHeads() * config.headDim()
                + 2L * config.feedForward();
        return Float.BYTES * (perRow * rows + (long) config.vocabulary() * logitRows);
    }

    /**
     * Makes ready for a step.
     *
     * @param positions one per row
     */
    public void begin(MatMul.Rows rows, int[] positions, Cancellation cancellation) {
        stopwatch.start(positions[0], rows);
        this.rows = rows;
        this.positions = positions;
        this.cancellation = cancellation;
        int n = rows.count();
        hidden = grown(hidden, n, config.hidden());
        normed = grown(normed, n, config.hidden());
        out = grown(out, n, config.hidden());
        q = grown(q, n, config.heads() * config.headDim());
        attended = grown(attended, n, config.heads() * config.headDim());
        k = grown(k, n, config.kvHeads() * config.headDim());
        v = grown(v, n, config.kvHeads() * config.headDim());
        gate = grown(gate, n, config.feedForward());
        up = grown(up, n, config.feedForward());
    }

    /**
     * As {@link #bytes}, for the part of a text that one of several hosts reads in a step.
     *
     * @throws LecternException of kind {@code NO_MEMORY} if its rows do not fit arrays
     */
    public static long bytesOfHost(Config config, int rows) {
        int widest = Math.max(config.hidden(), Math.max(config.heads() * config.headDim(), config.feedForward()));
        requireArrayOfHost(rows, widest);
        return bytes(config, rows, 1);
    }

    /**
     * Numbers in an array of one of several hosts, which reads its part of a text in a step.
     *
     * @throws LecternException of kind {@code NO_MEMORY} if they do not fit an array
     */
    public static int numbersOfHost(int rows, int width) {
        requireArrayOfHost(rows, width);
        return rows * width;
    }

    private static void requireArrayOfHost(int rows, int width) {
        if (!fitsArray(rows, width)) {
            throw new LecternException(
                    LecternException.Kind.NO_MEMORY,
                    "A host reads its part of a text in one step, and " + rows + " rows of " + width
                            + " numbers do not fit an array: use more hosts or a shorter text.");
        }
    }

    private static boolean fitsArray(int rows, int width) {
        return (long) rows * width <= MAX_LENGTH;
    }

    static float[] grown(float[] array, int rows, int width) {
        if (!fitsArray(rows, width)) {
            throw new LecternException(
                    LecternException.Kind.NO_MEMORY,
                    "A step of " + rows + " rows of " + width
                            + " numbers does not fit an array: ask for fewer answers at once.");
        }
        int needed = rows * width;
        return array.length >= needed ? array : new float[needed];
    }

    public MatMul.Rows rows() {
        return rows;
    }

    public int[] positions() {
        return positions;
    }

    public Workers workers() {
        return workers;
    }

    /** Times the step. */
    public Stopwatch stopwatch() {
        return stopwatch;
    }

    /** What was done since the last lap was this. */
    void lap(Part part) {
        stopwatch.lap(part);
    }

    public Cancellation cancellation() {
        return cancellation;
    }

    /** {@code [rows that wanted them][vocabulary]}, after {@link Decoder#logits}. */
    public float[] logits() {
        return logits;
    }

    /** Multiplies rows with weights, shared by the workers. */
    void multiply(MatMul.Rows rows, float[] x, MatMul.Product... products) {
        matMul.multiply(workers, cancellation, rows, x, products);
    }

    /** Row-wise work, shared by the workers. */
    interface RowRange {
        void run(int from, int to);
    }

    void eachRows(int rows, RowRange work) {
        int tasks = Math.ceilDiv(rows, ROWS_PER_TASK);
        if (tasks <= 1) {
            work.run(0, rows);
            return;
        }
        workers.run(
                tasks,
                cancellation,
                (task, worker) -> work.run(task * ROWS_PER_TASK, Math.min(rows, (task + 1) * ROWS_PER_TASK)));
    }

    /** Moves the rows that want logits to the front of {@link #normed}. */
    void gatherHidden(int[] wanted) {
        int width = config.hidden();
        for (int i = 0; i < wanted.length; i++) {
            System.arraycopy(hidden, wanted[i] * width, normed, i * width, width);
        }
        logits = grown(logits, wanted.length, config.vocabulary());
    }
}
