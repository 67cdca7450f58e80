package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What observers are told of the weights of attention, on tiny models. */
class AttentionWeightsTest {
    private static final Path TINY = Path.of("src/test/resources/tiny");
    private static final SessionOptions F32 = SessionOptions.DEFAULT.withKv("f32");
    private static final int TOKENS = 70;

    /** The weights of all tokens up to one, {@code [heads][position + 1]}. */
    private record Weighed(int layer, int position, float[][] weights) {}

    /** Keeps keys and values, and for the tokens whose weights are told queries, weights and outputs. */
    private static final class Memory implements AttentionObserver {
        final List<Weighed> weighed = new ArrayList<>();
        final Map<List<Integer>, float[]> keys = new HashMap<>(); // by layer and position
        final Map<List<Integer>, float[]> values = new HashMap<>();
        final Map<List<Integer>, float[]> queries = new HashMap<>();
        final Map<List<Integer>, float[]> outputs = new HashMap<>();
        private final AttentionShape shape;

        Memory(AttentionShape shape) {
            this.shape = shape;
        }

        @Override
        public void projected(
                int layer, int firstPosition, int rows, float[] q, int qAt, float[] k, int kAt, float[] v, int vAt) {
            for (int row = 0; row < rows; row++) {
                values.put(List.of(layer, firstPosition + row), row(v, vAt, row, shape.kvHeads()));
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
            for (int row = 0; row < rows; row++) {
                List<Integer> place = List.of(layer, firstPosition + row);
                keys.put(place, row(k, kAt, row, shape.kvHeads()));
                queries.put(place, row(q, qAt, row, shape.heads()));
                outputs.put(place, row(out, outAt, row, shape.heads()));
            }
        }

        @Override
        public boolean wantsWeights(int layer) {
            return true;
        }

        @Override
        public void weighed(int layer, int position, int heads, float[] weights, int stride) {
            assertThat(heads).isEqualTo(shape.heads());
            float[][] copy = new float[heads][];
            Arrays.setAll(copy, head -> Arrays.copyOfRange(weights, head * stride, head * stride + position + 1));
            weighed.add(new Weighed(layer, position, copy));
        }

        private float[] row(float[] x, int at, int row, int heads) {
            int width = heads * shape.headDim();
            return Arrays.copyOfRange(x, at + row * width, at + (row + 1) * width);
        }
    }

    private static Model open(String name, int threads) {
        return Model.open(TINY.resolve(name), ModelOptions.DEFAULT.withThreads(threads));
    }

    private static int[] prompt(int n) {
        return new Random(n).ints(n, 0, 250).toArray();
    }

    private static void read(Session session, int... tokens) {
        session.read(tokens, Progress.NONE, new Cancellation());
    }

    /** Reads a prompt in two parts and answers. */
    private static Memory answered(Model model, String attention) {
        try (Session session = model.newSession(F32.withAttention(attention))) {
            Memory memory = new Memory(model.attentionShape());
            session.observe(memory);
            int[] prompt = prompt(TOKENS);
            read(session, Arrays.copyOf(prompt, 40));
            read(session, Arrays.copyOfRange(prompt, 40, TOKENS));
            generate(session, 1);
            return memory;
        }
    }

    private static void generate(Session session, int n) {
        GenerateOptions options = GenerateOptions.DEFAULT.withMaxTokens(6).withIgnoreEnd(true);
        session.generate(n, options, TokenListener.NONE, new Cancellation());
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama3", "qwen3", "mistral-window", "gpt2", "mqa"})
    void denseWeightsAreTheSoftmaxOfTheScores(String name) {
        try (Model model = open(name, 2)) {
            Memory memory = answered(model, "dense");
            AttentionShape shape = model.attentionShape();
            assertThat(memory.weighed).hasSize(7 * shape.layers());
            for (Weighed told : memory.weighed) {
                float[] q = memory.queries.get(List.of(told.layer, told.position));
                int window = shape.windows().get(told.layer);
                int first = window == 0 ? 0 : Math.max(0, told.position + 1 - window);
                for (int head = 0; head < shape.heads(); head++) {
                    double[] powers = new double[told.position + 1];
                    for (int t = first; t <= told.position; t++) {
                        float[] k = memory.keys.get(List.of(told.layer, t));
                        double score = 0;
                        for (int d = 0; d < shape.headDim(); d++) {
                            score += (double) q[head * shape.headDim() + d]
                                    * k[head / shape.group() * shape.headDim() + d];
                        }
                        powers[t] = Math.exp(score / Math.sqrt(shape.headDim()));
                    }
                    double sum = Arrays.stream(powers).sum();
                    for (int t = 0; t <= told.position; t++) {
                        assertThat(told.weights[head][t]).isCloseTo((float) (powers[t] / sum), within(1e-5f));
                    }
                }
            }
        }
    }

    /** Whatever a method chooses and however it weighs that, what comes out is the values' sum by these weights. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "dense",
                "window:sinks=2:window=8",
                "topk:budget=5:sinks=2:window=8",
                "topk:budget=5:sinks=2:window=8:dense=0",
                "topp:p=0.5:sinks=1:window=4",
                "oracle-sampling:budget=9:sinks=0:window=4",
                "uniform:budget=9:sinks=2:window=4",
                "quest:budget=16:page=4:sinks=2:window=8",
                "loki:budget=9:sinks=2:window=8",
                "magicpig:k=2:l=12:dense=none:sinks=2:window=8",
                "magicpig:k=2:l=12:dense=none:sinks=2:window=8:correct=no",
                "pps:budget=20:sinks=2:window=8",
                "pps:bits=2:budget=20:sinks=2:window=8"
            })
    void weightsSumToOneAndGiveTheOutput(String attention) {
        for (String name : List.of("qwen2", "mistral-window")) {
            try (Model model = open(name, 2)) {
                AttentionShape shape = model.attentionShape();
                Memory memory = answered(model, attention);
                for (Weighed told : memory.weighed) {
                    float[] out = memory.outputs.get(List.of(told.layer, told.position));
                    for (int head = 0; head < shape.heads(); head++) {
                        double all = 0;
                        double[] sum = new double[shape.headDim()];
                        for (int t = 0; t <= told.position; t++) {
                            float weight = told.weights[head][t];
                            float[] v = memory.values.get(List.of(told.layer, t));
                            all += weight;
                            for (int d = 0; d < sum.length; d++) {
                                sum[d] += (double) weight * v[head / shape.group() * sum.length + d];
                            }
                        }
                        assertThat(all).isCloseTo(1, within(1e-5));
                        for (int d = 0; d < sum.length; d++) {
                            assertThat(out[head * sum.length + d]).isCloseTo((float) sum[d], within(1e-4f));
                        }
                    }
                }
            }
        }
    }

    @Test
    void whatASparseMethodDidNotChooseWeighsNothing() {
        try (Model model = open("qwen2", 2)) {
            for (Weighed told : answered(model, "window:sinks=2:window=8").weighed) {
                boolean ofAnswer = told.position >= TOKENS;
                for (float[] weights : told.weights) {
                    // The prompt is read exactly, by whatever method its answer is found.
                    assertThat(IntStream.range(2, told.position + 1 - 8).allMatch(t -> weights[t] == 0))
                            .isEqualTo(ofAnswer);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"dense", "topk:budget=5:sinks=2:window=8", "quest:budget=16:page=4:sinks=2:window=8"})
    void theNumberOfThreadsChangesNoBit(String attention) {
        List<List<Weighed>> told = new ArrayList<>();
        for (int threads : new int[] {1, 3}) {
            try (Model model = open("llama3", threads)) {
                told.add(answered(model, attention).weighed);
            }
        }
        assertThat(told.get(1)).usingRecursiveComparison().isEqualTo(told.get(0));
    }

    @ParameterizedTest
    @ValueSource(strings = {"dense", "uniform:budget=9:sinks=2:window=4"})
    void besideOthersInAStepIsToldWhatIsToldAlone(String attention) {
        SessionOptions options = F32.withAttention(attention);
        try (Model model = open("llama3", 2);
                Session alone = model.newSession(options);
                Session first = model.newSession(options);
                Session second = model.newSession(options);
                Session third = model.newSession(options)) {
            read(first, prompt(30));
            read(second, 1, 2, 3);
            read(third, prompt(60));
            read(alone, prompt(60));
            Memory ofAlone = new Memory(model.attentionShape()), ofThird = new Memory(model.attentionShape());
            Memory ofFirst = new Memory(model.attentionShape());
            alone.observe(ofAlone);
            third.observe(ofThird);
            first.observe(ofFirst);
            read(alone, 7);
            model.step(List.of(first, second, third), new int[] {9, 8, 7}, new Cancellation());
            assertThat(ofThird.weighed).hasSize(model.attentionShape().layers());
            assertThat(ofThird.weighed).usingRecursiveComparison().isEqualTo(ofAlone.weighed);
            assertThat(ofFirst.weighed).allMatch(told -> told.position == 30);
        }
    }

    @Test
    void toldOfAreTheTokensThatTheNextOneIsChosenAfter() {
        try (Model model = open("llama3", 2)) {
            Memory memory = answered(model, "dense");
            List<Integer> positions = memory.weighed.stream()
                    .filter(told -> told.layer == 0)
                    .map(Weighed::position)
                    .toList();
            assertThat(positions).containsExactly(39, 69, 70, 71, 72, 73, 74);
        }
    }

    @Test
    void askingForWeightsChangesNoAnswer() {
        try (Model model = open("qwen2", 2);
                Session observed = model.newSession(F32);
                Session alone = model.newSession(F32)) {
            read(observed, prompt(TOKENS));
            read(alone, prompt(TOKENS));
            observed.observe(new Memory(model.attentionShape()));
            Traffic before = model.traffic();
            generate(observed, 1);
            Traffic between = model.traffic();
            generate(alone, 1);
            assertThat(model.traffic().since(between)).isEqualTo(between.since(before));
            assertThat(observed.tokens()).isEqualTo(alone.tokens());
            assertThat(observed.logits()).isEqualTo(alone.logits());
        }
    }
}
