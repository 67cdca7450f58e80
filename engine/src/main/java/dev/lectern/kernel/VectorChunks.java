package dev.lectern.kernel;

import static dev.lectern.kernel.Lanes.L;

import java.util.Arrays;

/**
 * Weights times many vectors: what prefill does. Tokens run along the lanes. A panel of weight rows is decoded, a block of columns at a time, to f32 in the second-level cache
 * and multiplied there with all tokens of a group; the sums are turned round to {@code [token][output]} at the end.
 *
 * <p>The order of summation: within a block of columns one after the other, then block after block; the blocks depend on the shape of the weights alone.
 */
final class VectorChunks {
    /** 96 rows of 512 columns are 192 KB: with a block of tokens they stay in a second-level cache of 512 KB. */
    static final int PANEL_ROWS = 96;

    private static final int BLOCK = Tiles.WIDTH;

    private static final int ROWS = Interleaved.ROWS;

    private VectorChunks() {}

    /** Floats of {@code tokens} packed rows of {@code columns}. */
    static long packedLength(int tokens, int columns) {
        return (long) vectors(tokens) * L * columns;
    }

    private static int vectors(int tokens) {
        return (tokens + L - 1) / L;
    }

    /** How many blocks of tokens {@link #pack} packs one by one. */
    static int blocks(int tokens) {
        return (tokens + BLOCK - 1) / BLOCK;
    }

    /**
     * Packs one block of tokens: {@code [columns][width]}, where the width is that of a full tile or, in the last block, as many whole vectors as are needed;
     * lanes without a token are zero.
     *
     * @param x {@code [tokens][columns]} from {@code at} on
     */
    static void pack(float[] x, int at, int tokens, int columns, int block, float[] packed) {
        int first = block * BLOCK;
        int width = width(tokens, block);
        int to = first * columns;
        int here = Math.min(width, tokens - first);
        if (here < width) {
            Arrays.fill(packed, to, to + width * columns, 0);
        }
        // 16 columns of all tokens at a time: the lines written stay in the cache until they are full
        for (int k = 0; k < columns; k += 16) {
            int some = Math.min(16, columns - k);
            for (int t = 0; t < here; t++) {
                int source = at + (first + t) * columns + k;
                int target = to + k * width + t;
                for (int i = 0; i < some; i++) {
                    packed[target + i * width] = x[source + i];
                }
            }
        }
    }

    private static int width(int tokens, int block) {
        return Math.min(BLOCK, vectors(tokens) * L - block * BLOCK);
    }

    /**
     * Computes outputs {@code from} to {@code to}, at most {@link #PANEL_ROWS}, for a group of tokens.
     *
     * @param packed the group's rows, all blocks of {@link #pack}
     * @param tokens at most {@link Tiles#TOKENS}
     * @param firstRow the group's first row of the product's output
     */
    static void multiply(
            Scratch s, MatMul.Product product, int from, int to, float[] packed, int tokens, int firstRow) {
        Matrix w = product.weights();
        int columns = w.columns();
        s.panel = Scratch.grown(s.panel, PANEL_ROWS * Tiles.COLUMNS);
        s.sums = Scratch.grown(s.sums, PANEL_ROWS * Tiles.STRIDE);
        Arrays.fill(s.sums, 0, (to - from + 3) / 4 * 4 * Tiles.STRIDE, 0);
        int strip = strip(w.type(), columns);
        for (int k = 0; k < columns; k += strip) {
            int some = Math.min(strip, columns - k);
            decode(s, w, from, to, k, some);
            for (int block = 0; block < blocks(tokens); block++) {
                int width = width(tokens, block);
                int x = block * BLOCK * columns + k * width;
                for (int row = 0; row < to - from; row += 4) {
                    int sums = row * Tiles.STRIDE + block * BLOCK;
                    int weights = row / ROWS * ROWS * Tiles.COLUMNS + row % ROWS;
                    Tiles.multiply(width / L, s.panel, weights, packed, x, width, some, s.sums, sums);
                }
            }
        }
        store(s.sums, product.out(), from, to, w.rows(), tokens, firstRow);
    }

    /** Decodes some columns of a panel: {@code [groups][columns][ROWS]}. */
    private static void decode(Scratch s, Matrix w, int from, int to, int first, int count) {
        for (int row = from; row < to; row += ROWS) {
            int at = (row - from) * Tiles.COLUMNS;
            if (w.isInterleaved()) {
                InterleavedProducts.decode(s, w, row / ROWS, first, count, s.panel, at);
            } else {
                int rows = Math.min(ROWS, to - row);
                long p = row * w.rowBytes() + w.type().bytes(first);
                s.row = Scratch.grown(s.row, ROWS * Tiles.COLUMNS);
                VectorRows.decode(w.type(), w.segment(), p, w.rowBytes(), rows, count, s.row, 0, Tiles.COLUMNS, s);
                interleave(s.row, rows, count, s.panel, at);
            }
        }
    }

    /** Turns decoded rows round, 16 columns at a time: what is read and what is written stays in the first-level cache. */
    private static void interleave(float[] rows, int count, int columns, float[] panel, int at) {
        for (int k = 0; k < columns; k += 16) {
            int some = Math.min(16, columns - k);
            for (int r = 0; r < count; r++) {
                int from = r * Tiles.COLUMNS + k;
                int to = at + k * ROWS + r;
                for (int i = 0; i < some; i++) {
                    panel[to + i * ROWS] = rows[from + i];
                }
            }
        }
    }

    /** How many columns are decoded at a time: as few blocks of columns as possible, of about equal size. */
    private static int strip(ElementType type, int columns) {
        int blocks = (columns + Tiles.COLUMNS - 1) / Tiles.COLUMNS;
        int strip = (columns + blocks - 1) / blocks;
        int whole = Math.max(16, type.blockElements());
        return (strip + whole - 1) / whole * whole;
    }

    /** Turns the sums round, eight tokens at a time: each line of sums is read once, and eight lines of output fill up side by side. */
    private static void store(float[] sums, float[] out, int from, int to, int outputs, int tokens, int firstRow) {
        for (int t = 0; t < tokens; t += 8) {
            int some = Math.min(8, tokens - t);
            for (int o = from; o < to; o++) {
                int source = (o - from) * Tiles.STRIDE + t;
                int target = (firstRow + t) * outputs + o;
                for (int i = 0; i < some; i++) {
                    out[target + i * outputs] = sums[source + i];
                }
            }
        }
    }
}
