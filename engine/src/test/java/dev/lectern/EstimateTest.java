package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is said about memory before anything is read. */
class EstimateTest {
    private static final Path TINY = Path.of("src/test/resources/tiny");

    private static String config(String architecture, long layers, long context) {
        return """
                {"architectures": ["%s"], "hidden_size": 4096, "num_hidden_layers": %d, "num_attention_heads": 32,
                 "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "rms_norm_eps": 1e-5,
                 "max_position_embeddings": %d, "rope_theta": 500000.0}
                """.formatted(architecture, layers, context);
    }

    private static Estimate estimate(Path path, SessionOptions options) {
        return estimate(path, ModelOptions.DEFAULT, options);
    }

    private static Estimate estimate(Path path, ModelOptions modelOptions, SessionOptions options) {
        try (Estimator estimator = Estimator.open(path, modelOptions)) {
            return estimator.estimate(options);
        }
    }

    @Test
    void aBareConfigIsEnough(@TempDir Path folder) throws IOException {
        Path config = Files.writeString(folder.resolve("config.json"), config("LlamaForCausalLM", 32, 131_072));
        SessionOptions options = SessionOptions.DEFAULT.withContext(1000).withKv("f16");
        Estimate estimate = estimate(config, options);
        assertThat(estimate.tokens()).isEqualTo(1000);
        assertThat(estimate.weights()).isZero();
        // Four pages of 256 tokens, 32 layers, keys and values of 8 heads of 128 numbers of 2 bytes.
        assertThat(estimate.kv()).isEqualTo(4L * 256 * 32 * 2 * 8 * 128 * 2);
        assertThat(estimate(config, options.withKv("f32")).kv()).isEqualTo(2 * estimate.kv());
        assertThat(estimate(folder, SessionOptions.DEFAULT).tokens()).isEqualTo(131_072);
        assertThat(estimate.total()).isEqualTo(estimate.kv() + estimate.scratch());
        assertThat(estimate.index()).isZero();
        assertThat(estimate.scratch()).isPositive();
    }

    @Test
    void whatMethodsKnowBesideTheCacheIsCounted(@TempDir Path folder) throws IOException {
        Path config = Files.writeString(folder.resolve("config.json"), config("LlamaForCausalLM", 32, 131_072));
        SessionOptions options = SessionOptions.DEFAULT.withContext(10_000).withKv("f16");
        // A sum for each token and kv head, and that before the last step.
        assertThat(estimate(config, options.withKeep("h2o")).index()).isEqualTo(32L * 8 * 10_000 * 2 * Float.BYTES);
        assertThat(estimate(config, options.withKeep("snapkv")).index()).isZero();
        // Of 32 layers 30 have an index: everything is read in two of them.
        long all =
                estimate(config, options.withAttention("magicpig:dense=none")).index();
        assertThat(all).isPositive();
        assertThat(estimate(config, options.withAttention("magicpig:dense=0+16"))
                        .index())
                .isEqualTo(all / 32 * 30);
        Estimate both = estimate(config, options.withAttention("magicpig").withKeep("h2o"));
        assertThat(both.besideCache()).isEqualTo(both.index() + both.scratch());
        assertThat(both.total()).isEqualTo(both.kv() + both.besideCache());
    }

    /** What is estimated is what is there, but for the sums before the last step of its own tokens. */
    @Test
    void sumsTakeWhatWasEstimated() {
        SessionOptions options = SessionOptions.DEFAULT.withKeep("h2o");
        try (Model model = Model.open(TINY.resolve("llama3"), ModelOptions.DEFAULT.withThreads(1));
                Session session = model.newSession(options)) {
            long estimated = model.estimate(options, 1).index();
            session.read(new int[model.context() - 2], Progress.NONE, new Cancellation());
            assertThat(session.indexBytes()).isLessThan(estimated);
            session.read(new int[2], Progress.NONE, new Cancellation());
            long each = estimated / (2L * model.context());
            assertThat(session.indexBytes()).isEqualTo(estimated - 2 * each);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"f16", "int8", "hf-int4:group=16", "kivi-4:group=16", "chl-4", "k=chl-8,v=chl-4"})
    void aSessionHoldsWhatWasEstimated(String kv) {
        ModelOptions options = ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=8");
        SessionOptions sessionOptions = SessionOptions.DEFAULT.withKv(kv);
        try (Model model = Model.open(TINY.resolve("llama3"), options);
                Session session = model.newSession(sessionOptions)) {
            session.read(new int[model.context()], Progress.NONE, new Cancellation());
            Estimate estimate = model.estimate(sessionOptions, 1);
            assertThat(session.bytes()).isEqualTo(estimate.kv());
            assertThat(estimate.weights()).isBetween(80_000L, 100_000L);
            assertThat(model.estimate(sessionOptions, 8).scratch()).isGreaterThan(estimate.scratch());
        }
    }

    @Test
    void sizesBeyondAllCountingAreRefusedInASentence(@TempDir Path folder) throws IOException {
        Path config = Files.writeString(folder.resolve("config.json"), config("LlamaForCausalLM", 4096, 1 << 28));
        Estimate large = estimate(config, SessionOptions.DEFAULT);
        assertThat(large.fits()).isFalse();
        Files.writeString(
                config,
                config("LlamaForCausalLM", 4096, 1 << 28)
                        .replace("\"num_key_value_heads\": 8", "\"head_dim\": 32768, \"num_key_value_heads\": 32"));
        assertThatThrownBy(() -> estimate(
                        config, ModelOptions.DEFAULT.withRopeScaling("linear:factor=8"), SessionOptions.DEFAULT))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.NO_MEMORY))
                .hasMessageContaining("more bytes than can be counted");
    }

    @Test
    void scalingStretchesTheContext(@TempDir Path folder) throws IOException {
        Path config = Files.writeString(folder.resolve("config.json"), config("Qwen2ForCausalLM", 4, 1000));
        assertThat(estimate(config, ModelOptions.DEFAULT.withRopeScaling("yarn:factor=4"), SessionOptions.DEFAULT)
                        .tokens())
                .isEqualTo(4000);
    }

    @Test
    void architecturesThatAreNotReadAreNamedWithThoseThatAre(@TempDir Path folder) throws IOException {
        Path config = folder.resolve("config.json");
        for (String architectures : new String[] {"\"MambaForCausalLM\"", "", "\"LlamaForCausalLM\", \"B\"", "7"}) {
            Files.writeString(config, "{\"architectures\": [" + architectures + "]}");
            assertThatThrownBy(() -> estimate(config, SessionOptions.DEFAULT))
                    .isInstanceOf(BadModelFileException.class)
                    .hasMessageContaining("config.json")
                    .hasMessageContaining("LlamaForCausalLM");
        }
        Files.writeString(config, "{\"architectures\": [\"MambaForCausalLM\"]}");
        assertThatThrownBy(() -> estimate(config, SessionOptions.DEFAULT))
                .hasMessageContaining("MambaForCausalLM")
                .hasMessageContaining("Qwen3ForCausalLM");
    }

    @Test
    void memoryIsPositiveAndWithinTheMachine() {
        assertThat(Memory.total()).isPositive();
        assertThat(Memory.available()).isBetween(1L, Memory.total());
        assertThat(Memory.peakResident()).isBetween(0L, Memory.total());
    }
}
