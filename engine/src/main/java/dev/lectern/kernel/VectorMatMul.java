package dev.lectern.kernel;

import dev.lectern.Cancellation;
import java.util.stream.Stream;

/**
 * {@link MatMul} with the Vector API: {@link VectorSingles} for singles, {@link VectorChunks} for chunks. An instance owns its workers' buffers and works on one
 * product at a time; a second caller waits.
 */
final class VectorMatMul implements MatMul {
    /** Fewer weights than this, a few microseconds of work, are not worth handing to another thread. */
    private static final int SMALLEST_TASK = 32 << 10;

    /** Tasks per thread, so that a thread that was kept off its core does not hold up the others for long. */
    private static final int TASKS_PER_THREAD = 4;

    private Scratch[] scratch = new Scratch[0];
    private final Inputs inputs = new Inputs();
    private float[] packed = new float[0];

    @Override
    public synchronized void multiply(
            Workers workers, Cancellation cancellation, Rows rows, float[] x, Product... products) {
        if (products.length == 0) {
            return;
        }
        int columns = products[0].weights().columns();
        for (Product product : products) {
            if (product.weights().columns() != columns) {
                throw new IllegalArgumentException("products that share their input have " + columns + " and "
                        + product.weights().columns() + " columns");
            }
            Products.check(product, rows, x);
        }
        ensureScratch(workers.threads());
        if (rows.singles() > 0) {
            singles(workers, cancellation, rows.singles(), x, products);
        }
        int group = groupTokens(columns);
        for (int done = 0; done < rows.chunked(); done += group) {
            int tokens = Math.min(group, rows.chunked() - done);
            chunk(workers, cancellation, rows.singles() + done, tokens, x, products);
        }
    }

    private void ensureScratch(int threads) {
        if (scratch.length < threads) {
            scratch = new Scratch[threads];
            for (int i = 0; i < threads; i++) {
                scratch[i] = new Scratch();
            }
        }
    }

    /** Tokens per group: fewer where the packed rows would not fit an array. */
    private static int groupTokens(int columns) {
        int fitting = (Integer.MAX_VALUE - 64) / columns / 64 * 64;
        return Math.clamp(fitting, 1, Tiles.TOKENS);
    }

    private void singles(Workers workers, Cancellation cancellation, int singles, float[] x, Product[] products) {
        long weights = 0;
        for (Product product : products) {
            weights += (long) product.weights().rows() * product.weights().columns();
        }
        if (Stream.of(products).anyMatch(p -> p.weights().isInterleaved())) {
            inputs.prepare(x, singles, products[0].weights().columns());
        }
        long perTask = Math.max(SMALLEST_TASK, weights / (workers.threads() * TASKS_PER_THREAD));
        int rowsPerTask = wholeGroups(perTask / products[0].weights().columns());
        workers.run(tasks(products, rowsPerTask), cancellation, (index, worker) -> {
            int task = index;
            for (Product product : products) {
                int here = tasks(product, rowsPerTask);
                if (task < here) {
                    int from = task * rowsPerTask;
                    int to = Math.min(from + rowsPerTask, product.weights().rows());
                    if (product.weights().isInterleaved()) {
                        InterleavedProducts.singles(scratch[worker], product, from, to, singles, inputs);
                    } else {
                        VectorSingles.multiply(scratch[worker], product, from, to, singles, x);
                    }
                    return;
                }
                task -= here;
            }
        });
    }

    private void chunk(
            Workers workers, Cancellation cancellation, int firstRow, int tokens, float[] x, Product[] products) {
        int columns = products[0].weights().columns();
        packed = Scratch.grown(packed, VectorChunks.packedLength(tokens, columns));
        workers.run(
                VectorChunks.blocks(tokens),
                cancellation,
                (block, worker) -> VectorChunks.pack(x, firstRow * columns, tokens, columns, block, packed));
        int rowsPerTask = panelRows(workers.threads(), products);
        workers.run(tasks(products, rowsPerTask), cancellation, (index, worker) -> {
            int task = index;
            for (Product product : products) {
                int here = tasks(product, rowsPerTask);
                if (task < here) {
                    int from = task * rowsPerTask;
                    int to = Math.min(from + rowsPerTask, product.weights().rows());
                    VectorChunks.multiply(scratch[worker], product, from, to, packed, tokens, firstRow);
                    return;
                }
                task -= here;
            }
        });
    }

    /** Rows of a panel: full ones, unless many threads would then stand idle. */
    private static int panelRows(int threads, Product[] products) {
        long outputs = 0;
        for (Product product : products) {
            outputs += product.weights().rows();
        }
        return Math.min(wholeGroups(outputs / (threads * (long) TASKS_PER_THREAD)), VectorChunks.PANEL_ROWS);
    }

    /** Rows of a task, so many that no group of interleaved rows is shared by two. */
    private static int wholeGroups(long rows) {
        return (int) Math.clamp(rows / Interleaved.ROWS, 1, 1 << 20) * Interleaved.ROWS;
    }

    private static int tasks(Product[] products, int rowsPerTask) {
        int tasks = 0;
        for (Product product : products) {
            tasks += tasks(product, rowsPerTask);
        }
        return tasks;
    }

    private static int tasks(Product product, int rowsPerTask) {
        return (product.weights().rows() + rowsPerTask - 1) / rowsPerTask;
    }

    @Override
    public String name() {
        return "vector";
    }
}
