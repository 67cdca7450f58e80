package dev.lectern.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.BadModelFileException;
import dev.lectern.LecternException;
import dev.lectern.kernel.ElementType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class HuggingFaceFolderTest {
    private static final String CONFIG = """
            {"architectures": ["LlamaForCausalLM"], "hidden_size": 64, "rms_norm_eps": 1e-06, "tie_word_embeddings": true,
             "bos_token": null, "rope_scaling": {"factor": 8.0, "rope_type": "llama3", "short_factor": [1, 2.5]},
             "eos_token_id": [128001, 128009], "id2label": {}, "empty": [], "mixed": [1, "a", null, {"b": null, "c": true}]}
            """;

    @TempDir
    private Path folder;

    @BeforeEach
    void writeConfig() throws IOException {
        Files.writeString(folder.resolve("config.json"), CONFIG);
    }

    private static SafetensorsWriter tiny() {
        return new SafetensorsWriter()
                .member("__metadata__", "{\"format\":\"pt\"}")
                .floats("w", new float[] {1, 2, 3, 4, 5, 6}, 2, 3)
                .tensor("n", "BF16", LittleEndianBytes.ofShorts((short) 0x3f80, (short) 0xc0a0), 2)
                .tensor("h", "F16", LittleEndianBytes.ofShorts((short) 0x3c00), 1);
    }

    private ModelFile open(SafetensorsWriter writer) throws IOException {
        writer.write(folder.resolve("model.safetensors"));
        return ModelFiles.open(folder);
    }

    @Test
    void theConfigBecomesFlatMetadata() {
        try (ModelFile model = ModelFiles.open(folder)) {
            Metadata config = model.metadata();
            assertThat(model.format()).isEqualTo("config");
            assertThat(config.strings("architectures")).containsExactly("LlamaForCausalLM");
            assertThat(config.integer("hidden_size")).isEqualTo(64);
            assertThat(config.number("rms_norm_eps")).isEqualTo(1e-6);
            assertThat(config.flag("tie_word_embeddings", false)).isTrue();
            assertThat(config.has("bos_token")).isFalse();
            assertThat(config.number("rope_scaling.factor")).isEqualTo(8);
            assertThat(config.string("rope_scaling.rope_type")).isEqualTo("llama3");
            assertThat(config.numbers("rope_scaling.short_factor")).containsExactly(1, 2.5f);
            assertThat(config.integers("eos_token_id")).containsExactly(128_001, 128_009);
            assertThat(config.numbers("eos_token_id")).containsExactly(128_001, 128_009);
            assertThat(config.integers("empty")).isEmpty();
            assertThat(config.strings("empty")).isEmpty();
            assertThat(config.value("mixed")).isEqualTo(List.of(1L, "a", Map.of("c", true)));
        }
    }

    @Test
    void aConfigAloneIsAModelWithoutTensors() {
        for (Path path : List.of(folder, folder.resolve("config.json"))) {
            try (ModelFile model = ModelFiles.open(path)) {
                assertThat(model.path()).isEqualTo(path);
                assertThat(model.tensors()).isEmpty();
                assertThatThrownBy(() -> model.matrix("w", 1, 1))
                        .isInstanceOf(BadModelFileException.class)
                        .hasMessageContaining("it has no weights; a folder needs model.safetensors");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 8})
    void tensorsAreReadAtAnyAlignment(int headerAlignment) throws IOException {
        try (ModelFile model = open(tiny().headerAlignment(headerAlignment))) {
            assertThat(model.format()).isEqualTo("safetensors");
            assertThat(model.tensors())
                    .containsExactly(
                            new ModelFile.Tensor("w", ElementType.F32, List.of(2L, 3L), 24),
                            new ModelFile.Tensor("n", ElementType.BF16, List.of(2L), 4),
                            new ModelFile.Tensor("h", ElementType.F16, List.of(1L), 2));
            assertThat(model.matrix("w", 2, 3).segment().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 20))
                    .isEqualTo(6);
            assertThat(model.vector("n", 2)).containsExactly(1, -5);
            assertThat(model.vector("h", 1)).containsExactly(1);
        }
    }

    @Test
    void aTensorThatNoKernelReadsIsListedButNotComputedWith() throws IOException {
        try (ModelFile model = open(tiny().tensor("mask", "BOOL", new byte[4], 1, 1, 2, 2))) {
            assertThat(model.unreadable())
                    .containsExactly(new ModelFile.UnreadableTensor("mask", "BOOL", List.of(1L, 1L, 2L, 2L), 4));
        }
        try (ModelFile model = open(tiny().tensor("ids", "I64", new byte[8], 1))) {
            assertThatThrownBy(() -> model.vector("ids", 1)).hasMessageContaining("tensor \"ids\" is of type I64");
        }
        assertThatThrownBy(() -> open(tiny().tensor("x", "F4", new byte[1], 2)))
                .hasMessageContaining("tensor \"x\" has the type \"F4\", which Lectern does not know");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "[0,8]   | [2,2]            | has 8 bytes by its \"data_offsets\", but 16 by its shape",
                "[4,12]  | [2]              | begins at offset 4 where the one before it ends at 0",
                "[0,4]   | [1]              | the tensors end at offset 4, but 8 bytes follow the header",
                "[0,16]  | [4]              | the tensors end at offset 16, but 8 bytes follow the header",
                "[8,0]   | [2]              | not a beginning and an end",
                "[0]     | [2]              | not a beginning and an end",
                "[0,-8]  | [2]              | not a size",
                "[0,8.0] | [2]              | not a size",
                "[0,8]   | [4294967296,4294967296,4294967296] | larger than any file",
                "[0,8]   | 2                | has no list of \"shape\"",
            })
    void offsetsThatLieAreRefused(String offsets, String shape, String sentence) {
        String header = "{\"t\":{\"dtype\":\"F32\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
        MemorySegment file = MemorySegment.ofArray(SafetensorsWriter.frame(header, new byte[8], 8));
        assertThatThrownBy(() -> SafetensorsReader.read("m.safetensors", file))
                .isInstanceOf(BadModelFileException.class)
                .hasMessageStartingWith("m.safetensors: ")
                .hasMessageContaining(sentence);
    }

    @Test
    void aFileThatWasCutShortSaysSoAtEveryLength() {
        byte[] bytes = tiny().toBytes();
        for (int length = 0; length < bytes.length; length++) {
            MemorySegment cut = MemorySegment.ofArray(bytes).asSlice(0, length);
            assertThatThrownBy(() -> SafetensorsReader.read("m.safetensors", cut))
                    .as("%d of %d bytes", length, bytes.length)
                    .isInstanceOf(BadModelFileException.class)
                    .hasMessageMatching("m\\.safetensors: .*(cut short|too few).*");
        }
    }

    @Test
    void aLyingHeaderLengthIsRefused() {
        byte[] file = tiny().toBytes();
        file[7] = (byte) 0x80;
        assertThatThrownBy(() -> SafetensorsReader.read("m.safetensors", MemorySegment.ofArray(file)))
                .hasMessageContaining("the header's length at byte 0 is 92233720368547");
    }

    private void writeShards(String map) throws IOException {
        new SafetensorsWriter()
                .floats("a", new float[] {1}, 1)
                .floats("spare", new float[] {9}, 1)
                .write(folder.resolve("model-00001-of-00002.safetensors"));
        new SafetensorsWriter()
                .floats("b", new float[] {2}, 1)
                .write(folder.resolve("model-00002-of-00002.safetensors"));
        Files.writeString(
                folder.resolve("model.safetensors.index.json"),
                "{\"metadata\": {\"total_size\": 8}, \"weight_map\": {" + map + "}}");
    }

    @Test
    void shardsAreReadAsTheIndexSays() throws IOException {
        writeShards("\"b\": \"model-00002-of-00002.safetensors\", \"a\": \"model-00001-of-00002.safetensors\"");
        try (ModelFile model = ModelFiles.open(folder)) {
            assertThat(model.tensors()).extracting(ModelFile.Tensor::name).containsExactly("b", "a");
            assertThat(model.vector("a", 1)).containsExactly(1);
            assertThat(model.vector("b", 1)).containsExactly(2);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../model-00001-of-00002.safetensors",
                "/etc/x.safetensors",
                "sub/x.safetensors",
                "..\\\\x.safetensors",
                "C:x.safetensors",
                "..",
                "",
                "x\\u0000.safetensors",
                "config.json"
            })
    void anIndexCannotLeadOutOfItsFolder(String file) throws IOException {
        writeShards("\"a\": \"" + file + "\"");
        assertThatThrownBy(() -> ModelFiles.open(folder))
                .isInstanceOf(BadModelFileException.class)
                .hasMessageContaining("model.safetensors.index.json: tensor \"a\" is placed in")
                .hasMessageContaining("not the name of a .safetensors file in the same folder");
    }

    @Test
    void anIndexThatPromisesWhatIsNotThereIsRefused() throws IOException {
        writeShards("\"a\": \"model-00002-of-00002.safetensors\"");
        assertThatThrownBy(() -> ModelFiles.open(folder))
                .hasMessageContaining("tensor \"a\" should be in model-00002-of-00002.safetensors but is not");
        writeShards("\"a\": \"model-00003-of-00003.safetensors\"");
        assertThatThrownBy(() -> ModelFiles.open(folder))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.NOT_FOUND))
                .hasMessageContaining("model-00003-of-00003.safetensors: there is no such file");
    }

    @Test
    void brokenJsonIsRefusedWithItsPlace() throws IOException {
        Path config = folder.resolve("config.json");
        Files.writeString(config, "{\"a\": 1,\n \"a\": 2}");
        assertThatThrownBy(() -> ModelFiles.open(folder))
                .isInstanceOf(BadModelFileException.class)
                .hasMessageStartingWith(config + ": its JSON is damaged: ")
                .hasMessageContaining("line 2");
        Files.writeString(config, "[1]");
        assertThatThrownBy(() -> ModelFiles.open(folder)).hasMessage(config + ": its JSON is not an object.");
        Files.writeString(config, "{\"a.b\": 1, \"a\": {\"b\": 2}}");
        assertThatThrownBy(() -> ModelFiles.open(folder)).hasMessageContaining("the key \"a.b\" stands twice");
    }

    @Test
    void quotedJsonCannotSteerATerminal() throws IOException {
        Files.writeString(folder.resolve("config.json"), "{\"\\u001b[2J\": 1, \"\\u001b[2J\": 2}");
        assertThatThrownBy(() -> ModelFiles.open(folder))
                .message()
                .contains("\\u001b[2J")
                .doesNotContain("\u001b");
    }

    @Test
    void whatIsNotAModelIsRefusedInASentence() throws IOException {
        Path text = Files.writeString(folder.resolve("notes.txt"), "hello");
        assertThatThrownBy(() -> ModelFiles.open(text)).hasMessageContaining("notes.txt: it is not a model by itself");
        Path weights = folder.resolve("model.safetensors");
        tiny().write(weights);
        assertThatThrownBy(() -> ModelFiles.open(weights)).hasMessageContaining("name the folder that it lies in");
        Path empty = Files.createDirectory(folder.resolve("empty"));
        assertThatThrownBy(() -> ModelFiles.open(empty)).hasMessageContaining("this folder has no config.json");
        assertThatThrownBy(() -> ModelFiles.open(folder.resolve("none")))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.NOT_FOUND));
        assertThatThrownBy(() -> ModelFiles.open(Path.of("/dev/null"))).isInstanceOf(BadModelFileException.class);
    }

    @Test
    void aClosedModelCanBeClosedAgain() throws IOException {
        ModelFile model = open(tiny());
        MemorySegment bytes = model.matrix("w", 2, 3).segment();
        model.close();
        model.close();
        assertThatThrownBy(() -> bytes.get(ValueLayout.JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
    }
}
