package dev.lectern;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whole tiny models whose files are sound but lie: about the shape of the model, or in its weights. Each computes finite numbers, or is
 * refused in a sentence.
 */
class DamagedModelsTest {
    private static final Path TINY = Path.of("src/test/resources/tiny");
    private static final int MODELS = 5_000;

    /** Ten times what opening and running such a model takes on the heap, and far less than what its lies ask for. */
    private static final long HEAP_PER_MODEL = 64L << 20;

    private static final long NANOS_PER_MODEL = 10_000_000_000L;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static final Pattern TENSOR_NAME = Pattern.compile(
            "(token_embd|position_embd|output_norm|output|blk\\.\\d\\.[a-z_]+|model\\.[a-z0-9_.]+|h\\.\\d\\.[a-z0-9_.]+)\\.(weight|bias)");
    private static final Pattern GGUF_KEY = Pattern.compile("(llama|qwen2|qwen3|gpt2|tokenizer|general)\\.[a-z0-9_.]+");
    private static final Pattern JSON_NUMBER = Pattern.compile("(?<=\": ?)-?[0-9][0-9.e+-]*");

    private static final String[] JSON_LIES = {
        "0",
        "1",
        "-1",
        "2",
        "3",
        "7",
        "16",
        "31",
        "33",
        "64",
        "65536",
        "1048576",
        "2147483647",
        "2147483648",
        "4294967296",
        "9223372036854775807",
        "1e999",
        "1e-400",
        "1e300",
        "0.5",
        "1e-300",
        "-0.0",
        "null",
        "true",
        "\"x\"",
        "[]",
        "[2, 2]"
    };

    private static final int[] WHOLE_LIES = {
        0, 1, -1, 2, 3, 7, 16, 31, 33, 64, 65_536, 1 << 20, 1 << 28, Integer.MAX_VALUE, Integer.MIN_VALUE
    };

    private static final float[] FLOAT_LIES = {
        0,
        -1,
        Float.NaN,
        Float.POSITIVE_INFINITY,
        Float.MAX_VALUE,
        Float.MIN_VALUE,
        1,
        1.0001f,
        0.5f,
        1e-30f,
        1e12f,
        1e-9f
    };

    /** A sound file, and where the names of its tensors and the keys of its numbers stand. */
    private record Whole(byte[] bytes, List<MatchResult> names, List<MatchResult> numbers) {
        static Whole of(Path file) throws IOException {
            byte[] bytes = Files.readAllBytes(file);
            ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            String text = new String(bytes, ISO_8859_1);
            return new Whole(
                    bytes,
                    TENSOR_NAME.matcher(text).results().toList(),
                    GGUF_KEY.matcher(text)
                            .results()
                            .filter(key -> key.end() + 8 <= bytes.length && isNumber(buffer.getInt(key.end())))
                            .toList());
        }

        /** The types u32, i32 and f32. */
        private static boolean isNumber(int type) {
            return type == 4 || type == 5 || type == 6;
        }
    }

    private final int[] ran = new int[2];

    @Test
    void damagedGgufModelsAnswerOrAreRefused(@TempDir Path folder) throws IOException {
        List<Whole> models = new ArrayList<>();
        for (String name : List.of("llama3-bf16", "qwen3-f16", "rope-yarn-f16", "llama2-all-types", "gpt2-f32")) {
            models.add(Whole.of(TINY.resolve(name + ".gguf")));
        }
        Path file = folder.resolve("model.gguf");
        for (int seed = 0; seed < MODELS / 2; seed++) {
            Random random = new Random(seed);
            Whole whole = models.get(seed % models.size());
            byte[] model = whole.bytes().clone();
            for (int wounds = 1 + random.nextInt(2); wounds > 0; wounds--) {
                switch (random.nextInt(5)) {
                    case 0 -> weights(model, model.length / 3, random);
                    case 1 -> swapNames(model, whole.names(), random);
                    default -> ggufNumber(model, whole.numbers(), random);
                }
            }
            Files.write(file, model);
            run(file, seed, random);
        }
        assertBothHappened();
    }

    @Test
    void damagedHuggingFaceModelsAnswerOrAreRefused(@TempDir Path folder) throws IOException {
        List<String> names =
                List.of("llama3", "qwen2-window", "gpt2", "mistral-window", "rope-dynamic", "rope-yarn-options");
        List<Whole> wholes = new ArrayList<>();
        for (String name : names) {
            wholes.add(Whole.of(TINY.resolve(name).resolve("model.safetensors")));
            Path copy = Files.createDirectories(folder.resolve(name));
            try (var files = Files.list(TINY.resolve(name))) {
                for (Path file : files.toList()) {
                    Files.copy(file, copy.resolve(file.getFileName().toString()));
                }
            }
        }
        for (int seed = 0; seed < MODELS / 2; seed++) {
            Random random = new Random(100_000 + seed);
            Path model = folder.resolve(names.get(seed % names.size()));
            Path config = model.resolve("config.json"), tensors = model.resolve("model.safetensors");
            String whole = Files.readString(config);
            Whole weights = wholes.get(seed % wholes.size());
            byte[] damaged = weights.bytes().clone();
            if (random.nextInt(4) > 0) {
                Files.writeString(config, jsonNumber(jsonNumber(whole, random), random));
            }
            switch (random.nextInt(4)) {
                case 0 -> weights(damaged, damaged.length / 10, random);
                case 1 -> swapNames(damaged, weights.names(), random);
                default -> {}
            }
            Files.write(tensors, damaged);
            run(model, 100_000 + seed, random);
            Files.writeString(config, whole);
            Files.write(tensors, weights.bytes());
        }
        assertBothHappened();
    }

    private void assertBothHappened() {
        assertThat(ran[0]).as("models that answered").isGreaterThan(MODELS / 20);
        assertThat(ran[1]).as("models that were refused").isGreaterThan(MODELS / 20);
    }

    /** Some weights become what no weight should be. */
    private static void weights(byte[] file, int from, Random random) {
        int start = from + random.nextInt(file.length - from) & ~3;
        int end = Math.min(file.length & ~3, start + (4 << random.nextInt(14)));
        byte[][] patterns = {
            {0, 0, (byte) 0xc0, 0x7f}, // NaN
            {(byte) 0xc0, 0x7f, (byte) 0xc0, 0x7f}, // NaN of BF16, twice
            {0, 0x7e, 0, 0x7e}, // NaN of F16
            {0, 0, (byte) 0x80, 0x7f}, // ∞
            {(byte) 0x80, 0x7f, (byte) 0x80, 0x7f},
            {0, 0x7c, 0, (byte) 0xfc},
            {(byte) 0xff, (byte) 0xff, 0x7f, 0x7f}, // the largest
            {(byte) 0xff, 0x7b, (byte) 0xff, 0x7b},
            {0, 0, 0, 0},
            {(byte) 0xff, (byte) 0xff, (byte) 0xff, (byte) 0xff}
        };
        int kind = random.nextInt(patterns.length + 1);
        for (int i = start; i < end; i++) {
            file[i] = kind == patterns.length ? (byte) random.nextInt() : patterns[kind][i % 4];
        }
    }

    /** Two tensors with names of one length change places. */
    private static void swapNames(byte[] file, List<MatchResult> names, Random random) {
        MatchResult one = names.get(random.nextInt(names.size()));
        List<MatchResult> others = names.stream()
                .filter(name -> name.group().length() == one.group().length())
                .toList();
        MatchResult other = others.get(random.nextInt(others.size()));
        byte[] first = one.group().getBytes(ISO_8859_1), second = other.group().getBytes(ISO_8859_1);
        System.arraycopy(second, 0, file, one.start(), second.length);
        System.arraycopy(first, 0, file, other.start(), first.length);
    }

    /** A number of the metadata becomes another; what follows the key is its type, then the value. */
    private static void ggufNumber(byte[] file, List<MatchResult> keys, Random random) {
        ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int at = keys.get(random.nextInt(keys.size())).end();
        if (buffer.getInt(at) == 6) {
            buffer.putFloat(at + 4, FLOAT_LIES[random.nextInt(FLOAT_LIES.length)]);
        } else {
            int lie = random.nextInt(3) == 0
                    ? buffer.getInt(at + 4) + random.nextInt(-2, 3)
                    : WHOLE_LIES[random.nextInt(WHOLE_LIES.length)];
            buffer.putInt(at + 4, lie);
        }
    }

    private static String jsonNumber(String text, Random random) {
        List<MatchResult> numbers = JSON_NUMBER.matcher(text).results().toList();
        MatchResult number = numbers.get(random.nextInt(numbers.size()));
        return text.substring(0, number.start())
                + JSON_LIES[random.nextInt(JSON_LIES.length)]
                + text.substring(number.end());
    }

    private void run(Path path, int seed, Random random) {
        long heap = THREADS.getCurrentThreadAllocatedBytes();
        long time = System.nanoTime();
        try {
            answer(path, random);
            ran[0]++;
        } catch (LecternException e) {
            ran[1]++;
            String message = String.valueOf(e.getMessage());
            if (!message.endsWith(".") || message.chars().anyMatch(Character::isISOControl)) {
                fail("seed " + seed + ": " + message, e);
            }
        } catch (Throwable e) {
            fail("seed " + seed, e);
        }
        assertThat(THREADS.getCurrentThreadAllocatedBytes() - heap)
                .as("heap, seed %d", seed)
                .isLessThan(HEAP_PER_MODEL);
        assertThat(System.nanoTime() - time).as("time, seed %d", seed).isLessThan(NANOS_PER_MODEL);
    }

    private static void answer(Path path, Random random) {
        Cancellation never = new Cancellation();
        try (Model model = Model.open(path, ModelOptions.DEFAULT.withThreads(1))) {
            SessionOptions options = SessionOptions.DEFAULT.withKv(random.nextBoolean() ? "f16" : "f32");
            try (Session session = model.newSession(
                    random.nextBoolean() ? options : options.withContext(Math.min(16, model.context())))) {
                int[] tokens = random.ints(3, 0, model.vocabulary()).toArray();
                if (random.nextBoolean()) {
                    session.read(tokens, Progress.NONE, never);
                } else {
                    double[] logProbs =
                            session.score(tokens, Progress.NONE, never).logProbs();
                    assertThat(Double.isFinite(logProbs[1]) && Double.isFinite(logProbs[2]))
                            .isTrue();
                }
                for (float logit : session.logits()) {
                    assertThat(Float.isFinite(logit)).isTrue();
                }
                Sampling sampling = random.nextBoolean()
                        ? Sampling.GREEDY
                        : new Sampling(
                                0.01 + 2 * random.nextDouble(), random.nextInt(9), 0.9, 0.05, 1.1, random.nextLong());
                Answer answer = session.generate(
                        GenerateOptions.DEFAULT.withMaxTokens(3).withSampling(sampling), TokenListener.NONE, never);
                assertThat(answer.tokens()).hasSizeBetween(1, 3).allMatch(token -> token < model.vocabulary());
            }
        }
    }
}
