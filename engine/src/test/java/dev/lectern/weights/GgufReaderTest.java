package dev.lectern.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.BadModelFileException;
import dev.lectern.LecternException;
import dev.lectern.kernel.ElementType;
import dev.lectern.kernel.Matrix;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class GgufReaderTest {
    @TempDir
    private Path folder;

    private ModelFile open(GgufWriter writer) throws IOException {
        Path file = folder.resolve("model.gguf");
        writer.write(file);
        return ModelFiles.open(file);
    }

    private static GgufWriter tiny() {
        return new GgufWriter()
                .string("general.architecture", "llama")
                .floats("a", new float[] {1, 2, 3, 4, 5, 6}, 2, 3)
                .floats("b", new float[] {7, 8}, 2);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void everyKindOfMetadataIsReadAsWritten(int version) throws IOException {
        var writer = new GgufWriter()
                .version(version)
                .string("string", "Grüße, 世界 \uD83D\uDE00 \uFFFD")
                .integer("u8", GgufWriter.UINT8, 200)
                .integer("i8", GgufWriter.INT8, -56)
                .integer("u16", GgufWriter.UINT16, 65_000)
                .integer("i16", GgufWriter.INT16, -536)
                .integer("u32", GgufWriter.UINT32, 4_000_000_000L)
                .integer("i32", GgufWriter.INT32, -294_967_296)
                .integer("u64", GgufWriter.UINT64, Long.MAX_VALUE)
                .integer("i64", GgufWriter.INT64, Long.MIN_VALUE)
                .number("f32", 0.1)
                .pair("f64", GgufWriter.FLOAT64, out -> out.int64(Double.doubleToRawLongBits(0.1)))
                .flag("bool", true)
                .strings("strings", List.of("", "ä", "<|im_end|>"))
                .integers("u8s", GgufWriter.UINT8, 0, 255)
                .integers("i64s", GgufWriter.INT64, -1, Long.MAX_VALUE)
                .numbers("f32s", 1.5f, -2.5f)
                .flags("bools", true, false)
                .nested("nested", new long[] {1, -2}, new long[] {}, new long[] {3});
        try (ModelFile model = open(writer)) {
            Metadata metadata = model.metadata();
            assertThat(model.format()).isEqualTo("gguf");
            assertThat(metadata.string("string")).isEqualTo("Grüße, 世界 \uD83D\uDE00 \uFFFD");
            assertThat(metadata.integer("u8")).isEqualTo(200);
            assertThat(metadata.integer("i8")).isEqualTo(-56);
            assertThat(metadata.integer("u16")).isEqualTo(65_000);
            assertThat(metadata.integer("i16")).isEqualTo(-536);
            assertThat(metadata.integer("u32")).isEqualTo(4_000_000_000L);
            assertThat(metadata.integer("i32")).isEqualTo(-294_967_296);
            assertThat(metadata.integer("u64")).isEqualTo(Long.MAX_VALUE);
            assertThat(metadata.integer("i64")).isEqualTo(Long.MIN_VALUE);
            assertThat(metadata.number("f32")).isEqualTo(0.1f);
            assertThat(metadata.number("f64")).isEqualTo(0.1);
            assertThat(metadata.flag("bool", false)).isTrue();
            assertThat(metadata.strings("strings")).containsExactly("", "ä", "<|im_end|>");
            assertThat(metadata.integers("u8s")).containsExactly(0, 255);
            assertThat(metadata.integers("i64s")).containsExactly(-1, Long.MAX_VALUE);
            assertThat(metadata.numbers("f32s")).containsExactly(1.5f, -2.5f);
            assertThat(metadata.value("bools")).isEqualTo(new boolean[] {true, false});
            assertThat(metadata.value("nested"))
                    .asInstanceOf(InstanceOfAssertFactories.LIST)
                    .containsExactly(new long[] {1, -2}, new long[0], new long[] {3});
            assertThat(metadata.keys()).hasSize(18);
            assertThat(model.tensors()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource(ElementType.class)
    void aMatrixOfEveryTypeIsExactlyItsBytes(ElementType type) throws IOException {
        int columns = 2 * type.blockElements();
        byte[] data = new byte[(int) (3 * type.bytes(columns))];
        for (int i = 0; i < data.length; i++) {
            data[i] = (byte) (i * 31 + 7);
        }
        var writer = new GgufWriter().floats("before", new float[] {1}, 1).tensor("w", type, data, 3, columns);
        try (ModelFile model = open(writer)) {
            assertThat(model.tensors())
                    .contains(new ModelFile.Tensor("w", type, List.of(3L, (long) columns), data.length));
            Matrix matrix = model.matrix("w", 3, columns);
            assertThat(matrix.type()).isEqualTo(type);
            assertThat(matrix.segment().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(data);
        }
    }

    @Test
    void vectorsAreDecodedToF32() throws IOException {
        var writer = new GgufWriter()
                .floats("f32", new float[] {1.5f, -3e30f, Float.MIN_VALUE}, 3)
                .tensor("f16", ElementType.F16, LittleEndianBytes.ofShorts((short) 0x3c00, (short) 0xc001), 2)
                .tensor("bf16", ElementType.BF16, LittleEndianBytes.ofShorts((short) 0x3f80, (short) 0xc0a0), 2)
                .tensor("q8", ElementType.Q8_0, new byte[34], 32);
        try (ModelFile model = open(writer)) {
            assertThat(model.vector("f32", 3)).containsExactly(1.5f, -3e30f, Float.MIN_VALUE);
            assertThat(model.vector("f16", 2)).containsExactly(1f, -2.001953125f);
            assertThat(model.vector("bf16", 2)).containsExactly(1f, -5f);
            assertThatThrownBy(() -> model.vector("q8", 32))
                    .isInstanceOf(BadModelFileException.class)
                    .hasMessageEndingWith("tensor \"q8\" is a vector of type Q8_0 where F32, F16 or BF16 is needed.");
        }
    }

    @Test
    void aTensorOfAnotherShapeOrNameIsRefusedByName() throws IOException {
        try (ModelFile model = open(tiny())) {
            assertThat(model.has("a")).isTrue();
            assertThat(model.has("c")).isFalse();
            assertThatThrownBy(() -> model.matrix("a", 3, 2))
                    .isInstanceOf(BadModelFileException.class)
                    .hasMessageEndingWith("tensor \"a\" has the shape [2, 3] where the metadata make it [3, 2].");
            assertThatThrownBy(() -> model.vector("a", 6)).isInstanceOf(BadModelFileException.class);
            assertThatThrownBy(() -> model.matrix("a", -2, 3)).isInstanceOf(BadModelFileException.class);
            assertThatThrownBy(() -> model.matrix("c", 2, 3))
                    .isInstanceOf(BadModelFileException.class)
                    .hasMessageContaining("no tensor \"c\"");
        }
    }

    @Test
    void aTensorThatNoKernelReadsIsListedButNotComputedWith() throws IOException {
        int iq4xs = 23;
        var writer = tiny().tensor("q", iq4xs, new byte[2 * 136], 2, 256).tensor("ids", 26, new byte[8], 2);
        try (ModelFile model = open(writer)) {
            assertThat(model.tensors()).extracting(ModelFile.Tensor::name).containsExactly("a", "b");
            assertThat(model.unreadable())
                    .containsExactly(
                            new ModelFile.UnreadableTensor("q", "IQ4_XS", List.of(2L, 256L), 272),
                            new ModelFile.UnreadableTensor("ids", "I32", List.of(2L), 8));
            assertThat(model.has("q")).isTrue();
            assertThatThrownBy(() -> model.matrix("q", 2, 256))
                    .hasMessageContaining("tensor \"q\" is of type IQ4_XS, which Lectern cannot compute with");
        }
    }

    @Test
    void theAlignmentOfTheFileIsHonoured() throws IOException {
        byte[] bytes = tiny().alignment(256).toBytes();
        Path file = folder.resolve("model.gguf");
        Files.write(file, bytes);
        try (ModelFile model = ModelFiles.open(file)) {
            assertThat(model.vector("b", 2)).containsExactly(7, 8);
            // The second tensor begins a whole alignment after the first.
            assertThat(MemorySegment.ofArray(bytes).get(ValueLayout.JAVA_FLOAT_UNALIGNED, bytes.length - 8L))
                    .isEqualTo(7f);
        }
        assertThatThrownBy(() -> open(tiny().alignment(24)))
                .hasMessageEndingWith("metadata \"general.alignment\" is 24, not a power of two.");
        assertThatThrownBy(() -> open(tiny().integer("general.alignment", 0)))
                .hasMessageContaining("\"general.alignment\" is 0");
    }

    @Test
    void filesLargerThanAnIntegerAreRead() throws IOException {
        long rows = 3 << 20;
        byte[] header = new GgufWriter()
                .tensor("large", ElementType.F16, new byte[0], rows, 512)
                .toBytes();
        Path file = folder.resolve("model.gguf");
        Files.write(file, header);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            // Sparse: the three gigabytes before the last element take no room on a disk.
            channel.write(ByteBuffer.wrap(new byte[] {0, 0x3c}), header.length + rows * 1024 - 2);
        }
        try (ModelFile model = ModelFiles.open(file)) {
            MemorySegment last = model.matrix("large", (int) rows, 512)
                    .rows((int) rows - 1, 1)
                    .segment();
            assertThat(last.get(ValueLayout.JAVA_SHORT_UNALIGNED, 1022)).isEqualTo((short) 0x3c00);
        }
    }

    @Test
    void anotherVersionOrByteOrderIsRefusedInASentence() {
        assertThatThrownBy(() -> open(tiny().version(1)))
                .hasMessageContaining("version 1; Lectern reads versions 2 and 3");
        assertThatThrownBy(() -> open(tiny().version(4))).hasMessageContaining("version 4");
        assertThatThrownBy(() -> open(tiny().version(Integer.reverseBytes(3))))
                .hasMessageContaining("big-endian GGUF file (version 3)");
        Path text = folder.resolve("text.gguf");
        assertThatThrownBy(() -> ModelFiles.open(Files.writeString(text, "hello, world")))
                .hasMessage(text + ": it is not a GGUF file: it does not begin with \"GGUF\".");
    }

    @Test
    void aFileThatWasCutShortSaysSoAtEveryLength() {
        byte[] bytes = tiny().toBytes();
        for (int length = 0; length < bytes.length; length++) {
            MemorySegment cut = MemorySegment.ofArray(bytes).asSlice(0, length);
            assertThatThrownBy(() -> GgufReader.read("model.gguf", cut))
                    .as("%d of %d bytes", length, bytes.length)
                    .isInstanceOf(BadModelFileException.class)
                    .hasMessageContaining("model.gguf: ")
                    .hasMessageContaining("cut short");
        }
    }

    @Test
    void namesThatStandTwiceAreRefused() {
        assertThatThrownBy(() -> open(tiny().string("general.architecture", "qwen2")))
                .hasMessageContaining("metadata \"general.architecture\": the key at byte")
                .hasMessageContaining("second time");
        assertThatThrownBy(() -> open(tiny().floats("a", new float[1], 1)))
                .hasMessageEndingWith("tensor \"a\" is listed twice.");
    }

    @Test
    void overlappingTensorsAreRefused() {
        var writer = tiny();
        byte[] bytes = writer.toBytes();
        int offset = writer.fields().stream()
                .filter(field -> field.name().equals("offset of b"))
                .findFirst()
                .orElseThrow()
                .offset();
        bytes[offset] = 0;
        assertThatThrownBy(() -> GgufReader.read("model.gguf", MemorySegment.ofArray(bytes)))
                .hasMessageContaining("inside tensor");
        bytes[offset] = 33;
        assertThatThrownBy(() -> GgufReader.read("model.gguf", MemorySegment.ofArray(bytes)))
                .hasMessageContaining("tensor \"b\" has the offset 33, not a multiple of the alignment 32");
    }

    @Test
    void lyingSizesAreRefusedBeforeAnythingIsAllocated() {
        assertThatThrownBy(() -> open(tiny().pair(
                                "k",
                                GgufWriter.ARRAY,
                                out -> out.int32(GgufWriter.STRING).int64(1L << 60))))
                .hasMessageContaining("the number of elements at byte")
                .hasMessageContaining("is 1152921504606846976, more than fits");
        assertThatThrownBy(() -> open(tiny().pair("k", GgufWriter.STRING, out -> out.int64(-1))))
                .hasMessageContaining("is 18446744073709551615, more than fits");
        assertThatThrownBy(() -> open(tiny().floats("c", new float[0], 1L << 40, 1L << 40)))
                .hasMessageContaining("larger than any file");
        assertThatThrownBy(() -> open(tiny().floats("c", new float[0], 1L << 40)))
                .hasMessageContaining("cut short");
        assertThatThrownBy(() -> open(tiny().tensor("c", ElementType.Q4_K, new byte[144], 2, 128)))
                .hasMessageContaining("has rows of 128 elements, which are not whole blocks of 256");
        assertThatThrownBy(() -> open(tiny().floats("c", new float[0], 1, 1, 1, 1, 1)))
                .hasMessageContaining("the number of dimensions")
                .hasMessageContaining("is 5, more than 4");
    }

    @Test
    void aHeaderMayNotFillTheHeap() {
        // Eight bytes of the file become 56 on the heap: empty strings, 48 MB of them.
        int count = 6_000_000;
        byte[] file = new GgufWriter()
                .pair(
                        "k",
                        GgufWriter.ARRAY,
                        out -> out.int32(GgufWriter.STRING).int64(count).all(new byte[8 * count]))
                .toBytes();
        assertThatThrownBy(() -> GgufReader.read("model.gguf", MemorySegment.ofArray(file)))
                .hasMessageContaining("over the 256 MiB of memory");
    }

    @Test
    void arraysNestedWithoutEndAreRefused() {
        assertThatThrownBy(() -> open(tiny().pair("k", GgufWriter.ARRAY, out -> {
                    for (int depth = 0; depth < 100_000; depth++) {
                        out.int32(GgufWriter.ARRAY).int64(1);
                    }
                })))
                .hasMessageContaining("nested more than 8 deep");
    }

    @Test
    void unknownTypesAndBrokenTextAreRefused() {
        assertThatThrownBy(() -> open(tiny().pair("k", 13, out -> {})))
                .hasMessageContaining("metadata \"k\": the type at byte")
                .hasMessageContaining("is 13, which GGUF does not define");
        assertThatThrownBy(() -> open(tiny().tensor("c", 4, new byte[1], 1)))
                .hasMessageContaining("is 4, which Lectern does not know; it reads F32, F16, Q4_0");
        assertThatThrownBy(() -> open(tiny().pair("k", GgufWriter.BOOL, out -> out.int8(2))))
                .hasMessageContaining("is 2 where a boolean is 0 or 1");
        assertThatThrownBy(() -> open(
                        tiny().pair("k", GgufWriter.STRING, out -> out.int64(1).int8(0xff))))
                .hasMessageContaining("is not valid UTF-8");
        assertThatThrownBy(() -> open(tiny().integer("k", GgufWriter.UINT64, -1)))
                .hasMessageContaining("18446744073709551615, beyond 2^63");
    }

    @Test
    void namesInMessagesCannotSteerATerminal() {
        String hostile = "\u001b[2J\u202e" + "x".repeat(1000);
        assertThatThrownBy(() -> open(tiny().floats(hostile, new float[0], 5)))
                .message()
                .contains("\"\\u001b[2J\\u202exxx")
                .doesNotContain("\u001b", "\u202e")
                .hasSizeLessThan(folder.toString().length() + 400);
    }

    private void writeShards(String name, int indexOfSecond, int countOfSecond, int tensorsInAll) throws IOException {
        new GgufWriter()
                .string("general.architecture", "llama")
                .shard(0, 2, tensorsInAll)
                .floats("a", new float[] {1, 2}, 2)
                .write(folder.resolve(name + "-00001-of-00002.gguf"));
        new GgufWriter()
                .shard(indexOfSecond, countOfSecond, tensorsInAll)
                .floats("b", new float[] {3, 4}, 2)
                .write(folder.resolve(name + "-00002-of-00002.gguf"));
    }

    @Test
    void anyShardOpensTheWholeModel() throws IOException {
        writeShards("big", 1, 2, 2);
        for (String shard : List.of("big-00001-of-00002.gguf", "big-00002-of-00002.gguf")) {
            try (ModelFile model = ModelFiles.open(folder.resolve(shard))) {
                assertThat(model.metadata().string("general.architecture")).isEqualTo("llama");
                assertThat(model.vector("a", 2)).containsExactly(1, 2);
                assertThat(model.vector("b", 2)).containsExactly(3, 4);
            }
        }
    }

    @Test
    void shardsThatDisagreeAreRefused() throws IOException {
        Path first = folder.resolve("big-00001-of-00002.gguf");
        Path second = folder.resolve("big-00002-of-00002.gguf");
        writeShards("big", 0, 2, 2);
        assertThatThrownBy(() -> ModelFiles.open(first)).hasMessageContaining("\"split.no\" is 0, but");
        writeShards("big", 1, 3, 2);
        assertThatThrownBy(() -> ModelFiles.open(first)).hasMessageContaining("\"split.count\" is 3, but");
        writeShards("big", 1, 2, 3);
        assertThatThrownBy(() -> ModelFiles.open(first)).hasMessageContaining("\"split.tensors.count\" is 3, but");
        writeShards("big", 1, 2, 2);
        Path renamed = folder.resolve("renamed.gguf");
        Files.copy(first, renamed);
        assertThatThrownBy(() -> ModelFiles.open(renamed)).hasMessageContaining("\"split.count\" is 2, but the file");
        Files.copy(first, second, StandardCopyOption.REPLACE_EXISTING);
        assertThatThrownBy(() -> ModelFiles.open(second)).isInstanceOf(BadModelFileException.class);
        Files.delete(second);
        assertThatThrownBy(() -> ModelFiles.open(first))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.NOT_FOUND))
                .hasMessageContaining("big-00002-of-00002.gguf: this shard is missing");
    }
}
