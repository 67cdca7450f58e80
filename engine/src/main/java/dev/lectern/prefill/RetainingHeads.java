package dev.lectern.prefill;

import dev.lectern.BadModelFileException;
import dev.lectern.Cancellation;
import dev.lectern.attention.Calibrated;
import dev.lectern.attention.Calibration;
import dev.lectern.kernel.ElementType;
import dev.lectern.kernel.Elementwise;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.MatMul;
import dev.lectern.kernel.Matrix;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.LayerCache;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Retaining heads: a small network for each layer that tells from a token's queries, keys and values before RoPE how much it will be looked at, for each kv head:
 * {@code s = W2 · SiLU(W1 · [q; k; v])}, without bias. They were trained for one model, on what its answers looked at, and need no question.
 *
 * <p>Source: Huang et al., "Locret: Enhancing Eviction in Long-Context LLM Inference with Trained Retaining Heads" (arXiv 2410.01805), section 3.2; APB (arXiv 2502.12085), section 3.3.
 */
public final class RetainingHeads {
    /** Rows that are computed at a time. */
    private static final int CHUNK = 512;

    /** Rows that a worker prepares at a time. */
    private static final int ROWS_PER_TASK = 32;

    private static final int MOST_HIDDEN = 1 << 16;

    private final String path; // of the file
    private final Layer[] layers;
    private final long sum;

    /**
     * The network of a layer.
     *
     * @param inner {@code [hidden][features]}, W1
     * @param outer {@code [kvHeads][hidden]}, W2
     */
    private record Layer(Matrix inner, Matrix outer) {}

    private RetainingHeads(String path, Layer[] layers, long sum) {
        this.path = path;
        this.layers = layers;
        this.sum = sum;
    }

    /** The name of a layer's W1, {@code [hidden][heads · headDim + 2 · kvHeads · headDim]}. */
    public static String inner(int layer) {
        return "layers." + layer + ".w1";
    }

    /** The name of a layer's W2, {@code [kvHeads][hidden]}. */
    public static String outer(int layer) {
        return "layers." + layer + ".w2";
    }

    /**
     * Those of a file.
     *
     * @throws BadModelFileException if it does not have them
     */
    public static RetainingHeads of(Calibrated kept) {
        List<Layer> layers = new ArrayList<>();
        for (Calibration.Table first = kept.tables().get(inner(0)); first != null; ) {
            int layer = layers.size();
            Calibration.Table second = kept.tables().get(outer(layer));
            if (second == null
                    || first.shape().size() != 2
                    || second.shape().size() != 2
                    || first.shape().getFirst() < 1
                    || first.shape().getFirst() > MOST_HIDDEN
                    || !first.shape().getFirst().equals(second.shape().getLast())) {
                throw new BadModelFileException(
                        kept.path(),
                        "its tables \"" + inner(layer) + "\" and \"" + outer(layer) + "\" are no network: run \""
                                + Calibrated.command(Calibrated.RETAINING_HEADS) + "\" again.");
            }
            layers.add(new Layer(matrix(first), matrix(second)));
            first = kept.tables().get(inner(layers.size()));
        }
        return new RetainingHeads(kept.path(), layers.toArray(Layer[]::new), kept.sum());
    }

    private static Matrix matrix(Calibration.Table table) {
        int rows = table.shape().getFirst(), columns = table.shape().getLast();
        long bytes = Math.multiplyExact((long) Float.BYTES * rows, columns);
        MemorySegment segment = Arena.ofAuto().allocate(bytes, Long.BYTES);
        MemorySegment.copy(table.numbers(), 0, segment, ValueLayout.JAVA_FLOAT, 0, table.numbers().length);
        return new Matrix(segment, ElementType.F32, rows, columns);
    }

    /** A checksum of all of them. */
    long sum() {
        return sum;
    }

    /**
     * Checks that they are for a model of such layers.
     *
     * @throws BadModelFileException if not
     */
    void requireFit(List<LayerCache> model) {
        boolean fit = layers.length == model.size();
        for (int layer = 0; fit && layer < layers.length; layer++) {
            LayerCache shape = model.get(layer);
            int queries = layers[layer].inner.columns() - 2 * shape.kvHeads() * shape.headDim();
            fit = layers[layer].outer.rows() == shape.kvHeads()
                    && queries > 0
                    && queries % (shape.kvHeads() * shape.headDim()) == 0;
        }
        if (!fit) {
            throw new BadModelFileException(
                    path,
                    "its " + layers.length + " networks are not for a model of " + model.size()
                            + " such layers: run \"" + Calibrated.command(Calibrated.RETAINING_HEADS)
                            + "\" for this one.");
        }
    }

    /** Scores as {@code apb} chooses by them: every token has the highest of those up to two tokens away. */
    public static float[] pooled(float[] scores) {
        return Compressor.pooled(scores);
    }

    /** Numbers in the queries of a token. */
    int queryWidth(int layer, int kvWidth) {
        return layers[layer].inner.columns() - 2 * kvWidth;
    }

    /** Scratch of one that scores. */
    public static final class Scratch {
        private final MatMul matMul = Kernels.matMul();
        private final Elementwise elementwise = Kernels.elementwise();
        private float[] features = {}; // [CHUNK][features]
        private float[] hidden = {}; // [CHUNK][hidden]
        private float[] ones = {}; // [CHUNK][hidden]
        private float[] out = {}; // [CHUNK][kvHeads]

        private void ensure(Layer layer) {
            int columns = layer.inner.columns(), width = layer.inner.rows();
            features = grown(features, columns);
            hidden = grown(hidden, width);
            out = grown(out, layer.outer.rows());
            if (ones.length < hidden.length) {
                ones = new float[hidden.length];
                Arrays.fill(ones, 1);
            }
        }

        private static float[] grown(float[] array, int columns) {
            return Buffers.grown(array, Math.multiplyExact(CHUNK, columns));
        }
    }

    /**
     * Scores rows. A row's scores do not depend, bit for bit, on the rows beside it, nor on the number of threads.
     *
     * @param kvWidth {@code kvHeads · headDim}
     * @param q {@code [rows][heads][headDim]} from qAt, before RoPE
     * @param k {@code [rows][kvWidth]} from kvAt
     * @param v {@code [rows][kvWidth]} from kvAt
     * @param scores {@code [rows][kvHeads]} from scoresAt, written
     */
    public void score(
            Workers workers,
            Cancellation cancellation,
            Scratch scratch,
            int layer,
            int rows,
            int kvWidth,
            float[] q,
            int qAt,
            float[] k,
            float[] v,
            int kvAt,
            float[] scores,
            int scoresAt) {
        Layer of = layers[layer];
        scratch.ensure(of);
        int kvHeads = of.outer.rows(), width = of.inner.rows(), features = of.inner.columns();
        int queries = queryWidth(layer, kvWidth);
        for (int done = 0; done < rows; done += CHUNK) {
            int begin = done, count = Math.min(CHUNK, rows - done);
            workers.run(Math.ceilDiv(count, ROWS_PER_TASK), cancellation, (task, worker) -> {
                int to = Math.min(count, (task + 1) * ROWS_PER_TASK);
                for (int row = task * ROWS_PER_TASK; row < to; row++) {
                    int at = row * features, kv = kvAt + (begin + row) * kvWidth;
                    System.arraycopy(q, qAt + (begin + row) * queries, scratch.features, at, queries);
                    System.arraycopy(k, kv, scratch.features, at + queries, kvWidth);
                    System.arraycopy(v, kv, scratch.features, at + queries + kvWidth, kvWidth);
                }
            });
            MatMul.Rows chunk = new MatMul.Rows(0, count);
            scratch.matMul.multiply(
                    workers, cancellation, chunk, scratch.features, new MatMul.Product(of.inner, scratch.hidden));
            workers.run(Math.ceilDiv(count, ROWS_PER_TASK), cancellation, (task, worker) -> {
                int to = Math.min(count, (task + 1) * ROWS_PER_TASK);
                scratch.elementwise.siluTimes(scratch.hidden, scratch.ones, task * ROWS_PER_TASK * width, to * width);
            });
            scratch.matMul.multiply(
                    workers, cancellation, chunk, scratch.hidden, new MatMul.Product(of.outer, scratch.out));
            System.arraycopy(scratch.out, 0, scores, scoresAt + begin * kvHeads, count * kvHeads);
        }
    }
}
