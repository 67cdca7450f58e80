package dev.lectern.cli;

import dev.lectern.Cancellation;
import dev.lectern.hub.Environment;
import dev.lectern.hub.Hub;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Goes through the verbs on tiny models of zeros and tells nobody, so that {@code scripts/quick-start} sees which classes Lectern
 * takes. What is not rehearsed works as well and only starts
 * a little later.
 */
final class Rehearsal {
    private static final String PDF = """
            %PDF-1.4
            1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
            2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
            3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 5 0 R/Resources<</Font<</F 4 0 R>>>>>> endobj
            4 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica>> endobj
            5 0 obj <</Length 40>> stream
            BT /F 12 Tf 30 200 Td (It is open.) Tj ET
            endstream endobj
            trailer <</Root 1 0 R/Size 6>>
            """;

    private final Path folder;

    private Rehearsal(Path folder) {
        this.folder = folder;
    }

    /** @param args a folder to write to */
    public static void main(String[] args) throws IOException {
        new Rehearsal(Path.of(args[0])).run();
    }

    private void run() throws IOException {
        StandardError.open("");
        Interruption.of(new Cancellation(), () -> {}).over();
        String note = write("note.md", "# Notice\n\nThe library is *open* on Tuesday.\n");
        String page = write("page.html", "<html><body><h1>Notice</h1><p>It is closed on Monday.</p></body></html>");
        String questions = write("questions.txt", "When is it open?\nWhen is it closed?\n");
        String pdf = write("page.pdf", PDF);
        for (String family : List.of("llama", "qwen2")) {
            String model = pulled(new ZeroModel(family), family + ".gguf");
            say("generate", "--model", model, "--max-tokens", "2", "The library");
            say("generate", "--model", model, "--max-tokens", "2", "-n", "2", "--temperature", "1", "--json", "The");
            say("ask", note, "When is it open?", "--model", model, "--max-tokens", "2");
            say("read", note, "--as", "note", "--model", model);
            say("ask", "@note", "When is it open?", "--max-tokens", "2");
            say("tokenize", "--model", model, "It is open.");
            if (family.equals("llama")) {
                say("ask", page, pdf, "--questions", questions, "--model", model, "--max-tokens", "2");
                say("chat", "--model", model, "--max-tokens", "2");
                say("score", "--model", model, "It is open.");
                say("inspect", model);
                say("estimate", model);
            }
        }
        say("models");
        say("doctor", "--json");
        say("ask", "--help");
        say("--version");
        say("ask", "missing.txt", "Why?");
    }

    /** A model where the hub keeps those that were pulled. */
    private String pulled(ZeroModel model, String file) throws IOException {
        Path kept = Files.createDirectories(
                cache().resolve("models/hf--rehearsal--zero").resolve(file));
        long bytes = Files.size(model.write(kept.resolve(file)));
        String name = "hf:rehearsal/zero:" + file, digest = "0".repeat(64);
        Map<String, Object> piece = Map.of("file", file, "bytes", bytes, "sha256", digest);
        Map<String, Object> record = new LinkedHashMap<>(piece);
        record.put("name", name);
        record.put("source", "rehearsal");
        record.put("date", "2026-01-01T00:00:00Z");
        record.put("files", List.of(piece));
        Files.writeString(kept.resolve("pull.json"), JsonText.of(record));
        return name;
    }

    private Path cache() {
        return folder.resolve("cache");
    }

    private String write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text).toString();
    }

    private void say(String... arguments) {
        Map<String, String> variables = Map.of("HOME", folder.toString(), "LECTERN_CACHE", cache().toString());
        Environment environment = Environment.system();
        for (Map.Entry<String, String> variable : variables.entrySet()) {
            environment = environment.with(variable.getKey(), variable.getValue());
        }
        Console console = new Console(
                new ByteArrayInputStream("When is it open?\n".getBytes(StandardCharsets.UTF_8)),
                OutputStream.nullOutputStream(),
                new PrintStream(OutputStream.nullOutputStream(), true, StandardCharsets.UTF_8),
                Console.Terminals.NONE,
                false);
        Hub hub = new Hub(environment.cacheFolder(), environment);
        new Lectern(new Surroundings(console, hub, variables, new Cancellation(), Uptime::seconds)).run(arguments);
    }
}
