package dev.lectern.prefill;

import dev.lectern.Cancellation;
import dev.lectern.Progress;
import dev.lectern.Question;
import dev.lectern.attention.Highest;
import dev.lectern.attention.Segments;
import dev.lectern.kv.KvCache;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A text that is read in blocks. Everything is kept: what is asked later looks at all tokens of all blocks.
 *
 * <p>Beside the first block, and with its last step, come the anchor, if that holds a question, and the question itself, as it would stand behind the text and sees no more of it than the anchor: its queries are what
 * {@link QueryMean} scores with.
 */
abstract class BlockReading implements AutoCloseable {
    final Forward forward;
    final Sequence sequence;
    final int[] tokens;
    final BlockRecipe recipe;
    final Cancellation cancellation;
    final Compressor compressor;
    final float[][] asked; // [layers][kvHeads][headDim]: the question's mean queries, where they are asked for

    @Nullable
    Sequence anchor; // null for the first tokens of the text

    private @Nullable Sequence question;

    BlockReading(Forward forward, Sequence sequence, int[] tokens, BlockRecipe recipe, Cancellation cancellation) {
        this.forward = forward;
        this.sequence = sequence;
        this.tokens = tokens;
        this.recipe = recipe;
        this.cancellation = cancellation;
        compressor = recipe.compressor().make(sequence.cache().layers(), forward.workers(), cancellation);
        asked = new float[sequence.cache().layers().size()][0];
    }

    /** Reads the text, or what this host has of it. */
    abstract void read(Slice.Logits logits, Prefill.LogitSink sink, Progress progress);

    /** What is computed once, with the last step of the first block. */
    final List<Slice> question() {
        List<Slice> slices = new ArrayList<>();
        if (recipe.embedded() != null) {
            slices.add(anchorSlice());
        }
        Question known = recipe.question();
        if (known != null && compressor.asks() && recipe.passing() > 0) {
            question = beside(tokens.length);
            slices.add(new Slice(question, known.tokens(), Slice.Logits.NONE, false, new QuestionRows()));
        }
        return slices;
    }

    /** A slice that computes the anchor, from here on the one that is looked at. */
    final Slice anchorSlice() {
        Sequence before = anchor, fresh = beside(0);
        anchor = fresh;
        if (before != null) {
            before.close();
        }
        int[] some = recipe.anchorTokens(tokens);
        return new Slice(fresh, some, Slice.Logits.NONE, false, BlockReading::attendCausally);
    }

    /** A sequence of tokens that are not kept. */
    private Sequence beside(int position) {
        return sequence.with(new KvCache(ChosenTokens.exact(sequence.cache().layers()), position));
    }

    private static void attendCausally(RowAttention.Rows rows) {
        int to = rows.cache().length() + rows.count();
        attend(rows, Segments.of(rows.cache(), rows.layer(), to));
    }

    static void attend(RowAttention.Rows rows, Segments segments) {
        rows.exact()
                .chunk(
                        rows.heads(),
                        rows.q(),
                        rows.first(),
                        rows.count(),
                        rows.cache().length(),
                        segments,
                        rows.out(),
                        null,
                        rows.cancellation());
    }

    /** Adds the anchor to what is attended to. */
    abstract void addAnchor(SegmentList segments, int layer);

    /** The question's: they see the anchor and each other. */
    private final class QuestionRows implements RowAttention {
        @Override
        public void attend(Rows rows) {
            asked[rows.layer()] = mean(rows);
            SegmentList segments = new SegmentList();
            addAnchor(segments, rows.layer());
            segments.addCausal(rows.cache(), rows.layer(), 0, rows.count());
            BlockReading.attend(rows, segments);
        }

        /** Of the queries for each kv head, over rows and the heads of its group. */
        private static float[] mean(Rows rows) {
            int headDim = rows.heads().headDim(),
                    group = rows.heads().group(),
                    heads = rows.heads().heads();
            float[] mean = new float[rows.heads().kvHeads() * headDim];
            for (int row = rows.first(); row < rows.first() + rows.count(); row++) {
                for (int head = 0; head < heads; head++) {
                    int from = (row * heads + head) * headDim, to = head / group * headDim;
                    for (int d = 0; d < headDim; d++) {
                        mean[to + d] += rows.q()[from + d];
                    }
                }
            }
            for (int i = 0; i < mean.length; i++) {
                mean[i] /= rows.count() * group;
            }
            return mean;
        }
    }

    /**
     * The tokens that a block passes on, {@code [kvHeads]}: ascending, as places in the cache.
     *
     * @param cache holds the block's keys of the layer
     * @param start of the block's first token in the cache
     */
    final int[][] chosen(int layer, int block, KvCache cache, int start) {
        int kvHeads = cache.layers().get(layer).kvHeads();
        int to = start + recipe.division().end(block) - recipe.division().start(block);
        int first = to - recipe.eligible(block);
        int[][] ids = new int[kvHeads][];
        float[] scores = new float[to - start], means = asked[layer];
        int width = means.length / kvHeads;
        for (int head = 0; head < kvHeads; head++) {
            float[] mean = Arrays.copyOfRange(means, head * width, (head + 1) * width);
            compressor.score(layer, head, block, cache, start, to, mean, scores);
            float[] eligible = Arrays.copyOfRange(scores, first - start, scores.length);
            ids[head] = Highest.and(eligible, recipe.passed(block), 0, 0);
            for (int i = 0; i < ids[head].length; i++) {
                ids[head][i] += first;
            }
        }
        return ids;
    }

    /** Tells the compressor of rows of a block, if that passes something on. */
    final void tellProjected(int layer, int block, int token, int firstRow, int rows, float[] q, float[] k, float[] v) {
        if (block + 1 < recipe.division().blocks() && recipe.passed(block) > 0) {
            compressor.projected(layer, token - recipe.division().start(block), firstRow, rows, q, k, v);
        }
    }

    /** Frees what only the reading needed. */
    @Override
    public void close() {
        for (Sequence other : new Sequence[] {anchor, question}) {
            if (other != null) {
                other.close();
            }
        }
    }
}
