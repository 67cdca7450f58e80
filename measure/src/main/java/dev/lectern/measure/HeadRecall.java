package dev.lectern.measure;

import dev.lectern.AttentionObserver;
import dev.lectern.AttentionShape;
import dev.lectern.Cancellation;
import dev.lectern.attention.Highest;
import dev.lectern.attention.SplitMix;
import dev.lectern.kernel.Workers;
import dev.lectern.prefill.RetainingHeads;
import java.util.ArrayList;
import java.util.List;

/** How many of the tokens that an answer looked at most are chosen: by retaining heads, by the mean of the question's queries, and at random. */
public final class HeadRecall {
    /** The part of a text that is chosen: what {@code apb} passes on of a block, unless told otherwise. */
    static final int PART = 8;

    private final AttentionShape shape;
    private final RetainingHeads heads;
    private final Workers workers;
    private final Cancellation cancellation;
    private final RetainingHeads.Scratch scratch = new RetainingHeads.Scratch();
    private final double[][] found; // [layers][scorers]
    private long lists; // of each layer: kv heads of texts

    HeadRecall(AttentionShape shape, RetainingHeads heads, Workers workers, Cancellation cancellation) {
        this.shape = shape;
        this.heads = heads;
        this.workers = workers;
        this.cancellation = cancellation;
        found = new double[shape.layers()][5];
    }

    /**
     * Shares of the tokens that were looked at most, 0 to 1, in a layer.
     *
     * @param heads of the heads' highest scores
     * @param query of the highest by the question's mean query
     * @param random of any tokens
     * @param headsPooled the first where neighbours have the score of the highest beside them, as {@code apb} has it
     * @param queryPooled the second in the same way
     */
    public record Row(double heads, double query, double random, double headsPooled, double queryPooled) {
        static Row mean(List<Row> rows) {
            double[] sums = new double[5];
            for (Row row : rows) {
                double[] of = {row.heads, row.query, row.random, row.headsPooled, row.queryPooled};
                for (int i = 0; i < sums.length; i++) {
                    sums[i] += of[i] / rows.size();
                }
            }
            return new Row(sums[0], sums[1], sums[2], sums[3], sums[4]);
        }
    }

    /** By layer. */
    List<Row> rows() {
        List<Row> rows = new ArrayList<>();
        for (double[] of : found) {
            rows.add(new Row(of[0] / lists, of[1] / lists, of[2] / lists, of[3] / lists, of[4] / lists));
        }
        return rows;
    }

    /** Observes the reading of one text and of its answer. */
    final class Text implements AttentionObserver {
        private final int tokens; // before the question
        private final AnswerLabels answer;
        private final float[][] scores; // [layers][tokens][kvHeads]

        Text(HeadText text) {
            tokens = text.question();
            int[] all = new int[tokens];
            for (int t = 0; t < tokens; t++) {
                all[t] = t;
            }
            answer = new AnswerLabels(shape, all, text.question(), text.prompt().length);
            scores = new float[shape.layers()][Math.multiplyExact(tokens, shape.kvHeads())];
        }

        @Override
        public void projected(
                int layer, int firstPosition, int rows, float[] q, int qAt, float[] k, int kAt, float[] v, int vAt) {
            int count = Math.min(rows, tokens - firstPosition), width = shape.kvHeads() * shape.headDim();
            if (count > 0) {
                int to = firstPosition * shape.kvHeads();
                heads.score(workers, cancellation, scratch, layer, count, width, q, qAt, k, v, kAt, scores[layer], to);
            }
        }

        @Override
        public void attended(
                int layer,
                int firstPosition,
                int rows,
                float[] q,
                int qAt,
                float[] k,
                int kAt,
                float[] out,
                int outAt) {
            answer.attended(layer, firstPosition, rows, q, qAt, k, kAt, out, outAt);
        }

        /** The text was read, its answer too. */
        void finish() {
            int chosen = Math.max(1, tokens / PART);
            SplitMix random = new SplitMix();
            for (int layer = 0; layer < shape.layers(); layer++) {
                for (int kvHead = 0; kvHead < shape.kvHeads(); kvHead++) {
                    int[] looked = Highest.and(column(answer.of(layer), kvHead), chosen, 0, 0);
                    float[] learned = column(scores[layer], kvHead), asked = answer.byQuestion(layer, kvHead);
                    float[] any = new float[tokens];
                    random.begin(1, layer, kvHead, lists);
                    for (int t = 0; t < tokens; t++) {
                        any[t] = (float) random.next();
                    }
                    float[][] all = {learned, asked, any, RetainingHeads.pooled(learned), RetainingHeads.pooled(asked)};
                    for (int scorer = 0; scorer < all.length; scorer++) {
                        int both = common(looked, Highest.and(all[scorer], chosen, 0, 0));
                        found[layer][scorer] += (double) both / chosen;
                    }
                }
            }
            lists += shape.kvHeads();
        }

        private float[] column(float[] of, int kvHead) {
            float[] column = new float[tokens];
            for (int t = 0; t < tokens; t++) {
                column[t] = of[t * shape.kvHeads() + kvHead];
            }
            return column;
        }

        private static int common(int[] a, int[] b) {
            int both = 0;
            for (int i = 0, j = 0; i < a.length && j < b.length; ) {
                both += a[i] == b[j] ? 1 : 0;
                int step = Integer.compare(a[i], b[j]);
                i += step <= 0 ? 1 : 0;
                j += step >= 0 ? 1 : 0;
            }
            return both;
        }
    }
}
