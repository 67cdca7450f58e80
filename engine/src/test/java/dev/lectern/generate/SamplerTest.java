package dev.lectern.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.LecternException;
import dev.lectern.Sampling;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The sampler against the plainest way to say the same, and its statistics. */
class SamplerTest {
    private static final Sampling PLAIN = new Sampling(1, 0, 1, 0, 1, 0);

    private static float[] logits(Random random, int n) {
        float[] logits = new float[n];
        for (int i = 0; i < n; i++) {
            // Some whole numbers, so that some are equal.
            logits[i] = random.nextInt(4) == 0 ? random.nextInt(1, 4) : (float) (random.nextGaussian() * 3);
        }
        return logits;
    }

    /** Sorts everything, computes all probabilities, cuts three times, and walks to the point drawn. */
    private static int reference(float[] logits, Sampling s, double drawn) {
        List<Integer> ids = IntStream.range(0, logits.length)
                .boxed()
                .sorted(Comparator.<Integer>comparingDouble(i -> -logits[i]).thenComparing(i -> i))
                .toList();
        if (s.isGreedy()) {
            return ids.getFirst();
        }
        if (s.topK() > 0) {
            ids = ids.subList(0, Math.min(s.topK(), ids.size()));
        }
        double[] p = probabilities(logits, ids, s.temperature());
        int n = 0;
        for (double sum = 0; n < p.length && sum < s.topP(); n++) {
            sum += p[n];
        }
        while (p[n - 1] < s.minP() * p[0]) {
            n--;
        }
        double point = drawn * IntStream.range(0, n).mapToDouble(i -> p[i]).sum();
        int chosen = 0;
        for (double sum = p[0]; sum <= point && chosen + 1 < n; sum += p[chosen]) {
            chosen++;
        }
        return ids.get(chosen);
    }

    private static double[] probabilities(float[] logits, List<Integer> ids, double temperature) {
        double[] p = ids.stream()
                .mapToDouble(i -> Math.exp((logits[i] - logits[ids.getFirst()]) / temperature))
                .toArray();
        double sum = 0;
        for (double x : p) {
            sum += x;
        }
        for (int i = 0; i < p.length; i++) {
            p[i] /= sum;
        }
        return p;
    }

    @Test
    void everyMixtureOfCutsChoosesLikeThePlainestImplementation() {
        for (int round = 0; round < 10_000; round++) {
            Random random = new Random(round);
            int n = 1 + random.nextInt(round % 50 == 0 ? 2000 : 60);
            float[] logits = logits(random, n);
            Sampling sampling = new Sampling(
                    random.nextInt(10) == 0 ? 0 : 0.1 + 2 * random.nextDouble(),
                    random.nextBoolean() ? 0 : 1 + random.nextInt(2 * n),
                    random.nextBoolean() ? 1 : 0.01 + 0.98 * random.nextDouble(),
                    random.nextBoolean() ? 0 : 0.5 * random.nextDouble(),
                    1,
                    random.nextLong());
            int stream = random.nextInt(4), at = random.nextInt(5);
            float[] shifted = new float[at + n];
            System.arraycopy(logits, 0, shifted, at, n);
            int expected = reference(logits, sampling, Sampler.uniform(sampling.seed(), stream, 0));
            assertThat(new Sampler(sampling, stream).next(shifted, at, n))
                    .as("round %d: %s over %d", round, sampling, n)
                    .isEqualTo(expected);
        }
    }

    @Test
    void ofEquallyLikelyTokensTheFirstIsTaken() {
        float[] logits = {1, 3, 2, 3, 3};
        assertThat(new Sampler(Sampling.GREEDY, 0).next(logits.clone(), 0, 5)).isEqualTo(1);
        assertThat(new Sampler(new Sampling(1, 1, 1, 0, 1, 7), 0).next(logits.clone(), 0, 5))
                .isEqualTo(1);
        assertThat(new Sampler(new Sampling(1, 0, 1e-9, 0, 1, 7), 0).next(logits.clone(), 0, 5))
                .isEqualTo(1);
    }

    @Test
    void drawsFollowTheProbabilities() {
        float[] logits = {0, 1, 2, -1, 0.5f};
        double[] p = probabilities(logits, List.of(0, 1, 2, 3, 4), 0.8);
        int draws = 50_000;
        for (long seed = 0; seed < 5; seed++) {
            Sampler sampler = new Sampler(new Sampling(0.8, 0, 1, 0, 1, seed), 0);
            int[] counts = new int[5];
            for (int i = 0; i < draws; i++) {
                counts[sampler.next(logits.clone(), 0, 5)]++;
            }
            // χ² with 4 degrees of freedom exceeds 25 once in 20 000 times.
            assertThat(chiSquare(counts, p, draws)).as("seed %d", seed).isLessThan(25);
        }
    }

    private static double chiSquare(int[] counts, double[] p, int draws) {
        return IntStream.range(0, p.length)
                .mapToDouble(i -> Math.pow(counts[i] - p[i] * draws, 2) / (p[i] * draws))
                .sum();
    }

    @Test
    void neighbouringSeedsStreamsAndStepsDrawIndependently() {
        int[] values = new int[64], pairs = new int[64];
        double[] even = new double[64];
        Arrays.fill(even, 1 / 64.0);
        int n = 0;
        for (long seed = -20; seed < 20; seed++) {
            for (int stream = 0; stream < 20; stream++) {
                for (long step = 0; step < 50; step++, n++) {
                    int here = (int) (64 * Sampler.uniform(seed, stream, step));
                    values[here]++;
                    int[] neighbours = {
                        (int) (8 * Sampler.uniform(seed + 1, stream, step)),
                        (int) (8 * Sampler.uniform(seed, stream + 1, step)),
                        (int) (8 * Sampler.uniform(seed, stream, step + 1))
                    };
                    pairs[here / 8 * 8 + neighbours[n % 3]]++;
                }
            }
        }
        // χ² with 63 degrees of freedom exceeds 115 once in 15 000 times.
        assertThat(chiSquare(values, even, n)).isLessThan(115);
        assertThat(chiSquare(pairs, even, n)).isLessThan(115);
    }

    @Test
    void aDrawDependsOnSeedStreamAndStepButNotOnWhatWasDrawnBefore() {
        Random random = new Random(1);
        Sampler one = new Sampler(PLAIN.withSeed(9), 3), two = new Sampler(PLAIN.withSeed(9), 3);
        for (int step = 0; step < 100; step++) {
            if (step % 2 == 0) {
                one.next(logits(random, 50), 0, 50);
                two.next(logits(random, 20), 0, 20);
            } else {
                float[] same = logits(random, 40);
                assertThat(one.next(same.clone(), 0, 40)).isEqualTo(two.next(same, 0, 40));
            }
        }
    }

    @Test
    void aTokenOfTheAnswerIsPenalisedOnceHoweverOftenItCame() {
        Sampling twice = new Sampling(0, 0, 1, 0, 2, 0);
        Sampler sampler = new Sampler(twice, 0);
        float[] logits = {4, 3, -1};
        assertThat(sampler.next(logits.clone(), 0, 3)).isZero();
        assertThat(sampler.next(logits.clone(), 0, 3)).isEqualTo(1); // 2, 3, −1
        assertThat(sampler.next(logits.clone(), 0, 3)).isZero(); // 2, 1.5, −1
        assertThat(sampler.next(logits.clone(), 0, 3)).isZero(); // the same again
        Sampler negative = new Sampler(twice, 0);
        assertThat(negative.next(new float[] {-1, -1.5f, -4}, 0, 3)).isZero();
        assertThat(negative.next(new float[] {-1, -1.5f, -4}, 0, 3)).isEqualTo(1); // −2, −1.5, −4
        assertThat(negative.next(new float[] {-1, -1.5f, -4}, 0, 3)).isZero(); // −2, −3, −4
    }

    @Test
    void penaltiesOfManyTokensAreRemembered() {
        Sampler sampler = new Sampler(new Sampling(0, 0, 1, 0, 100, 0), 0);
        for (int token = 0; token < 100; token++) {
            float[] logits = new float[100];
            for (int i = 0; i < 100; i++) {
                logits[i] = 200 - i;
            }
            assertThat(sampler.next(logits, 0, 100)).isEqualTo(token);
        }
    }

    @Test
    void logitsThatAreNotNumbersAreRefusedInASentence() {
        Sampling topK = new Sampling(0.7, 3, 0.9, 0.1, 1, 1);
        Sampling all = new Sampling(0.7, 0, 0.9, 0.1, 1, 1);
        for (Sampling sampling : List.of(PLAIN, topK, all)) {
            for (float wrong : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
                for (int place = 0; place < 9; place++) {
                    float[] logits = logits(new Random(place), 9);
                    logits[place] = wrong;
                    assertThatThrownBy(() -> new Sampler(sampling, 0).next(logits, 0, 9))
                            .isInstanceOf(LecternException.class)
                            .hasMessageContaining("not numbers");
                }
            }
        }
        float[] nothing = {Float.NaN, Float.NaN};
        assertThatThrownBy(() -> new Sampler(Sampling.GREEDY, 0).next(nothing, 0, 2))
                .isInstanceOf(LecternException.class);
    }
}
