package dev.lectern.prefill;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.BareModel;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.attention.DecodeAttention;
import dev.lectern.attention.Dense;
import dev.lectern.attention.ExactAttention;
import dev.lectern.attention.Heads;
import dev.lectern.kv.FloatFormat;
import dev.lectern.kv.KvCache;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The law of steps: the rows of a slice come out the same, bit for bit, whatever else is in the step, whatever the number of threads, and
 * whatever was given up before.
 */
class ForwardTest {
    private static final Path TINY = Path.of("src/test/resources/tiny");
    private static final int ROUNDS = 40;

    /** Around the borders of pages (256) and of blocks of queries (64), and where a model learned only so many positions. */
    private static final int[] DEPTHS = {0, 1, 15, 16, 17, 63, 64, 130, 254, 255, 256, 257, 300, 511, 512, 513};

    /** A slice as the random numbers want it, before there is a sequence. */
    private record Wish(int depth, int[] tokens, Slice.Logits logits, int follower) {}

    /** What came of a slice: its logits, and those of a token read after it. */
    private record Outcome(List<Integer> logits, List<Integer> next) {}

    /** A model with sequences of all depths that fit, to fork. */
    private static final class Bench implements AutoCloseable {
        final BareModel model;
        final Map<Integer, Sequence> read = new HashMap<>();
        final int deepest;

        Bench(String name, int threads) {
            model = new BareModel(TINY.resolve(name), threads);
            // Rotary models know no last position.
            deepest = name.startsWith("gpt2") ? model.config().context() : Integer.MAX_VALUE;
            for (int depth : DEPTHS) {
                Sequence sequence = model.sequence(FloatFormat.F16);
                if (depth <= deepest && depth > 0) {
                    int[] tokens = new Random(depth).ints(depth, 0, 250).toArray();
                    model.read(sequence, tokens, 100, (first, rows, logits, at) -> {});
                }
                read.put(depth, sequence);
            }
        }

        List<Wish> wishes(Random random) {
            List<Wish> wishes = new ArrayList<>();
            for (int i = 1 + random.nextInt(6); i > 0; i--) {
                int depth = DEPTHS[random.nextInt(DEPTHS.length)];
                int n = random.nextInt(3) > 0 ? 1 : 2 + random.nextInt(90);
                if (depth + n + 1 > deepest) {
                    depth = 0;
                    n = Math.min(n, deepest - 1);
                }
                Slice.Logits logits = Slice.Logits.values()[random.nextInt(3)];
                wishes.add(new Wish(depth, random.ints(n, 0, 250).toArray(), logits, random.nextInt(250)));
            }
            return wishes;
        }

        List<Slice> slices(List<Wish> wishes) {
            List<Slice> slices = new ArrayList<>();
            for (Wish wish : wishes) {
                slices.add(new Slice(read.get(wish.depth()).fork(), wish.tokens(), wish.logits()));
            }
            return slices;
        }

        Forward.Result step(List<Slice> slices, Cancellation cancellation) {
            return model.forward().step(slices, cancellation);
        }

        /** Takes the step, and one more token after each slice alone. */
        List<Outcome> outcomes(List<Wish> wishes, List<Slice> slices) {
            Forward.Result result = step(slices, new Cancellation());
            List<List<Integer>> logits = new ArrayList<>();
            for (int i = 0; i < slices.size(); i++) {
                int rows = slices.get(i).logitRows();
                logits.add(rows == 0 ? List.of() : bits(result, result.at(i, 0), rows));
            }
            List<Outcome> outcomes = new ArrayList<>();
            for (int i = 0; i < slices.size(); i++) {
                Sequence sequence = slices.get(i).sequence();
                assertThat(sequence.cache().length())
                        .isEqualTo(wishes.get(i).depth() + wishes.get(i).tokens().length);
                Slice next = new Slice(sequence, new int[] {wishes.get(i).follower()}, Slice.Logits.LAST);
                Forward.Result after = step(List.of(next), new Cancellation());
                outcomes.add(new Outcome(logits.get(i), bits(after, 0, 1)));
            }
            return outcomes;
        }

        List<Outcome> eachAlone(List<Wish> wishes) {
            List<Outcome> outcomes = new ArrayList<>();
            for (Wish wish : wishes) {
                List<Slice> alone = slices(List.of(wish));
                outcomes.addAll(outcomes(List.of(wish), alone));
                close(alone);
            }
            return outcomes;
        }

        static void close(List<Slice> slices) {
            slices.forEach(slice -> slice.sequence().close());
        }

        @Override
        public void close() {
            read.values().forEach(Sequence::close);
            model.close();
        }
    }

    private static List<Integer> bits(Forward.Result result, int at, int rows) {
        List<Integer> bits = new ArrayList<>();
        for (int i = 0; i < rows * result.vocabulary(); i++) {
            bits.add(Float.floatToRawIntBits(result.values()[at + i]));
        }
        return bits;
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama3", "llama-k.gguf", "gpt2", "mistral-window"})
    void anyMixtureOfSlicesOnAnyNumberOfThreadsEqualsEachAlone(String name) {
        List<List<Outcome>> expected = new ArrayList<>();
        for (int threads = 1; threads <= 3; threads++) {
            try (Bench bench = new Bench(name, threads)) {
                for (int round = 0; round < ROUNDS; round++) {
                    Random random = new Random(round);
                    List<Wish> wishes = bench.wishes(random);
                    if (threads == 1) {
                        expected.add(bench.eachAlone(wishes));
                    }
                    List<Integer> order = new ArrayList<>();
                    for (int i = 0; i < wishes.size(); i++) {
                        order.add(i);
                    }
                    Collections.shuffle(order, new Random(100L * threads + round));
                    List<Wish> shuffled = order.stream().map(wishes::get).toList();
                    List<Slice> slices = bench.slices(shuffled);
                    List<Outcome> together = bench.outcomes(shuffled, slices);
                    Bench.close(slices);
                    for (int i = 0; i < order.size(); i++) {
                        assertThat(together.get(i))
                                .as("round %d, %d threads, slice %d of %d", round, threads, i, order.size())
                                .isEqualTo(expected.get(round).get(order.get(i)));
                    }
                }
            }
        }
    }

    /** Asks for a stop when a layer's turn has come. */
    private record StopsAt(int stopLayer, Cancellation request) implements DecodeAttention {
        @Override
        public String name() {
            return "dense";
        }

        @Override
        public void attend(
                ExactAttention exact,
                int layer,
                Heads heads,
                KvCache[] caches,
                float[] q,
                float[] out,
                float @Nullable [] logSumExp,
                Cancellation cancellation) {
            if (layer == stopLayer) {
                request.cancel();
            }
            new Dense().attend(exact, layer, heads, caches, q, out, logSumExp, cancellation);
        }
    }

    private static List<Slice> attending(List<Slice> slices, DecodeAttention attention) {
        return slices.stream()
                .map(slice -> new Slice(slice.sequence().attending(attention), slice.tokens(), slice.logits()))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama3", "gpt2"})
    void aStepThatIsGivenUpAtAnyMomentLeavesItsSequencesAsTheyWere(String name) throws InterruptedException {
        int givenUp = 0;
        long duration = 2_000_000;
        try (Bench bench = new Bench(name, 2)) {
            for (int round = 0; round < ROUNDS; round++) {
                Random random = new Random(1000 + round);
                List<Wish> wishes = bench.wishes(random);
                List<Outcome> expected = bench.eachAlone(wishes);
                List<Slice> slices = bench.slices(wishes);
                Cancellation cancellation = new Cancellation();
                long delay = (long) (duration * random.nextDouble());
                Thread other = Thread.ofPlatform().start(() -> {
                    LockSupport.parkNanos(delay);
                    cancellation.cancel();
                });
                DecodeAttention attention = new StopsAt(random.nextInt(8), cancellation);
                long began = System.nanoTime();
                try {
                    bench.model.forward().step(attending(slices, attention), cancellation);
                    duration = System.nanoTime() - began;
                    // The stop came too late: as if the step had never been.
                    slices.forEach(slice -> slice.sequence()
                            .cache()
                            .truncate(slice.sequence().cache().length() - slice.tokens().length));
                } catch (LecternException e) {
                    assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED);
                    givenUp++;
                }
                other.join();
                for (int i = 0; i < slices.size(); i++) {
                    assertThat(slices.get(i).sequence().cache().length())
                            .isEqualTo(wishes.get(i).depth());
                }
                assertThat(bench.outcomes(wishes, slices)).as("round %d", round).isEqualTo(expected);
                Bench.close(slices);
            }
        }
        assertThat(givenUp).isPositive();
    }
}
