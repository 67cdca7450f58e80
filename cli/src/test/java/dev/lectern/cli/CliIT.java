package dev.lectern.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import dev.lectern.hub.Hub;
import dev.lectern.json.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The command as a program of its own, with the small model. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class CliIT {
    private static final String MODEL = "smollm2-135m";

    @TempDir
    static Path folder;

    private static Path note;

    /** What a finished program left. */
    private record Result(int exitCode, String out, String err) {
        Map<?, ?> json() {
            return (Map<?, ?>) Json.parse(out.getBytes(StandardCharsets.UTF_8));
        }
    }

    @BeforeAll
    static void model() throws IOException {
        try {
            Hub.system().pull(MODEL, Progress.NONE, sentence -> {}, new Cancellation());
        } catch (LecternException e) {
            abort("The small model is not here and cannot be fetched: " + e.getMessage());
        }
        note = Files.writeString(
                folder.resolve("note.md"),
                "# Notice\n\nThe village library is open on Tuesday. The librarian is called Wilma Ohlsson.\n");
    }

    private static Process start(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Lectern.class.getName()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
        builder.environment().put("LC_ALL", "C.UTF-8");
        builder.environment()
                .put(
                        "LECTERN_CONFIG",
                        Files.writeString(folder.resolve("config"), "").toString());
        return builder.start();
    }

    private static Result finished(Process process) throws IOException, InterruptedException {
        process.getOutputStream().close();
        var out = CompletableFuture.supplyAsync(() -> text(process.getInputStream()));
        String err = text(process.getErrorStream());
        assertThat(process.waitFor(9, TimeUnit.MINUTES)).isTrue();
        return new Result(process.exitValue(), out.join(), err);
    }

    private static String text(java.io.InputStream stream) {
        try {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Result run(String... arguments) throws IOException, InterruptedException {
        return finished(start(arguments));
    }

    @Test
    void askAnswersFromTheDocument() throws Exception {
        Result result = run("ask", "note.md", "What is the librarian called?", "--model", MODEL, "--max-tokens", "40");

        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out()).contains("Wilma Ohlsson");
        assertThat(result.err()).contains("tokens/s");
    }

    @Test
    void theObjectNamesTheModelAndItsChecksum() throws Exception {
        Result result =
                run("ask", "note.md", "When is the library open?", "--model", MODEL, "--max-tokens", "8", "--json");

        assertThat(result.exitCode()).as(result.out() + result.err()).isZero();
        Map<?, ?> json = result.json();
        assertThat(((Map<?, ?>) json.get("model")).get("name")).isEqualTo(MODEL);
        assertThat(String.valueOf(((Map<?, ?>) json.get("model")).get("sha256")))
                .matches("[0-9a-f]{64}");
        Map<?, ?> seconds = (Map<?, ?>) json.get("seconds");
        double total = ((Number) seconds.get("total")).doubleValue();
        double parts = ((Number) seconds.get("load")).doubleValue()
                + ((Number) seconds.get("firstToken")).doubleValue()
                + ((Number) seconds.get("decode")).doubleValue();
        // Process start is told in hundredths of a second.
        assertThat(total).isGreaterThan(parts - 0.02);
        assertThat(((Number) ((Map<?, ?>) json.get("bytes")).get("peakRss")).longValue())
                .isGreaterThan(50_000_000);
    }

    @Test
    void mistakesAreOneSentence() throws Exception {
        Files.write(folder.resolve("image.txt"), new byte[] {(byte) 0x89, 'P', 'N', 'G', 0, 0, 0, 1, (byte) 0xFF});
        Files.writeString(folder.resolve("empty.txt"), "");
        Files.writeString(folder.resolve("long.txt"), "Rain fell on the harbour and nobody minded. ".repeat(1500));
        for (String[] arguments : new String[][] {
            {"ask", "missing.txt", "Why?"},
            {"ask", "image.txt", "Why?"},
            {"ask", "empty.txt", "Why?"},
            {"ask", "long.txt", "Why?"},
            {"ask", "note.md", "Why?", "--frobnicate"},
        }) {
            List<String> all = new ArrayList<>(List.of(arguments));
            all.addAll(List.of("--model", MODEL));
            Result result = run(all.toArray(String[]::new));
            assertThat(result.exitCode()).as("%s: %s", all, result.err()).isEqualTo(2);
            assertThat(result.out()).isEmpty();
            assertThat(result.err().lines().filter(line -> !line.startsWith("WARNING: Using incubator")))
                    .singleElement()
                    .asString()
                    .startsWith("lectern: ");
        }
        assertThat(run("ask", "long.txt", "Why?", "--model", MODEL, "--json").out())
                .contains("too-long", "8192", "qwen2.5-coder-0.5b");
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void ctrlCStopsReadingWithinASecondOrTwo() throws Exception {
        // Seven thousand tokens: many seconds of reading on any machine that runs this.
        Files.writeString(folder.resolve("seven.txt"), "Rain fell on the harbour and nobody minded. ".repeat(650));
        Process process = start("ask", "seven.txt", "Why?", "--model", MODEL, "--threads", "1");
        Thread.sleep(4000);
        assertThat(process.isAlive()).as("still reading").isTrue();
        long sent = System.nanoTime();
        new ProcessBuilder("kill", "-INT", Long.toString(process.pid())).start().waitFor();
        Result result = finished(process);

        assertThat(result.exitCode()).as(result.err()).isEqualTo(130);
        // A second is promised; the rest is for a machine that does other things too.
        assertThat((System.nanoTime() - sent) / 1e9).isLessThan(3);
        assertThat(result.out()).isEmpty();
        assertThat(result.err()).contains("Stopped");
    }

    @Test
    void chatThroughAPipeKeepsItsCacheBetweenTurns() throws Exception {
        Process process = start("chat", "--model", MODEL, "--max-tokens", "12");
        process.getOutputStream()
                .write("What is the capital of France?\nAnd of Italy?\n".getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
        Result result = finished(process);

        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out()).contains("Paris");
        assertThat(result.err().lines().filter(line -> line.startsWith("read ")))
                .hasSize(2)
                .last()
                .asString()
                .contains("known ones");
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void aReaderWhoLeavesEndsItQuietly() throws Exception {
        Process process = start("generate", "--model", MODEL, "--max-tokens", "400", "Once upon a time");
        process.getInputStream().read();
        process.getInputStream().close();
        Result result = new Result(
                process.waitFor(5, TimeUnit.MINUTES) ? process.exitValue() : -1, "", text(process.getErrorStream()));

        assertThat(result.exitCode()).isZero();
        assertThat(result.err().lines().filter(line -> !line.startsWith("WARNING: Using incubator")))
                .isEmpty();
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void theScriptWorksThroughALinkFromAnywhereAndHidesWhatTheJvmSays() throws Exception {
        Path script = Path.of("..", "lectern").toAbsolutePath().normalize();
        Path link = Files.createSymbolicLink(folder.resolve("lec"), script);
        Process process = new ProcessBuilder(link.toString(), "tokenize", "--model", MODEL, "grün <|im_end|>")
                .directory(folder.toFile())
                .start();
        Result result = finished(process);

        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(result.out()).matches("\\d+( \\d+)+\n");
        assertThat(result.err()).doesNotContain("incubator");

        Process mistake = new ProcessBuilder(link.toString(), "frobnicate")
                .directory(folder.toFile())
                .start();
        Result refused = finished(mistake);
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.err()).startsWith("lectern: ").hasLineCount(1);
        Files.delete(link);
    }

    /** The launcher script, which is a user's way in. */
    private static Result script(String... arguments) throws IOException, InterruptedException {
        return script(Map.of(), arguments);
    }

    private static Result script(Map<String, String> variables, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of("..", "lectern").toAbsolutePath().normalize().toString());
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
        builder.environment().putAll(variables);
        return finished(builder.start());
    }

    /** The archives of classes that the launcher script keeps. */
    private static List<Path> archives() throws IOException {
        try (var files = Files.newDirectoryStream(Path.of("target").toAbsolutePath(), "start-*.jsa")) {
            List<Path> found = new ArrayList<>();
            files.forEach(found::add);
            return found;
        }
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void theScriptMakesAnArchiveOfClassesAndStartsFromIt() throws Exception {
        for (Path old : archives()) {
            Files.delete(old);
        }
        assertThat(script("doctor").out()).contains("next ones");
        long until = System.nanoTime() + TimeUnit.MINUTES.toNanos(3);
        while (archives().isEmpty() && System.nanoTime() < until) {
            Thread.sleep(200);
        }
        assertThat(archives()).as("made beside the first start").hasSize(1);

        assertThat(script("doctor").out()).doesNotContain("archive of classes");
        Path loaded = folder.resolve("loaded.txt");
        Result result = script(
                Map.of("LECTERN_JAVA_OPTS", "-Xlog:class+load:file=" + loaded),
                "generate",
                "--model",
                MODEL,
                "--max-tokens",
                "1",
                "The");
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(Files.readString(loaded))
                .containsPattern("dev\\.lectern\\.kernel\\.Vector\\w+ source: shared objects file")
                .containsPattern("jdk\\.incubator\\.vector\\.FloatVector source: shared objects file")
                .containsPattern("picocli\\.CommandLine source: shared objects file");
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void aDamagedArchiveSpoilsNothingAndIsNamedByTheDoctor() throws Exception {
        script("--version");
        long until = System.nanoTime() + TimeUnit.MINUTES.toNanos(3);
        while (archives().isEmpty() && System.nanoTime() < until) {
            Thread.sleep(200);
        }
        Path archive = archives().getFirst();
        byte[] whole = Files.readAllBytes(archive);
        try {
            for (int length : new int[] {0, 1000, whole.length / 2}) {
                Files.write(archive, Arrays.copyOf(whole, length));
                Result result = script("tokenize", "--model", MODEL, "It is open.");
                assertThat(result.exitCode()).as(result.err()).isZero();
                assertThat(result.out()).matches("\\d+( \\d+)+\n");
                assertThat(result.err()).isEmpty();
            }
            assertThat(script("doctor").out()).contains("does not take the archive of classes");
        } finally {
            Files.delete(archive);
        }
    }
}
