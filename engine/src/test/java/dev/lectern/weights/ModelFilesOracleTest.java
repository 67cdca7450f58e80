package dev.lectern.weights;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.kernel.ElementType;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files written by the formats' own libraries; oracle/make_model_files.py made them and printed the sums below. */
final class ModelFilesOracleTest {
    private static Path oracle(String name) {
        try {
            var url = Objects.requireNonNull(ModelFilesOracleTest.class.getResource("oracle/config.json"));
            return Path.of(url.toURI()).resolveSibling(name);
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    private static float[] ramp() {
        float[] ramp = new float[12];
        for (int i = 0; i < ramp.length; i++) {
            ramp[i] = i / 8f;
        }
        return ramp;
    }

    @Test
    void metadataOfGgufPyIsRead() {
        try (ModelFile model = ModelFiles.open(oracle("oracle.gguf"))) {
            Metadata metadata = model.metadata();
            assertThat(metadata.string("general.architecture")).isEqualTo("llama");
            assertThat(metadata.integer("general.alignment")).isEqualTo(64);
            assertThat(metadata.integer("llama.context_length")).isEqualTo(4096);
            assertThat(metadata.number("llama.attention.layer_norm_rms_epsilon"))
                    .isEqualTo(1e-5f);
            assertThat(metadata.strings("tokenizer.ggml.tokens")).containsExactly("<s>", "ä", "世界", "\uD83D\uDE00", "");
            assertThat(metadata.numbers("tokenizer.ggml.scores")).containsExactly(0, -1.5f, -2, -3, -4);
            assertThat(metadata.integers("tokenizer.ggml.token_type")).containsExactly(3, 1, 1, 1, 1);
            assertThat(metadata.flag("tokenizer.ggml.add_bos_token", false)).isTrue();
            assertThat(metadata.value("oracle.nested"))
                    .asInstanceOf(InstanceOfAssertFactories.LIST)
                    .containsExactly(new long[] {1, 2}, new long[] {3});
            assertThat(metadata.integer("oracle.large")).isEqualTo((1L << 53) + 1);
            assertThat(metadata.number("oracle.third")).isEqualTo(1.0 / 3);
            assertThat(model.vector("half", 6)).containsExactly(-0.25f, -0.125f, 0, 0.125f, 0.25f, 0.375f);
            assertThat(model.matrix("ramp", 3, 4).segment().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED))
                    .isEqualTo(ramp());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "BF16, a10adb9d96419ef389402dd460bebe6fdf4f7bb80b4db46a541bab5a653a20e5",
        "Q4_0, 44af0de50a69eadd7af58aebba276d8cea42bcf2c369d90c1ba83286743ea5a5",
        "Q4_1, 594b41cf4703b9705ca12c1e712014a51245833ccc78df98bb8fd37a6f93e00b",
        "Q5_0, fe2354eb4892cd309b7dcdf857c9eaf60e7f9262993dd41e3a0a7f25de06bc53",
        "Q5_1, 88ae7af610701206b3d97fc152612ee5b82e4754c907e9a4bcfe95bebcfdc6a5",
        "Q8_0, 62d8d5ec4c0e3578baabac4ff1f77feac3a2252687f1fd24a9430bc507f73a07",
    })
    void packedMatricesOfGgufPyAreFoundToTheByte(ElementType type, String sha256) throws NoSuchAlgorithmException {
        try (ModelFile model = ModelFiles.open(oracle("oracle.gguf"))) {
            byte[] packed = model.matrix(type.name(), 2, 256).segment().toArray(ValueLayout.JAVA_BYTE);
            byte[] sum = MessageDigest.getInstance("SHA-256").digest(packed);
            assertThat(HexFormat.of().formatHex(sum)).isEqualTo(sha256);
        }
    }

    @Test
    void tensorsOfTheSafetensorsLibraryAreRead() {
        try (ModelFile model = ModelFiles.open(oracle(""))) {
            assertThat(model.metadata().integer("hidden_size")).isEqualTo(4);
            assertThat(model.matrix("ramp", 3, 4).segment().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED))
                    .isEqualTo(ramp());
            assertThat(model.vector("half", 6)).containsExactly(-0.25f, -0.125f, 0, 0.125f, 0.25f, 0.375f);
            assertThat(model.unreadable())
                    .containsExactly(new ModelFile.UnreadableTensor("mask", "BOOL", List.of(3L, 3L), 9));
        }
    }
}
