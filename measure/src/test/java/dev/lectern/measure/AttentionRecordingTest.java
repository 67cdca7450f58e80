package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.AttentionObserver;
import dev.lectern.AttentionShape;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.generate.Sampler;
import dev.lectern.json.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link AttentionRecording} of tiny models. */
class AttentionRecordingTest {
    /** More than the chunk of 512 in which a text is read. */
    private static final int TOKENS = 600;

    private static final int[] EARLY = {0, 3, 400, 411};

    private static final ModelOptions STRETCHED =
            ModelOptions.DEFAULT.withThreads(2).withRopeScaling("linear:factor=32");

    @TempDir
    Path folder;

    private static BenchModel subject(String name) {
        return new BenchModel(name, Path.of("../engine/src/test/resources/tiny").resolve(name), Optional.empty());
    }

    private static Model open(BenchModel subject) {
        return subject.open(STRETCHED);
    }

    private static int[] text(int tokens) {
        return new Random(tokens).ints(tokens, 0, 250).toArray();
    }

    private Path record(String name, List<Integer> layers, int... positions) {
        Path file = folder.resolve("of-" + name + ".safetensors");
        BenchModel subject = subject(name);
        try (Model model = open(subject)) {
            AttentionRecording.record(
                    subject,
                    model,
                    STRETCHED,
                    text(TOKENS),
                    layers,
                    positions,
                    file,
                    Progress.NONE,
                    new Cancellation());
        }
        return file;
    }

    @Test
    void aPromptIsRecordedWithTheAnswerThatTheModelBegins() {
        Path file = folder.resolve("answer.safetensors");
        BenchModel subject = subject("qwen2");
        TaskOptions task = TaskOptions.DEFAULT.withTasks(List.of("vt")).withLengths(List.of(1500));
        AttentionRecording.recordAnswer(subject, STRETCHED, task, List.of(), file, Progress.NONE, new Cancellation());
        try (AttentionRecording recording = AttentionRecording.open(file);
                Model model = open(subject)) {
            int[] tokens = recording.tokens();
            int[] prompt = TaskPrompt.of(model, task, task.tasks(1500).getFirst(), 1500, 0)
                    .tokens();
            assertThat(tokens).startsWith(prompt).hasSize(prompt.length + 16);
            try (Session session = model.newSession(SessionOptions.DEFAULT.withKv("f32"))) {
                session.read(Arrays.copyOf(tokens, tokens.length - 1), Progress.NONE, new Cancellation());
                float[] logits = session.logits();
                assertThat(tokens[tokens.length - 1]).isEqualTo(Sampler.likeliest(logits, 0, logits.length));
            }
            // Also of the tokens that were answered the outputs are those of their queries.
            AttentionResults results = AttentionEval.run(
                    recording,
                    AttentionOptions.DEFAULT.withAttention(List.of("dense")),
                    2,
                    "",
                    Progress.NONE,
                    new Cancellation());
            assertThat(results.rows().getFirst().errors()).allMatch(error -> error < 1e-4);
        }
        assertThatThrownBy(() -> AttentionRecording.recordAnswer(
                        subject,
                        STRETCHED,
                        task.withTasks(List.of("vt", "cwe")),
                        List.of(),
                        file,
                        Progress.NONE,
                        new Cancellation()))
                .hasMessageContaining("one task");
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama3", "mistral-window"})
    void aRecordingHoldsWhatAnObserverIsTold(String name) {
        Path file = record(name, List.of(), EARLY);
        Map<String, float[]> told = new HashMap<>();
        try (Model model = open(subject(name));
                AttentionRecording recording = AttentionRecording.open(file);
                Session session = model.newSession(
                        SessionOptions.DEFAULT.withContext(TOKENS).withKv("f32"))) {
            AttentionShape shape = model.attentionShape();
            session.observe(new AttentionObserver() {
                private void keep(String part, int layer, int first, int rows, int heads, float[] x, int at) {
                    int headDim = shape.headDim();
                    for (int i = 0; i < rows * heads; i++) {
                        String vector = part + " " + layer + " " + (first + i / heads) + " " + i % heads;
                        told.put(vector, Arrays.copyOfRange(x, at + i * headDim, at + (i + 1) * headDim));
                    }
                }

                @Override
                public void projected(
                        int layer, int first, int rows, float[] q, int qAt, float[] k, int kAt, float[] v, int vAt) {
                    keep("q_pre", layer, first, rows, shape.heads(), q, qAt);
                    keep("k_pre", layer, first, rows, shape.kvHeads(), k, kAt);
                    keep("v", layer, first, rows, shape.kvHeads(), v, vAt);
                }

                @Override
                public void attended(
                        int layer,
                        int first,
                        int rows,
                        float[] q,
                        int qAt,
                        float[] k,
                        int kAt,
                        float[] out,
                        int outAt) {
                    keep("q", layer, first, rows, shape.heads(), q, qAt);
                    keep("k", layer, first, rows, shape.kvHeads(), k, kAt);
                    keep("o", layer, first, rows, shape.heads(), out, outAt);
                }
            });
            session.read(text(TOKENS), Progress.NONE, new Cancellation());

            assertThat(recording.shape()).isEqualTo(shape);
            assertThat(recording.model()).isEqualTo(name);
            assertThat(recording.digest()).hasSize(64);
            assertThat(recording.tokens()).isEqualTo(text(TOKENS));
            assertThat(recording.positions())
                    .hasSize(EARLY.length + AttentionRecording.LAST)
                    .startsWith(EARLY);
            assertThat(recording.positions()).endsWith(TOKENS - 1);
            assertThat(recording.layers())
                    .isEqualTo(IntStream.range(0, shape.layers()).boxed().toList());
            for (int layer : recording.layers()) {
                AttentionRecording.Layer of = recording.layer(layer);
                for (int token = 0; token < TOKENS; token++) {
                    for (int head = 0; head < shape.kvHeads(); head++) {
                        String vector = " " + layer + " " + token + " " + head;
                        assertThat(of.keys().at(head, token)).isEqualTo(told.get("k" + vector));
                        assertThat(of.keysBeforeRope().at(head, token)).isEqualTo(told.get("k_pre" + vector));
                        assertThat(of.values().at(head, token)).isEqualTo(told.get("v" + vector));
                    }
                }
                int[] positions = recording.positions();
                for (int i = 0; i < positions.length; i++) {
                    for (int head = 0; head < shape.heads(); head++) {
                        String vector = " " + layer + " " + positions[i] + " " + head;
                        assertThat(of.queries().at(i, head)).isEqualTo(told.get("q" + vector));
                        assertThat(of.queriesBeforeRope().at(i, head)).isEqualTo(told.get("q_pre" + vector));
                        assertThat(of.outputs().at(i, head)).isEqualTo(told.get("o" + vector));
                    }
                }
            }
        }
    }

    /** softmax(q·k/√headDim) v in f64 against the engine's f32: rounding of sums of up to 600 terms, some 1e-6 of the largest value. */
    @ParameterizedTest
    @ValueSource(strings = {"llama3", "mistral-window", "mqa"})
    void outputsAreAttentionOfQueriesToKeysAndValues(String name) {
        try (AttentionRecording recording = AttentionRecording.open(record(name, List.of(1), EARLY))) {
            assertThat(recording.layers()).containsExactly(1);
            AttentionShape shape = recording.shape();
            AttentionRecording.Layer layer = recording.layer(1);
            int window = shape.windows().get(1);
            int[] positions = recording.positions();
            for (int i = 0; i < positions.length; i++) {
                for (int head = 0; head < shape.heads(); head++) {
                    double[] expected = attention(
                            layer.queries().at(i, head),
                            layer.keys(),
                            layer.values(),
                            head / shape.group(),
                            window == 0 ? 0 : Math.max(0, positions[i] - window + 1),
                            positions[i] + 1);
                    float[] output = layer.outputs().at(i, head);
                    for (int d = 0; d < expected.length; d++) {
                        assertThat((double) output[d]).isCloseTo(expected[d], within(1e-5));
                    }
                }
            }
        }
    }

    private static double[] attention(float[] q, Vectors keys, Vectors values, int kvHead, int from, int to) {
        double[] sum = new double[q.length];
        double total = 0;
        for (int token = from; token < to; token++) {
            float[] k = keys.at(kvHead, token), v = values.at(kvHead, token);
            double score = 0;
            for (int d = 0; d < q.length; d++) {
                score += (double) q[d] * k[d];
            }
            double weight = Math.exp(score / Math.sqrt(q.length));
            total += weight;
            for (int d = 0; d < q.length; d++) {
                sum[d] += weight * v[d];
            }
        }
        for (int d = 0; d < q.length; d++) {
            sum[d] /= total;
        }
        return sum;
    }

    @Test
    void itIsASafetensorsFileAsTheFormatSays() throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(record("llama3", List.of(1))))
                .order(ByteOrder.LITTLE_ENDIAN);
        int header = Math.toIntExact(bytes.getLong());
        Map<?, ?> json = header(bytes.array(), header);
        assertThat(bytes.get(Long.BYTES)).isEqualTo((byte) '{');
        assertThat(header % 8).isZero();
        assertThat((Map<?, ?>) json.get("__metadata__"))
                .allSatisfy((name, value) -> assertThat(value).isInstanceOf(String.class));
        assertThat(((Map<?, ?>) json.get("__metadata__")).get("ropeScaling")).isEqualTo("linear:factor=32");
        long end = 0;
        for (Map.Entry<?, ?> entry : json.entrySet()) {
            if (!entry.getKey().equals("__metadata__")) {
                Map<?, ?> tensor = (Map<?, ?>) entry.getValue();
                List<?> offsets = (List<?>) tensor.get("data_offsets");
                long elements = ((List<?>) tensor.get("shape"))
                        .stream().mapToLong(size -> (Long) size).reduce(1, Math::multiplyExact);
                assertThat(offsets.getFirst()).isEqualTo(end);
                assertThat(tensor.get("dtype")).isIn("F32", "I32");
                end += 4 * elements;
                assertThat(offsets.getLast()).isEqualTo(end);
            }
        }
        assertThat(bytes.limit()).isEqualTo(Long.BYTES + header + end);
        assertThat(json.keySet())
                .map(String::valueOf)
                .contains("tokens", "positions", "layers.1.k_pre", "layers.1.o")
                .doesNotContain("layers.0.k");
        List<?> tokens = (List<?>) ((Map<?, ?>) json.get("tokens")).get("data_offsets");
        int first = Math.toIntExact(Long.BYTES + header + (Long) tokens.getFirst());
        assertThat(bytes.getInt(first)).isEqualTo(text(TOKENS)[0]);
    }

    private static Map<?, ?> header(byte[] file, int length) {
        return (Map<?, ?>) Json.parse(Arrays.copyOfRange(file, Long.BYTES, Long.BYTES + length));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"format\":\"lectern attention 1\" | \"format\":\"lectern attention 2\" | not a recording",
                "\"kvHeads\":\"2\"                 | \"kvHeads\":\"1\"                  | no \"layers.0.k\" of type F32 and shape [1,",
                "\"kvHeads\":\"2\"                 | \"kvHeads\":\"0\"                  | \"kvHeads\" has something",
                "\"kvHeads\":\"2\"                 | \"kvHeads\":\"3\"                  | no multiple",
                "\"kvHeads\"                       | \"kvheads\"                        | has no \"kvHeads\"",
                "\"layers.0.o\"                    | \"layers.0.p\"                     | no \"layers.0.o\"",
                "layers.0                          | layers.7                           | has a layer 7",
                "\"tokens\":{\"dtype\":\"I32\"     | \"tokens\":{\"dtype\":\"F32\"      | no \"tokens\" of type I32",
            })
    void aRecordingThatLiesIsRefused(String truth, String lie, String sentence) throws IOException {
        Path file = record("llama3", List.of(0));
        String text = Files.readString(file, StandardCharsets.ISO_8859_1);
        assertThat(text).contains(truth);
        Files.writeString(file, text.replace(truth, lie), StandardCharsets.ISO_8859_1);
        assertThatThrownBy(() -> AttentionRecording.open(file))
                .isInstanceOf(LecternException.class)
                .hasMessageStartingWith(file + ": ")
                .hasMessageContaining(sentence)
                .hasMessageContaining("record it again");
    }

    @Test
    void positionsOutsideTheTextAreRefused() throws IOException {
        Path file = record("llama3", List.of(0));
        byte[] bytes = Files.readAllBytes(file);
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int header = Math.toIntExact(buffer.getLong(0));
        int positions = Long.BYTES + header + TOKENS * Integer.BYTES;
        assertThat(buffer.getInt(positions)).isEqualTo(TOKENS - AttentionRecording.LAST);
        for (int lie : new int[] {-1, TOKENS, Integer.MIN_VALUE, TOKENS - AttentionRecording.LAST + 1}) {
            buffer.putInt(positions, lie);
            Files.write(file, bytes);
            assertThatThrownBy(() -> AttentionRecording.open(file)).hasMessageContaining("not ascending places");
        }
    }

    @Test
    void damagedRecordingsNeverCrashTheReader() throws IOException {
        byte[] whole = Files.readAllBytes(record("llama3", List.of(0)));
        int header = Math.toIntExact(
                ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong());
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Path file = folder.resolve("damaged.safetensors");
        List<String> crashes = new ArrayList<>();
        for (int round = 0; round < 300; round++) {
            byte[] damaged = random.nextInt(4) > 0 ? whole.clone() : Arrays.copyOf(whole, random.nextInt(whole.length));
            for (int i = random.nextInt(4); i >= 0; i--) {
                int at = random.nextInt(Long.BYTES + header);
                if (at < damaged.length) {
                    damaged[at] = (byte) (random.nextBoolean() ? random.nextInt(256) : '0' + random.nextInt(10));
                }
            }
            Files.write(file, damaged);
            try (AttentionRecording recording = AttentionRecording.open(file)) {
                // What is accepted can be read to its end.
                for (int layer : recording.layers()) {
                    Vectors keys = recording.layer(layer).keys();
                    assertThat(keys.at(keys.rows() - 1, keys.columns() - 1)).hasSize(keys.width());
                }
            } catch (LecternException e) {
                assertThat(e).hasMessageStartingWith(file + ": ");
            } catch (RuntimeException | Error e) {
                crashes.add(e.toString());
            }
        }
        assertThat(crashes).as("seed %d", seed).isEmpty();
    }

    @Test
    void aRecordingThatIsStoppedLeavesNothingBehind() throws IOException {
        Path file = folder.resolve("stopped.safetensors");
        BenchModel subject = subject("llama3");
        Cancellation cancellation = new Cancellation();
        try (Model model = open(subject)) {
            assertThatThrownBy(() -> AttentionRecording.record(
                            subject,
                            model,
                            STRETCHED,
                            text(TOKENS),
                            List.of(),
                            new int[0],
                            file,
                            (done, total) -> cancellation.cancel(),
                            cancellation))
                    .isInstanceOfSatisfying(
                            LecternException.class,
                            e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED));
        }
        try (var left = Files.list(folder)) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void whatDoesNotExistIsRefusedBeforeAnythingIsRead() {
        assertThatThrownBy(() -> record("llama3", List.of(0, 99))).hasMessageContaining("99", "layers 0 to");
        assertThatThrownBy(() -> record("llama3", List.of(-1))).hasMessageContaining("-1");
        assertThatThrownBy(() -> record("llama3", List.of(), TOKENS)).hasMessageContaining("Position 600");
        assertThatThrownBy(() -> record("llama3", List.of(), -1)).hasMessageContaining("Position -1");
        assertThatThrownBy(() -> AttentionRecording.open(folder.resolve("none.safetensors")))
                .hasMessageContaining("no such file");
        assertThat(folder).isEmptyDirectory();
    }
}
