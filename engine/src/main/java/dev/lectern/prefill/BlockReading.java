package dev.lectern.prefill;

import dev.lectern.Cancellation;
import dev.lectern.Progress;
import dev.lectern.Question;
import dev.lectern.attention.DecodeAttention;
import dev.lectern.attention.Highest;
import dev.lectern.attention.Segments;
import dev.lectern.kv.KvCache;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads the blocks of a text one after another, each through all layers. A block needs only what blocks before it pass on, so this is what hosts compute that read all blocks at once, layer by layer, bit for bit (with
 * formats that store tokens at once). Everything is kept: what is asked later looks at all tokens of all blocks.
 *
 * <p>The first block is read as {@link Full} reads. With its last step come the anchor, if that holds a question, and the question itself, as it would stand behind the text and sees no more of it than the anchor: its queries are what
 * {@link QueryMean} scores with.
 */
final class BlockReading implements AutoCloseable {
    private final Forward forward;
    private final Sequence sequence;
    private final int[] tokens;
    private final BlockRecipe recipe;
    private final DecodeAttention attention;
    private final Cancellation cancellation;
    private final Compressor compressor;
    private final List<ChosenTokens> passed = new ArrayList<>(); // of the blocks so far
    private final float[][] asked; // [layers][kvHeads][headDim]: the question's mean queries, where they are asked for
    private @Nullable Sequence anchor; // null for the first tokens of the text
    private @Nullable Sequence question;

    BlockReading(
            Forward forward,
            Sequence sequence,
            int[] tokens,
            BlockRecipe recipe,
            DecodeAttention attention,
            Cancellation cancellation) {
        this.forward = forward;
        this.sequence = sequence;
        this.tokens = tokens;
        this.recipe = recipe;
        this.attention = attention;
        this.cancellation = cancellation;
        compressor = recipe.compressor().get();
        asked = new float[sequence.cache().layers().size()][0];
    }

    void read(Slice.Logits logits, Prefill.LogitSink sink, Progress progress) {
        Division division = recipe.division();
        for (int block = 0; block < division.blocks(); block++) {
            int end = division.end(block);
            boolean passes = block + 1 < division.blocks();
            if (passes) {
                passed.add(new ChosenTokens(sequence.cache().layers(), recipe.passed(block)));
            }
            for (int from = division.start(block), to; from < end; from = to) {
                cancellation.check();
                to = from + Full.step(Full.CHUNK, sequence.cache().steady(), from, end);
                boolean first = from == division.start(block), last = to == end;
                Slice.Logits wanted = to == tokens.length ? logits : Slice.Logits.NONE;
                BlockRows rows = new BlockRows(block, from, passes && last);
                List<Slice> slices = new ArrayList<>();
                if (passes && block == 0 && last) {
                    slices.addAll(question());
                } else if (block > 0 && first && recipe.again()) {
                    slices.add(anchorSlice());
                }
                int[] some = Arrays.copyOfRange(tokens, from, to);
                Slice slice = new Slice(sequence, some, wanted, to < tokens.length, rows);
                slices.add(slice);
                Forward.Result result = forward.step(slices, attention, cancellation);
                if (wanted == Slice.Logits.LAST) {
                    sink.accept(to - 1, 1, result.values(), result.at(slices.size() - 1, 0));
                }
                progress.report(to, tokens.length);
            }
        }
    }

    /** What is computed once, with the last step of the first block. */
    private List<Slice> question() {
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
    private Slice anchorSlice() {
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

    private static void attend(RowAttention.Rows rows, Segments segments) {
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
    private void addAnchor(SegmentList segments, int layer) {
        Sequence apart = anchor;
        KvCache cache = apart == null ? sequence.cache() : apart.cache();
        segments.addVisible(cache, layer, apart == null ? recipe.anchor() : recipe.anchorLength());
    }

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

    /** A block's, or some of them. */
    private final class BlockRows implements RowAttention {
        private final int block;
        private final int token; // the first one's
        private final boolean passes; // whether the block ends with them, and passes something on

        BlockRows(int block, int token, boolean passes) {
            this.block = block;
            this.token = token;
            this.passes = passes;
        }

        @Override
        public void projected(int layer, int firstRow, int rows, float[] q, float[] k, float[] v) {
            compressor.projected(layer, token, firstRow, rows, q, k, v);
        }

        @Override
        public void attend(Rows rows) {
            if (passes && recipe.passed(block) > 0) {
                passed.get(block)
                        .take(
                                rows.layer(),
                                rows.cache(),
                                chosen(rows.layer(), rows.heads().kvHeads()));
            }
            SegmentList segments = new SegmentList();
            if (block > 0) {
                for (ChosenTokens earlier : passed.subList(0, block)) {
                    earlier.addTo(segments, rows.layer());
                }
                addAnchor(segments, rows.layer());
            }
            segments.addCausal(rows.cache(), rows.layer(), recipe.division().start(block), token + rows.count());
            BlockReading.attend(rows, segments);
        }

        /** The tokens that the block passes on, {@code [kvHeads]}: ascending. */
        private int[][] chosen(int layer, int kvHeads) {
            int from = recipe.division().start(block), to = recipe.division().end(block);
            int first = to - recipe.eligible(block);
            int[][] ids = new int[kvHeads][];
            float[] scores = new float[to - from], means = asked[layer];
            int width = means.length / kvHeads;
            for (int head = 0; head < kvHeads; head++) {
                float[] mean = Arrays.copyOfRange(means, head * width, (head + 1) * width);
                compressor.score(layer, head, sequence.cache(), from, to, mean, scores);
                float[] eligible = Arrays.copyOfRange(scores, first - from, scores.length);
                ids[head] = Highest.and(eligible, recipe.passed(block), 0, 0);
                for (int i = 0; i < ids[head].length; i++) {
                    ids[head][i] += first;
                }
            }
            return ids;
        }
    }

    /** Frees what only the reading needed. */
    @Override
    public void close() {
        passed.forEach(ChosenTokens::close);
        for (Sequence other : new Sequence[] {anchor, question}) {
            if (other != null) {
                other.close();
            }
        }
    }
}
