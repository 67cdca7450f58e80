package dev.lectern.attention;

import static dev.lectern.kernel.AttentionTiles.TILE;

import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.Kernels;

/**
 * Hashes of directions. Bit c of a vector x is 1 where x · w_c > 0, with Gaussian vectors w_c; two vectors at an angle θ have the same bit with probability 1 − θ/π. The bits make codes of K bits for L
 * tables: bit b of the code of table t, the least significant first, is bit tK + b.
 *
 * <p>Source: Charikar, "Similarity estimation techniques from rounding algorithms" (STOC 2002), section 3.
 */
final class SimHash {
    /** Bits that are computed at a time. */
    static final int WORD = Long.SIZE;

    private static final int WORD_TILES = WORD / TILE;

    private final AttentionTiles kernel = Kernels.attentionTiles();
    private final int bits;
    private final int tables;
    private final int headDim;
    private final float[] projection; // [words][4][headDim][16]

    /**
     * Of given vectors.
     *
     * @param bits K
     * @param tables L
     * @param vectors {@code [tables · bits][headDim]}
     */
    SimHash(int bits, int tables, float[][] vectors) {
        this.bits = bits;
        this.tables = tables;
        headDim = vectors[0].length;
        projection = new float[words() * WORD * headDim];
        for (int c = 0; c < vectors.length; c++) {
            for (int d = 0; d < headDim; d++) {
                projection[(c / TILE * headDim + d) * TILE + c % TILE] = vectors[c][d];
            }
        }
    }

    /** Of vectors that depend on a seed and a purpose alone. */
    static SimHash gaussian(int bits, int tables, int headDim, long seed, long... purpose) {
        SplitMix random = new SplitMix();
        random.begin(seed, purpose);
        float[][] vectors = new float[tables * bits][headDim];
        for (float[] vector : vectors) {
            for (int d = 0; d < headDim; d++) {
                vector[d] = (float) random.nextGaussian();
            }
        }
        return new SimHash(bits, tables, vectors);
    }

    int tables() {
        return tables;
    }

    int headDim() {
        return headDim;
    }

    /** Words of a vector's bits. */
    int words() {
        return Math.ceilDiv(tables * bits, WORD);
    }

    /**
     * Computes one word of the bits of some vectors.
     *
     * @param x {@code [rows][headDim]} from xAt
     * @param products scratch, {@code [rows][64]}
     * @param out {@code [rows][stride]} from outAt: a word of each row is written
     */
    void hash(float[] x, int xAt, int rows, int word, float[] products, long[] out, int outAt, int stride) {
        int first = word * WORD_TILES * headDim * TILE;
        kernel.scores(x, xAt, rows, headDim, projection, first, WORD_TILES, products, 0, WORD);
        for (int row = 0; row < rows; row++) {
            out[outAt + row * stride] = kernel.positive(products, row * WORD);
        }
    }

    /** The code of a table. */
    int code(long[] words, int at, int table) {
        int first = table * bits, word = at + first / WORD, shift = first % WORD;
        long code = words[word] >>> shift;
        if (shift + bits > WORD) {
            code |= words[word + 1] << (WORD - shift);
        }
        return (int) code & ((1 << bits) - 1);
    }
}
