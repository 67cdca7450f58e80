package dev.lectern.kernel;

import dev.lectern.Cancellation;

/**
 * {@link MatMul} with the Vector API: {@link VectorSingles} for singles, {@link VectorChunks} for chunks. An instance owns its workers' buffers and works on one
 * product at a time; a second caller waits.
 */
final class VectorMatMul implements MatMul {
    private static final int ROWS = Interleaved.ROWS;

    /** Fewer weights than this, a few microseconds of work, are not worth handing to another thread. */
    private static final int SMALLEST_TASK = 32 << 10;

    /** Tasks per thread, so that a thread that was kept off its core does not hold up the others for long. */
    private static final int TASKS_PER_THREAD = 4;

    private Scratch[] scratch = new Scratch[0];
    private final Inputs inputs = new Inputs();
    private final Portions portions = new Portions();
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
        int columns = products[0].weights().columns();
        inputs.prepare(x, singles, columns, products);
        portions.cut(tasks(products, ROWS), Math.ceilDiv(SMALLEST_TASK / ROWS, columns), workers.threads());
        workers.run(portions.count(), cancellation, (task, worker) -> {
            int first = 0; // group of rows of the product
            for (Product product : products) {
                int rows = product.weights().rows();
                int from = Math.max(0, portions.from(task) - first) * ROWS;
                int to = Math.min(rows, (portions.to(task) - first) * ROWS);
                if (from < to && product.weights().isInterleaved()) {
                    InterleavedProducts.singles(scratch[worker], product, from, to, singles, inputs);
                } else if (from < to) {
                    VectorSingles.multiply(scratch[worker], product, from, to, singles, x);
                }
                first += Math.ceilDiv(rows, ROWS);
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
        return (int) Math.clamp(rows / ROWS, 1, 1 << 20) * ROWS;
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
