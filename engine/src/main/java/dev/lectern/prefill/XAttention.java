package dev.lectern.prefill;

import dev.lectern.attention.Heads;
import dev.lectern.options.NamedOptions;

/**
 * XAttention: each {@value AntidiagonalChooser#BLOCK} queries of a head look at the blocks of as many keys that have the largest sums of scores along antidiagonals, as many as together have a share of the softmax (Xu, Xiao,
 * Huang, Guo and Han, "XAttention: Block Sparse Attention with Antidiagonal Scoring", ICML 2025, arXiv 2503.16428, section 2 and algorithm 1).
 *
 * <p>With stride S, the queries and keys of S consecutive tokens are put one behind the other, those of the queries in reverse, so that the product of such vectors is the sum along an antidiagonal of S times S scores,
 * and reaches every row and column of it. Over 1/(S √headDim) of these a softmax is taken along the keys, and summed over the rows and columns of a block. The first block and the diagonal are always looked at.
 *
 * <p>A chunk's blocks are chosen when its keys are stored, from the keys as the cache gives them back: putting them one behind the other again for each chunk costs little beside the products, and nothing has to be kept. Threshold 0.9 is
 * the paper's, for all heads; its search for a threshold of each head is not here.
 */
final class XAttention extends Chunkwise {
    private static final double THRESHOLD = 0.9;

    private final int stride;
    private final double threshold;

    XAttention(NamedOptions options) {
        this(options, Integer.parseInt(options.word("stride", "8", "16")), options.share("threshold", THRESHOLD));
    }

    private XAttention(NamedOptions options, int stride, double threshold) {
        super(options, "stride=" + stride + ":threshold=" + threshold);
        this.stride = stride;
        this.threshold = threshold;
    }

    @Override
    Chooser chooser(int tokens) {
        return new AntidiagonalChooser(stride, threshold);
    }

    @Override
    public long scratch(Heads heads, long tokens) {
        return AntidiagonalChooser.bytes(heads, stride, tokens);
    }
}
