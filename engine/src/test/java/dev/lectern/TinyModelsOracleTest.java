package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.json.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Tiny models with random weights, of every family and from both file formats, against what Hugging Face {@code transformers} computes
 * with them in f32 (src/test/python/tiny_models.py).
 */
class TinyModelsOracleTest {
    private static final Path FOLDER = Path.of("src/test/resources/tiny");

    /** The issue of precision: f32 sums of a few hundred terms in another order. */
    private static final double TOLERANCE = 1e-4;

    record Prompt(int[] ids, int first, float[][] logits, int[] greedy) {}

    record Reference(String name, Path path, List<Prompt> prompts) {
        @Override
        public String toString() {
            return name + " " + path.getFileName();
        }
    }

    @SuppressWarnings("unchecked")
    static List<Reference> references() throws IOException {
        Map<String, Object> all =
                (Map<String, Object>) Json.parse(Files.readAllBytes(FOLDER.resolve("references.json")));
        List<Reference> references = new ArrayList<>();
        for (Object o : (List<Object>) all.get("models")) {
            Map<String, Object> model = (Map<String, Object>) o;
            int vocabulary = ((Long) model.get("vocabulary")).intValue();
            ByteBuffer logits = ByteBuffer.wrap(Files.readAllBytes(FOLDER.resolve((String) model.get("logits"))))
                    .order(ByteOrder.LITTLE_ENDIAN);
            // Dynamic scaling is fixed for a session here; that is what its "fixedLength" references show.
            Map<String, Object> fixed = (Map<String, Object>) model.get("fixedLength");
            List<Prompt> prompts = new ArrayList<>();
            for (Object p : (List<Object>) (fixed == null ? model : fixed).get("prompts")) {
                prompts.add(prompt((Map<String, Object>) p, logits, vocabulary));
            }
            Stream.concat(
                            Stream.of((String) model.get("path")),
                            ((List<Object>) model.getOrDefault("sameLogits", List.of()))
                                    .stream().map(String.class::cast))
                    .forEach(path ->
                            references.add(new Reference((String) model.get("name"), FOLDER.resolve(path), prompts)));
        }
        return references;
    }

    @SuppressWarnings("unchecked")
    private static Prompt prompt(Map<String, Object> p, ByteBuffer buffer, int vocabulary) {
        Map<String, Object> place = (Map<String, Object>) p.get("logits");
        int rows = ((Long) place.get("rows")).intValue();
        int offset = ((Long) place.get("offset")).intValue();
        float[][] logits = new float[rows][vocabulary];
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < vocabulary; i++) {
                logits[row][i] = buffer.getFloat(offset + 4 * (row * vocabulary + i));
            }
        }
        return new Prompt(ints(p.get("ids")), ((Long) place.get("first")).intValue(), logits, ints(p.get("greedy")));
    }

    private static int[] ints(Object list) {
        return ((List<?>) list).stream().mapToInt(x -> ((Long) x).intValue()).toArray();
    }

    private static final SessionOptions F32 = SessionOptions.DEFAULT.withKv("f32");

    private static Session session(Model model, Reference reference) {
        return model.newSession(reference.name().equals("rope-dynamic") ? F32.withContext(80) : F32);
    }

    @ParameterizedTest
    @MethodSource("references")
    void logitsEqualTransformers(Reference reference) {
        try (Model model = Model.open(reference.path(), ModelOptions.DEFAULT.withThreads(2))) {
            for (Prompt prompt : reference.prompts()) {
                int rows = prompt.logits().length;
                int head = prompt.first();
                try (Session session = session(model, reference)) {
                    if (head > 0) {
                        session.read(Arrays.copyOf(prompt.ids(), head), Progress.NONE, new Cancellation());
                    }
                    for (int row = 0; row < rows; row++) {
                        session.read(new int[] {prompt.ids()[head + row]}, Progress.NONE, new Cancellation());
                        assertClose(session.logits(), prompt.logits()[row], "row " + (head + row));
                    }
                }
                try (Session session = session(model, reference)) {
                    session.read(prompt.ids(), Progress.NONE, new Cancellation());
                    assertClose(session.logits(), prompt.logits()[rows - 1], "last row of one chunk");
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("references")
    void greedyContinuationsEqualTransformers(Reference reference) {
        try (Model model = Model.open(reference.path(), ModelOptions.DEFAULT.withThreads(1))) {
            for (Prompt prompt : reference.prompts()) {
                try (Session session = session(model, reference)) {
                    session.read(prompt.ids(), Progress.NONE, new Cancellation());
                    GenerateOptions options = GenerateOptions.DEFAULT
                            .withMaxTokens(prompt.greedy().length)
                            .withIgnoreEnd(true);
                    Answer answer = session.generate(options, TokenListener.NONE, new Cancellation());
                    assertThat(answer.tokens().stream().mapToInt(i -> i).toArray())
                            .isEqualTo(prompt.greedy());
                }
            }
        }
    }

    /** Relative to the largest logit of the row: a logit near zero has no relative precision. */
    private static void assertClose(float[] actual, float[] expected, String what) {
        double largest = 0, worst = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs(expected[i]));
            worst = Math.max(worst, Math.abs(expected[i] - actual[i]));
        }
        assertThat(worst / largest).as("relative error of %s", what).isLessThanOrEqualTo(TOLERANCE);
    }
}
