package dev.lectern.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.Cancellation;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.FloatFormat;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormat;
import dev.lectern.kv.LayerCache;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Chunks that look at chosen strips and tokens, against the softmax over just these in double, written out. */
public class StripChoiceTest {
    private static final Cancellation NEVER = new Cancellation();

    /** f32 sums of up to 700 weighted values of about 1, normalised. */
    private static final double TOLERANCE = 2e-6;

    private final Random random = new Random(11);

    /** A sequence, the queries of its last tokens, and what they get. */
    private final class Case implements AutoCloseable {
        final Heads heads;
        final int tokens;
        final int rows;
        final float[] q;
        final float[] k;
        final float[] v;
        final KvCache cache;
        final float[] out;
        final float[] lse;
        long pairs;

        Case(Heads heads, int tokens, int rows, KvFormat.Layout keys) {
            this.heads = heads;
            this.tokens = tokens;
            this.rows = rows;
            int width = heads.kvHeads() * heads.headDim();
            q = random(rows * heads.heads() * heads.headDim());
            k = random(tokens * width);
            v = random(tokens * width);
            out = new float[q.length];
            lse = new float[rows * heads.heads()];
            cache = new KvCache(List.of(new LayerCache(
                    heads.kvHeads(), heads.headDim(), heads.window(), FloatFormat.F32, FloatFormat.F32, keys)));
            cache.reserve(tokens);
            for (int t = 0; t < tokens; t++) {
                cache.put(0, t, k, t * width, v, t * width);
            }
        }

        private float[] random(int n) {
            float[] x = new float[n];
            for (int i = 0; i < n; i++) {
                x[i] = (float) random.nextGaussian();
            }
            return x;
        }

        /** A choice at random, of strips and of tokens besides. */
        StripChoice choice(double share) {
            StripChoice choice = new StripChoice(heads.heads(), rows, tokens);
            for (int head = 0; head < heads.heads(); head++) {
                for (int block = 0; block < choice.blocks(); block++) {
                    for (int strip = 0; strip < choice.strips(); strip++) {
                        if (random.nextDouble() < share) {
                            choice.add(head, block, strip);
                        }
                    }
                    choice.addTokens(
                            head,
                            block,
                            random.ints(90, 0, tokens).sorted().distinct().toArray());
                }
            }
            return choice;
        }

        void attend(int threads, StripChoice choice) {
            try (Workers workers = new Workers(threads)) {
                ExactAttention exact = new ExactAttention(workers);
                Segments segments = Segments.of(cache, 0, tokens);
                exact.chunk(heads, q, 0, rows, tokens - rows, segments, out, lse, choice, NEVER);
                pairs = exact.computedPairs();
            }
        }

        /** The tokens that a query looks at. */
        BitSet seen(StripChoice choice, int row, int head) {
            int index = tokens - rows + row;
            BitSet seen = new BitSet();
            for (int t = 0; t <= index; t++) {
                seen.set(t, choice.has(head, row / 64, t / 64));
            }
            for (int t : choice.tokens(head, row / 64)) {
                assertThat(seen.get(t))
                        .as("token %d stands in no chosen strip", t)
                        .isFalse();
                seen.set(t, t <= index);
            }
            if (heads.window() > 0) {
                seen.clear(0, Math.max(0, index - heads.window() + 1));
            }
            return seen;
        }

        /** The output of a query over some tokens, and its log-sum-exp at the end. */
        double[] expected(BitSet seen, int row, int head) {
            int headDim = heads.headDim(), kvHead = head / heads.group();
            int qAt = (row * heads.heads() + head) * headDim;
            double[] expected = new double[headDim + 1];
            double sum = 0;
            for (int t : seen.stream().toArray()) {
                int at = (t * heads.kvHeads() + kvHead) * headDim;
                double score = 0;
                for (int d = 0; d < headDim; d++) {
                    score += (double) q[qAt + d] * k[at + d];
                }
                double weight = Math.exp(score / Math.sqrt(headDim));
                sum += weight;
                for (int d = 0; d < headDim; d++) {
                    expected[d] += weight * v[at + d];
                }
            }
            for (int d = 0; d < headDim && sum > 0; d++) {
                expected[d] /= sum;
            }
            expected[headDim] = Math.log(sum);
            return expected;
        }

        @Override
        public void close() {
            cache.close();
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 8, 1", "3, 1, 16, 65", "9, 3, 64, 700", "14, 2, 64, 257", "6, 2, 20, 333", "4, 4, 128, 512"})
    public void chosenStripsAndTokensEqualTheFormula(int heads, int kvHeads, int headDim, int tokens) {
        for (int window : new int[] {0, 100}) {
            for (KvFormat.Layout layout : KvFormat.Layout.values()) {
                Heads shape = new Heads(heads, kvHeads, headDim, window);
                try (Case of = new Case(shape, tokens, Math.min(tokens, 150), layout)) {
                    StripChoice choice = of.choice(0.4);
                    of.attend(2, choice);
                    long pairs = 0, dense = 0;
                    for (int row = 0; row < of.rows; row++) {
                        for (int head = 0; head < heads; head++) {
                            BitSet seen = of.seen(choice, row, head);
                            double[] expected = of.expected(seen, row, head);
                            int at = (row * heads + head) * headDim;
                            for (int d = 0; d < headDim; d++) {
                                assertThat((double) of.out[at + d]).isCloseTo(expected[d], within(TOLERANCE));
                            }
                            float lse = of.lse[row * heads + head];
                            if (seen.isEmpty()) {
                                assertThat(lse).isEqualTo(Float.NEGATIVE_INFINITY);
                            } else {
                                assertThat((double) lse).isCloseTo(expected[headDim], within(1e-5));
                            }
                            pairs += seen.cardinality();
                            dense += shape.visible(tokens - of.rows + row + 1);
                        }
                    }
                    assertThat(of.pairs).isEqualTo(pairs).isLessThanOrEqualTo(dense);
                }
            }
        }
    }

    @Test
    void everythingChosenIsDenseBitForBit() {
        for (int tokens : new int[] {1, 63, 64, 65, 300, 512, 601}) {
            try (Case of = new Case(new Heads(6, 2, 64, 0), tokens, Math.min(200, tokens), KvFormat.Layout.TILE)) {
                StripChoice all = new StripChoice(6, of.rows, tokens);
                for (int head = 0; head < 6; head++) {
                    for (int block = 0; block < all.blocks(); block++) {
                        all.add(head, block, 0, all.strips());
                        all.addTokens(head, block, new int[] {0, tokens - 1}); // stand in strips already
                    }
                }
                of.attend(1, all);
                float[] out = of.out.clone(), lse = of.lse.clone();
                long pairs = of.pairs;
                try (Workers workers = new Workers(2)) {
                    ExactAttention exact = new ExactAttention(workers);
                    Segments segments = Segments.of(of.cache, 0, tokens);
                    exact.chunk(of.heads, of.q, 0, of.rows, tokens - of.rows, segments, of.out, of.lse, NEVER);
                    assertThat(exact.computedPairs()).isEqualTo(pairs);
                }
                assertThat(out).isEqualTo(of.out);
                assertThat(lse).isEqualTo(of.lse);
                long seen = 0;
                for (int row = 0; row < of.rows; row++) {
                    seen += 6L * (tokens - of.rows + row + 1);
                }
                assertThat(pairs).isEqualTo(seen);
            }
        }
    }

    @Test
    void theSameBitsOnAnyNumberOfThreads() {
        try (Case of = new Case(new Heads(9, 3, 64, 0), 900, 500, KvFormat.Layout.TILE)) {
            StripChoice choice = of.choice(0.3);
            of.attend(1, choice);
            float[] once = of.out.clone();
            long pairs = of.pairs;
            for (int threads = 2; threads <= 4; threads++) {
                of.attend(threads, choice);
                assertThat(of.out).isEqualTo(once);
                assertThat(of.pairs).isEqualTo(pairs);
            }
        }
    }

    /** Oracle 22: the mass that a choice keeps. */
    @Test
    void whatAChoiceKeepsOfTheSoftmaxIsToldByTheLogSumExps() {
        try (Case of = new Case(new Heads(4, 2, 32, 0), 400, 130, KvFormat.Layout.TILE)) {
            StripChoice choice = of.choice(0.5);
            of.attend(1, choice);
            for (int row = 0; row < of.rows; row += 7) {
                for (int head = 0; head < 4; head++) {
                    BitSet all = new BitSet();
                    all.set(0, of.tokens - of.rows + row + 1);
                    double dense = of.expected(all, row, head)[32];
                    double kept = of.expected(of.seen(choice, row, head), row, head)[32];
                    assertThat(Math.exp(of.lse[row * 4 + head] - dense))
                            .isCloseTo(Math.exp(kept - dense), within(1e-5))
                            .isBetween(0.0, 1.00001);
                }
            }
        }
    }

    @Test
    void aChoiceForAnotherChunkIsRefused() {
        try (Case of = new Case(new Heads(4, 2, 32, 0), 400, 130, KvFormat.Layout.TILE)) {
            assertThatThrownBy(() -> of.attend(1, new StripChoice(4, 130, 500)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("cannot serve");
        }
    }
}
