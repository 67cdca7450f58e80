package dev.lectern.measure;

import dev.lectern.AttentionObserver;
import dev.lectern.AttentionShape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/** What retaining heads learn from: queries, keys and values before RoPE of runs of tokens of many texts, in f16, and how much the answers looked at them. */
final class HeadFeatures {
    /** Tokens that follow each other. */
    static final int RUN = 32;

    private static final ValueLayout.OfShort F16 = ValueLayout.JAVA_SHORT;
    private static final float LARGEST = 65504; // of f16

    private final AttentionShape shape;
    private final int features;
    private final int most;
    private final MemorySegment numbers; // [layers][runs][RUN][features] f16
    private final float[][] labels; // [layers][runs][RUN][kvHeads]
    private int runs;

    /** @param most runs for which there is to be room */
    HeadFeatures(Arena arena, AttentionShape shape, int most) {
        this.shape = shape;
        this.most = most;
        features = width(shape);
        numbers = arena.allocate(Math.multiplyExact(bytesOfRun(shape), (long) most), Long.BYTES);
        labels = new float[shape.layers()][Math.multiplyExact(most * RUN, shape.kvHeads())];
    }

    /** Features of a token. */
    static int width(AttentionShape shape) {
        return (shape.heads() + 2 * shape.kvHeads()) * shape.headDim();
    }

    /** Bytes of the features of a run in all layers. */
    static long bytesOfRun(AttentionShape shape) {
        return Math.multiplyExact((long) RUN * shape.layers() * Short.BYTES, (long) width(shape));
    }

    int runs() {
        return runs;
    }

    /** Copies the features of a run. */
    void read(int layer, int run, float[] into, int at) {
        long from = ((long) layer * most + run) * RUN * features;
        for (int i = 0; i < RUN * features; i++) {
            into[at + i] = Float.float16ToFloat(numbers.getAtIndex(F16, from + i));
        }
    }

    /** Copies the labels of a run, {@code [RUN][kvHeads]}. */
    void labels(int layer, int run, float[] into, int at) {
        int size = RUN * shape.kvHeads();
        System.arraycopy(labels[layer], run * size, into, at, size);
    }

    /** Takes runs of a text, one from each of as many equal parts of what comes before its question. */
    final class Text implements AttentionObserver {
        private final int[] tokens; // that are taken, ascending
        private final AnswerLabels answer;

        /** @param wanted runs at most */
        Text(HeadText text, int wanted, SplittableRandom random) {
            int places = text.question() / RUN, taken = Math.min(Math.min(wanted, places), most - runs);
            tokens = new int[taken * RUN];
            for (int run = 0; run < taken; run++) {
                int from = (int) ((long) run * places / taken), to = (int) ((run + 1L) * places / taken);
                int first = random.nextInt(from, to) * RUN;
                for (int t = 0; t < RUN; t++) {
                    tokens[run * RUN + t] = first + t;
                }
            }
            answer = new AnswerLabels(shape, tokens, text.question(), text.prompt().length);
        }

        @Override
        public void projected(
                int layer, int firstPosition, int rows, float[] q, int qAt, float[] k, int kAt, float[] v, int vAt) {
            int kv = shape.kvHeads() * shape.headDim(), queries = features - 2 * kv;
            for (int i = 0; i < tokens.length; i++) {
                int row = tokens[i] - firstPosition;
                if (row >= 0 && row < rows) {
                    long to = (((long) layer * most + runs) * RUN + i) * features;
                    write(to, q, qAt + row * queries, queries);
                    write(to + queries, k, kAt + row * kv, kv);
                    write(to + queries + kv, v, vAt + row * kv, kv);
                }
            }
        }

        private void write(long to, float[] x, int from, int count) {
            for (int i = 0; i < count; i++) {
                float inRange = Math.min(LARGEST, Math.max(-LARGEST, x[from + i]));
                numbers.setAtIndex(F16, to + i, Float.floatToFloat16(inRange));
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
            for (int layer = 0; layer < labels.length; layer++) {
                System.arraycopy(
                        answer.of(layer),
                        0,
                        labels[layer],
                        runs * RUN * shape.kvHeads(),
                        tokens.length * shape.kvHeads());
            }
            runs += tokens.length / RUN;
        }
    }
}
