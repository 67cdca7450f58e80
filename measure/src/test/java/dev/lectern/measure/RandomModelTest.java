package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.Cancellation;
import dev.lectern.GenerateOptions;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.TokenListener;
import dev.lectern.kernel.ElementType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RandomModelTest {
    private static final ModelShape TINY =
            new ModelShape(ModelShape.Family.GPT2, ElementType.F32, 2, 32, 4, 4, 128, 300, 64);

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void nameTheFile() {
        file = folder.resolve("models/tiny.gguf");
    }

    private void write(long seed) {
        new RandomModel(TINY, seed).write(file, Progress.NONE, new Cancellation());
    }

    @Test
    void theModelOpensAndGenerates() {
        write(1);
        requireTalking();
    }

    @Test
    void soDoesOneOfLlamasFamily() throws IOException {
        ModelShape llama = new ModelShape(ModelShape.Family.LLAMA, ElementType.Q8_0, 2, 64, 4, 2, 96, 300, 64);
        new RandomModel(llama, 1).write(file, Progress.NONE, new Cancellation());
        assertThat(file).hasSize(new RandomModel(llama, 1).bytes());
        requireTalking();
    }

    private void requireTalking() {
        try (Model model = Model.open(file, ModelOptions.DEFAULT.withThreads(1));
                Session session = model.newSession(SessionOptions.DEFAULT)) {
            assertThat(model.vocabulary()).isEqualTo(300);
            assertThat(model.context()).isEqualTo(64);
            String text = "Zwölf Boxkämpfer\n";
            int[] tokens = model.tokenize(text);
            assertThat(tokens).as("a token for every byte").hasSize(19);
            assertThat(model.detokenize(tokens)).isEqualTo(text);
            session.read(tokens, Progress.NONE, new Cancellation());
            GenerateOptions ten = GenerateOptions.DEFAULT.withMaxTokens(10).withIgnoreEnd(true);
            assertThat(session.generate(ten, TokenListener.NONE, new Cancellation())
                            .tokens())
                    .hasSize(10);
        }
    }

    @Test
    void oneSeedIsTheSameFileOnEveryMachine() throws Exception {
        write(1);
        byte[] first = Files.readAllBytes(file);
        assertThat(first).hasSize((int) new RandomModel(TINY, 1).bytes());
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(first);
        // Pinned: a change of the generator would make older measurements those of another model.
        assertThat(HexFormat.of().formatHex(digest))
                .isEqualTo("776de23f75d230fa47ce0436d592cf60f2486d34de9724ffa9b2d86709d540b3");
        write(2);
        assertThat(Files.readAllBytes(file)).isNotEqualTo(first);
    }

    @Test
    void whatIsThereIsNotWrittenAgain() {
        write(1);
        AtomicInteger reports = new AtomicInteger();
        new RandomModel(TINY, 1).write(file, (done, total) -> reports.incrementAndGet(), new Cancellation());
        assertThat(reports).hasValue(0);
    }

    @Test
    void aFileThatWasCutIsWrittenAgain() throws IOException {
        write(1);
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(whole, whole.length - 1));
        write(1);
        assertThat(file).hasBinaryContent(whole);
    }

    @Test
    void anInterruptedWritingLeavesNoFileThatCouldBeTakenForWhole() throws IOException {
        Cancellation cancellation = new Cancellation();
        assertThatThrownBy(() ->
                        new RandomModel(TINY, 1).write(file, (done, total) -> cancellation.cancel(), cancellation))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED));
        assertThat(file).doesNotExist();
        assertThat(folder.resolve("models/tiny.gguf.part")).doesNotExist();
        // What a killed process leaves behind does not disturb the next.
        Files.write(folder.resolve("models/tiny.gguf.part"), new byte[1000]);
        write(1);
        assertThat(file).hasSize(new RandomModel(TINY, 1).bytes());
        assertThat(folder.resolve("models/tiny.gguf.part")).doesNotExist();
    }

    @Test
    void twoWritersAtOnceWriteOneFile() throws IOException {
        CompletableFuture<?>[] writers = new CompletableFuture<?>[4];
        Arrays.setAll(writers, i -> CompletableFuture.runAsync(() -> write(1)));
        CompletableFuture.allOf(writers).join();
        byte[] whole = Files.readAllBytes(file);
        Files.delete(file);
        write(1);
        assertThat(file).hasBinaryContent(whole);
    }

    @Test
    void aFolderThatCannotBeIsASentence() throws IOException {
        Files.writeString(folder.resolve("models"), "a file");
        assertThatThrownBy(() -> write(1))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("tiny.gguf")
                .hasMessageContaining("cannot be written");
    }

    @Test
    void aShapeIsCutToSomeOfItsLayers() {
        assertThat(ModelShape.named("llama-3.2-1b-shape").orElseThrow().layers())
                .isEqualTo(16);
        ModelShape cut = ModelShape.named("llama-3.2-1b-shape:layers=4").orElseThrow();
        assertThat(cut.layers()).isEqualTo(4);
        assertThat(cut.hidden()).isEqualTo(2048);
        assertThat(ModelShape.named("llama-3.2-1b")).isEmpty();
        for (String name : ModelShape.NAMES) {
            assertThat(ModelShape.named(name)).as(name).isPresent();
        }
        assertThatThrownBy(() -> ModelShape.named("llama-3.2-1b-shape:layers=17"))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("layers")
                .hasMessageContaining("16");
        assertThatThrownBy(() -> ModelShape.named("llama-3.2-1b-shape:heads=4"))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("heads");
    }
}
