package dev.lectern.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.BadModelFileException;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import dev.lectern.kernel.Blocks;
import dev.lectern.kernel.ElementType;
import dev.lectern.kernel.Matrix;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RepackedModelTest {
    private static final int ROWS = 70;
    private static final int COLUMNS = 512;
    private static final List<ElementType> TYPES =
            List.of(ElementType.Q4_1, ElementType.Q5_0, ElementType.Q4_K, ElementType.Q6_K, ElementType.Q8_0);

    @TempDir
    Path folder;

    private Path model;
    private Path copies;

    @BeforeEach
    void writeModel() throws IOException {
        model = folder.resolve("tiny.gguf");
        copies = folder.resolve("copies");
        write(model, 1);
    }

    private static void write(Path file, long seed) throws IOException {
        var random = new Random(seed);
        var writer = new GgufWriter().string("general.architecture", "llama");
        for (ElementType type : TYPES) {
            byte[] bytes = new byte[Math.toIntExact(type.bytes(COLUMNS) * ROWS)];
            random.nextBytes(bytes);
            for (int p = 0; p < bytes.length; p += type.blockBytes()) {
                // The second byte of every scale: far from infinite.
                int scale = type == ElementType.Q6_K ? 208 : 0;
                bytes[p + scale + 1] = 0x20;
                if (type == ElementType.Q4_1 || type == ElementType.Q4_K) {
                    bytes[p + 3] = 0x21;
                }
            }
            writer.tensor(type.name(), type.ggmlId(), bytes, ROWS, COLUMNS);
        }
        writer.write(file);
    }

    private ModelFile open(Progress progress) {
        return ModelFiles.repacked(ModelFiles.open(model), copies, 2, progress, new Cancellation());
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> list = Files.list(copies)) {
            return list.toList();
        }
    }

    @Test
    void theCopyHoldsTheSameNumbersAndIsWrittenOnce() throws IOException {
        AtomicLong reported = new AtomicLong();
        for (int time = 0; time < 2; time++) {
            try (ModelFile plain = ModelFiles.open(model);
                    ModelFile repacked = open((done, total) -> reported.set(done))) {
                for (ElementType type : TYPES) {
                    Matrix expected = plain.matrix(type.name(), ROWS, COLUMNS);
                    Matrix actual = repacked.matrix(type.name(), ROWS, COLUMNS);
                    assertThat(actual.isInterleaved()).isTrue();
                    assertThat(repacked.table(type.name(), ROWS, COLUMNS).isInterleaved())
                            .isFalse();
                    for (int row = 0; row < ROWS; row++) {
                        assertThat(row(actual, row)).isEqualTo(row(expected, row));
                    }
                }
            }
            assertThat(files()).hasSize(1);
            assertThat(reported.getAndSet(0)).isEqualTo(time == 0 ? Files.size(files().getFirst()) : 0);
        }
    }

    /** With positive zero for negative: their products are the same. */
    private static float[] row(Matrix m, int row) {
        float[] out = new float[COLUMNS];
        Blocks.decode(m, row, 0, COLUMNS, out, 0);
        for (int i = 0; i < COLUMNS; i++) {
            out[i] += 0f;
        }
        return out;
    }

    /** A dimension that is 0 lets the others be anything: such a tensor has no bytes. */
    @Test
    void emptyTensorsOfAnyShapeKeepNoModelFromBeingUsed() throws IOException {
        byte[] bytes = new byte[Math.toIntExact(ElementType.Q8_0.bytes(COLUMNS) * ROWS)];
        new GgufWriter()
                .string("general.architecture", "llama")
                .tensor("whole", ElementType.Q8_0, bytes, ROWS, COLUMNS)
                .tensor("no rows", ElementType.Q8_0, new byte[0], 0, 1L << 33)
                .tensor("no columns", ElementType.Q8_0, new byte[0], 1L << 33, 0)
                .tensor("neither", ElementType.Q8_0, new byte[0], 0, 0)
                .floats("no elements", new float[0], 0)
                .write(model);
        try (ModelFile plain = ModelFiles.open(model);
                ModelFile repacked = open(Progress.NONE)) {
            assertThat(plain.tensors()).hasSize(5);
            assertThat(repacked.matrix("whole", ROWS, COLUMNS).isInterleaved()).isTrue();
            assertThat(WeightsDigest.of(repacked)).isEqualTo(WeightsDigest.of(plain));
            assertThatThrownBy(() -> repacked.matrix("no columns", 1, 1)).isInstanceOf(BadModelFileException.class);
        }
    }

    /** Eight gigabytes, all of them a hole in the file. */
    @Test
    void vectorsThatNoModelHasAreKnownByTheirShape() throws IOException {
        byte[] header = new GgufWriter()
                .string("general.architecture", "llama")
                .tensor("long", ElementType.F32, new byte[0], 1L << 31)
                .toBytes();
        Files.write(model, header);
        try (RandomAccessFile file = new RandomAccessFile(model.toFile(), "rw")) {
            file.setLength(header.length + (1L << 33));
        }
        try (ModelFile plain = ModelFiles.open(model)) {
            assertThat(WeightsDigest.of(plain)).hasSize(64);
        }
    }

    @Test
    void aModelReplacedUnderItsNameGetsACopyOfItsOwn() throws IOException {
        open(Progress.NONE).close();
        write(model, 2);
        try (ModelFile plain = ModelFiles.open(model);
                ModelFile repacked = open(Progress.NONE)) {
            assertThat(row(repacked.matrix("Q5_0", ROWS, COLUMNS), 3))
                    .isEqualTo(row(plain.matrix("Q5_0", ROWS, COLUMNS), 3));
        }
        assertThat(files()).hasSize(2);
    }

    @Test
    void aCopyThatIsCutShortOrOverwrittenIsWrittenAnew() throws IOException {
        open(Progress.NONE).close();
        Path copy = files().getFirst();
        byte[] whole = Files.readAllBytes(copy);
        Files.write(copy, Arrays.copyOf(whole, whole.length - 1));
        open(Progress.NONE).close();
        assertThat(copy).hasBinaryContent(whole);
        byte[] foreign = whole.clone();
        foreign[20] ^= 1;
        Files.write(copy, foreign);
        open(Progress.NONE).close();
        assertThat(copy).hasBinaryContent(whole);
    }

    @Test
    void aStoppedRepackLeavesNothing() throws IOException {
        var cancellation = new Cancellation();
        cancellation.cancel();
        try (ModelFile file = ModelFiles.open(model)) {
            assertThatThrownBy(() -> ModelFiles.repacked(file, copies, 2, Progress.NONE, cancellation))
                    .isInstanceOfSatisfying(
                            LecternException.class,
                            e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED));
        }
        assertThat(files()).isEmpty();
    }

    @Test
    void whatAKilledRepackLeftIsRemovedByTheNextButNotAnothersWork() throws IOException {
        Files.createDirectories(copies);
        Path old = Files.createFile(copies.resolve("repacking-1.part"));
        Path fresh = Files.createFile(copies.resolve("repacking-2.part"));
        Files.setLastModifiedTime(old, FileTime.fromMillis(System.currentTimeMillis() - 2 * 3600_000));
        open(Progress.NONE).close();
        assertThat(old).doesNotExist();
        assertThat(fresh).exists();
    }

    @Test
    void withoutAFolderToWriteToTheModelIsUsedAsItIs() throws IOException {
        Files.createFile(copies);
        try (ModelFile file = open(Progress.NONE)) {
            assertThat(file.matrix("Q4_1", ROWS, COLUMNS).isInterleaved()).isFalse();
        }
    }

    @Test
    void aScaleThatIsNoNumberIsABadModelFile() throws IOException {
        byte[] bytes = new byte[Math.toIntExact(ElementType.Q5_0.bytes(COLUMNS) * ROWS)];
        bytes[22 * 5 + 1] = 0x7c;
        new GgufWriter()
                .string("general.architecture", "llama")
                .tensor("blk.0.attn_q.weight", ElementType.Q5_0.ggmlId(), bytes, ROWS, COLUMNS)
                .write(model);
        try (ModelFile file = ModelFiles.open(model)) {
            assertThatThrownBy(() -> ModelFiles.repacked(file, copies, 2, Progress.NONE, new Cancellation()))
                    .isInstanceOf(BadModelFileException.class)
                    .hasMessageContaining("blk.0.attn_q.weight")
                    .hasMessageContaining("not a finite number");
        }
        assertThat(files()).isEmpty();
    }
}
