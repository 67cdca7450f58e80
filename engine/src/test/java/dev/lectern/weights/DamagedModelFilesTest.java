package dev.lectern.weights;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import dev.lectern.LecternException;
import dev.lectern.kernel.ElementType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Throws damaged files at the readers: whole small models with some bytes changed, so that most of what a file says is
 * still true and the reader gets far. Each either opens, and then all of it can be read, or is refused in a sentence.
 */
final class DamagedModelFilesTest {
    private static final int FILES = 20_000;
    private static final int FILES_ON_DISK = 300;

    /** The files have at most 4 KB; an exception with its trace, a tree of JSON and the lists of tensors need far less. */
    private static final long HEAP_PER_FILE = 2L << 20;

    /** Thousands of times what one takes, so that a pause of a busy machine is not an endless loop. */
    private static final long NANOS_PER_FILE = 5_000_000_000L;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private int opened;
    private int refused;

    @Test
    void damagedGgufFilesNeverCrashTheReader() {
        long seed = 20_250_901;
        var writers = List.of(wholeGguf(3, 32), wholeGguf(2, 64));
        List<byte[]> files = writers.stream().map(GgufWriter::toBytes).toList();
        for (int i = 0; i < FILES; i++) {
            var damage = new Damage(new SplittableRandom(seed + i));
            int which = i % files.size();
            byte[] file = damage.binary(files.get(which), writers.get(which).fields());
            throwAtReader(seed + i, file, "model.gguf", () -> {
                var folder = new MemoryFolder(Map.of("model.gguf", file));
                return GgufModel.read(folder, "model.gguf");
            });
        }
        assertBothHappened();
    }

    @Test
    void damagedShardsNeverCrashTheReader() {
        long seed = 20_250_902;
        String first = "m-00001-of-00002.gguf";
        String second = "m-00002-of-00002.gguf";
        var writer = wholeGguf(3, 32).shard(0, 2, 14);
        byte[] whole = writer.toBytes();
        byte[] other = new GgufWriter()
                .shard(1, 2, 14)
                .floats("x.a", new float[4], 2, 2)
                .floats("x.b", new float[4], 4)
                .toBytes();
        for (int i = 0; i < FILES / 10; i++) {
            var damage = new Damage(new SplittableRandom(seed + i));
            byte[] damaged = damage.binary(i % 2 == 0 ? other : whole, i % 2 == 0 ? List.of() : writer.fields());
            var folder = new MemoryFolder(
                    i % 2 == 0 ? Map.of(first, whole, second, damaged) : Map.of(first, damaged, second, other));
            throwAtReader(seed + i, damaged, "m-0000", () -> GgufModel.read(folder, second));
        }
        assertBothHappened();
    }

    @Test
    void damagedHuggingFaceFoldersNeverCrashTheReader() {
        long seed = 20_250_903;
        List<Map<String, byte[]>> folders = List.of(wholeFolder(), shardedFolder());
        for (int i = 0; i < FILES; i++) {
            var random = new SplittableRandom(seed + i);
            Map<String, byte[]> files = new HashMap<>(folders.get(i % folders.size()));
            List<String> names = files.keySet().stream().sorted().toList();
            String name = names.get(random.nextInt(names.size()));
            byte[] damaged = damage(new Damage(random), name, files.getOrDefault(name, new byte[0]));
            files.put(name, damaged);
            throwAtReader(seed + i, damaged, "tiny", () -> HuggingFaceFolder.read(new MemoryFolder(files)));
        }
        assertBothHappened();
    }

    private static byte[] damage(Damage damage, String name, byte[] file) {
        if (name.endsWith(".json")) {
            return damage.json(new String(file, UTF_8)).getBytes(UTF_8);
        }
        var lengthOfHeader = List.of(new GgufWriter.Field("length", 0, 8));
        if (damage.random().nextInt(4) == 0) {
            return damage.binary(file, lengthOfHeader);
        }
        int header = (int) MemorySegment.ofArray(file).get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
        String json = new String(file, 8, header, UTF_8);
        byte[] tensors = Arrays.copyOfRange(file, 8 + header, file.length);
        return SafetensorsWriter.frame(damage.json(json), tensors, 1);
    }

    @Test
    void damagedFilesOnDiskNeverCrashTheReader(@TempDir Path folder) throws IOException {
        long seed = 20_250_904;
        var writer = wholeGguf(3, 32);
        byte[] whole = writer.toBytes();
        Path gguf = folder.resolve("model.gguf");
        for (int i = 0; i < FILES_ON_DISK; i++) {
            byte[] file = new Damage(new SplittableRandom(seed + i)).binary(whole, writer.fields());
            Files.write(gguf, file);
            try (ModelFile model = ModelFiles.open(gguf)) {
                readAll(model, file.length);
                opened++;
            } catch (LecternException e) {
                assertThat(e).as("seed %d", seed + i).hasMessageContaining("model.gguf");
                refused++;
            }
        }
        assertBothHappened();
    }

    private void throwAtReader(long seed, byte[] damaged, String name, Supplier<ModelContents> reader) {
        long heap = THREADS.getCurrentThreadAllocatedBytes();
        long time = System.nanoTime();
        tryReader(seed, damaged, name, reader);
        if (THREADS.getCurrentThreadAllocatedBytes() - heap > HEAP_PER_FILE) {
            // A class or a message that is used for the first time costs the JVM more than the file does: once more.
            heap = THREADS.getCurrentThreadAllocatedBytes();
            tryReader(seed, damaged, name, reader);
            assertThat(THREADS.getCurrentThreadAllocatedBytes() - heap)
                    .as("heap, seed %d", seed)
                    .isLessThan(HEAP_PER_FILE);
        }
        assertThat(System.nanoTime() - time).as("time, seed %d", seed).isLessThan(NANOS_PER_FILE);
    }

    private void tryReader(long seed, byte[] damaged, String name, Supplier<ModelContents> reader) {
        try (Arena arena = Arena.ofConfined()) {
            readAll(new OpenModel(Path.of("tiny"), arena, reader.get()), Long.MAX_VALUE);
            opened++;
        } catch (LecternException e) {
            refused++;
            String message = String.valueOf(e.getMessage());
            boolean kind =
                    e.kind() == LecternException.Kind.BAD_MODEL_FILE || e.kind() == LecternException.Kind.NOT_FOUND;
            if (!kind || !message.contains(name) || message.chars().anyMatch(Character::isISOControl)) {
                fail("seed " + seed + ": " + e.kind() + ", " + message, e);
            }
        } catch (Throwable e) {
            fail("seed " + seed + ", file " + HexFormat.of().formatHex(damaged), e);
        }
    }

    /** Whatever opened can be read to its last byte. */
    private static void readAll(ModelFile model, long fileBytes) {
        long bytes = 0;
        for (ModelFile.Tensor tensor : model.tensors()) {
            assertThat(model.has(tensor.name())).isTrue();
            bytes += tensor.bytes();
            List<Long> shape = tensor.shape();
            if (shape.stream().anyMatch(length -> length == 0 || length > Integer.MAX_VALUE)) {
                continue;
            }
            if (shape.size() == 2) {
                int rows = Math.toIntExact(shape.getFirst());
                MemorySegment segment = model.matrix(tensor.name(), rows, Math.toIntExact(shape.getLast()))
                        .segment();
                assertThat(segment.byteSize()).isEqualTo(tensor.bytes());
                segment.get(ValueLayout.JAVA_BYTE, 0);
                segment.get(ValueLayout.JAVA_BYTE, segment.byteSize() - 1);
            } else if (shape.size() == 1 && tensor.type().blockElements() == 1) {
                assertThat(model.vector(tensor.name(), Math.toIntExact(shape.getFirst())))
                        .hasSize(Math.toIntExact(shape.getFirst()));
            }
        }
        for (ModelFile.UnreadableTensor tensor : model.unreadable()) {
            assertThat(tensor.bytes()).isNotNegative();
            bytes += tensor.bytes();
        }
        assertThat(bytes).isBetween(0L, fileBytes);
        for (String key : model.metadata().keys()) {
            Objects.requireNonNull(model.metadata().value(key));
        }
    }

    private void assertBothHappened() {
        assertThat(opened).as("files that still opened").isPositive();
        assertThat(refused).as("files that were refused").isGreaterThan(opened / 4);
    }

    private static GgufWriter wholeGguf(int version, int alignment) {
        var writer = new GgufWriter()
                .version(version)
                .alignment(alignment)
                .string("general.architecture", "llama")
                .string("general.name", "Größe 7")
                .integer("llama.block_count", 2)
                .integer("llama.big", GgufWriter.UINT64, 1L << 40)
                .number("llama.attention.layer_norm_rms_epsilon", 1e-5)
                .flag("tokenizer.ggml.add_bos_token", true)
                .strings("tokenizer.ggml.tokens", List.of("<s>", "a", "b", "ab", "世"))
                .numbers("tokenizer.ggml.scores", 0, -1, -2, -3, -4)
                .integers("tokenizer.ggml.token_type", GgufWriter.INT32, 3, 1, 1, 1, 1)
                .integers("bytes", GgufWriter.UINT8, 1, 2, 3)
                .flags("flags", true, false)
                .nested("nested", new long[] {1, 2}, new long[] {3});
        for (ElementType type : ElementType.values()) {
            int columns = type.blockElements();
            writer.tensor("blk." + type, type, new byte[(int) (2 * type.bytes(columns))], 2, columns);
        }
        return writer.floats("norm", new float[3], 3);
    }

    private static Map<String, byte[]> wholeFolder() {
        return Map.of(
                "config.json", config(), "model.safetensors", safetensors("").toBytes());
    }

    private static Map<String, byte[]> shardedFolder() {
        List<String> placed = new ArrayList<>();
        Map<String, byte[]> files = new HashMap<>();
        for (String prefix : List.of("x.", "y.")) {
            String file = "model-" + prefix + "safetensors";
            files.put(file, safetensors(prefix).toBytes());
            for (String name : List.of("w", "n", "h", "mask")) {
                placed.add("\"" + prefix + name + "\":\"" + file + "\"");
            }
        }
        String index = "{\"metadata\":{\"total_size\":99},\"weight_map\":{" + String.join(",", placed) + "}}";
        files.put("model.safetensors.index.json", index.getBytes(UTF_8));
        files.put("config.json", config());
        return files;
    }

    private static SafetensorsWriter safetensors(String prefix) {
        return new SafetensorsWriter()
                .member("__metadata__", "{\"format\":\"pt\"}")
                .floats(prefix + "w", new float[] {1, 2, 3, 4, 5, 6}, 2, 3)
                .tensor(prefix + "n", "BF16", new byte[4], 2)
                .tensor(prefix + "h", "F16", new byte[8], 2, 2)
                .tensor(prefix + "mask", "BOOL", new byte[4], 1, 1, 2, 2);
    }

    private static byte[] config() {
        return """
                {"architectures":["LlamaForCausalLM"],"hidden_size":64,"rms_norm_eps":1e-06,"tie":true,"bos":null,
                "rope_scaling":{"factor":8.0,"rope_type":"llama3","short_factor":[1,2.5]},"eos_token_id":[1,2],"f":[true],
                "mixed":[1,"a",null,{"b":[[]]}]}""".getBytes(UTF_8);
    }
}
