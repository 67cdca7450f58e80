package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Files of a kept text, or of the model, are cut in the middle of a step that looks at them, once the kernels are compiled: a sentence, and a process that goes on. Once for each case here; more often with {@code -Dlectern.test.cuts=20}. */
@DisabledOnOs(OS.WINDOWS)
class CutFilesTest {
    private static final int TOKENS = 4096;
    private static final int CUTS = Integer.getInteger("lectern.test.cuts", 1);

    /** Every way to look at what is stored. */
    private static final List<String> CASES = List.of(
            "f32 dense",
            "f16 dense",
            "bf16 dense",
            "int8 dense",
            "chl-4 dense",
            "k=chl-8,v=chl-2 dense",
            "k=chl-6,v=chl-5 dense",
            "chl-3 dense",
            "hf-int4:group=16 dense",
            "kivi-2:group=16 dense",
            "f16 pps:budget=5%",
            "chl-4 pps:budget=5%:bits=2",
            "f16 magicpig:dense=none:k=4:l=20");

    @TempDir
    Path folder;

    /** What the other process does. */
    static final class Asker {
        /** @param args a folder for what is kept, the model's, and how often each case */
        public static void main(String[] args) throws InterruptedException {
            int[] text = new Random(1).ints(TOKENS, 0, 250).toArray();
            Path kept = Path.of(args[0]), weights = Path.of(args[1]);
            try (Model model =
                    Model.open(weights, ModelOptions.DEFAULT.withThreads(2).withRopeScaling("linear:factor=64"))) {
                for (String of : CASES) {
                    String[] words = of.split(" ", -1);
                    SessionOptions options = SessionOptions.DEFAULT
                            .withContext(2 * TOKENS)
                            .withKv(words[0])
                            .withAttention(words[1]);
                    for (int round = 0; round < Integer.parseInt(args[2]); round++) {
                        System.out.println(of + ": " + cut(model, options, text, kept, kept));
                    }
                }
                SessionOptions options = SessionOptions.DEFAULT.withContext(2 * TOKENS);
                System.out.println("model: " + cut(model, options, text, kept, weights));
            }
        }

        /** What it says when files are cut while it decodes. */
        private static String cut(Model model, SessionOptions options, int[] text, Path folder, Path victim)
                throws InterruptedException {
            KeptReadings kept = new KeptReadings(folder, Long.MAX_VALUE);
            kept.collect(0);
            read(model, options, text, kept, Integer.MAX_VALUE); // which keeps it
            read(model, options, text, kept, 200); // from the files, until the kernels are compiled
            Thread cutter = Thread.ofPlatform().start(() -> cutAll(victim));
            try {
                read(model, options, text, kept, Integer.MAX_VALUE);
                return "nobody has seen it";
            } catch (LecternException e) {
                return e.kind() + " " + e.getMessage();
            } finally {
                cutter.join();
            }
        }

        /** Reads a text, and then token after token. */
        private static void read(Model model, SessionOptions options, int[] text, KeptReadings kept, int more) {
            try (Session session = model.newSession(options, text, kept)) {
                boolean mapped = session.recalled().outcome() == Recall.Outcome.HIT;
                session.readRest(Progress.NONE, new Cancellation());
                session.index(Progress.NONE, new Cancellation());
                for (int i = 0; i < (mapped ? Math.min(more, TOKENS - 1) : 0); i++) {
                    session.read(new int[] {i % 250}, Progress.NONE, new Cancellation());
                }
            }
        }

        private static void cutAll(Path folder) {
            try (Stream<Path> files = Files.walk(folder)) {
                Thread.sleep(300);
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                        channel.truncate(100);
                    }
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @Test
    void filesThatAreCutWithinAStepAreASentence() throws Exception {
        Path weights = Files.createDirectory(folder.resolve("model"));
        try (Stream<Path> files = Files.list(Path.of("src/test/resources/tiny/llama3"))) {
            for (Path file : files.toList()) {
                Files.copy(file, weights.resolve(file.getFileName()));
            }
        }
        Path errors = folder.resolve("errors.txt");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules",
                        "jdk.incubator.vector",
                        "-XX:ErrorFile=" + folder.resolve("hs_err.log"),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Asker.class.getName(),
                        folder.resolve("kv").toString(),
                        weights.toString(),
                        Integer.toString(CUTS))
                .redirectError(errors.toFile())
                .start();
        List<String> said = process.inputReader(StandardCharsets.UTF_8).lines().toList();
        assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
        assertThat(process.exitValue())
                .as(() -> String.join("\n", said) + "\n" + text(errors))
                .isZero();
        assertThat(said).hasSize(CASES.size() * CUTS + 1);
        assertThat(said.subList(0, CASES.size() * CUTS))
                .allMatch(line -> line.contains(" CHECKSUM ") && line.contains(" was cut while it was used"));
        assertThat(said.getLast()).contains("BAD_MODEL_FILE", "it cannot be read any more");
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
