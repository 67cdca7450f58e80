package dev.lectern.hub;

import static dev.lectern.hub.Played.MODEL;
import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.LecternException;
import dev.lectern.LecternException.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class RepositoryPullTest {
    private static final String TREE = "/api/models/me/it/tree/main";

    @TempDir
    Path folder;

    private PlayedServer server;
    private Played played;
    private final List<String> listing = new ArrayList<>();

    @BeforeEach
    void start() throws IOException {
        server = new PlayedServer();
        played = new Played(
                folder.resolve("cache"),
                Played.environment(Map.of("HF_ENDPOINT", server.address())),
                Played.HUGGING_FACE);
        server.answer(TREE, exchange -> list(listing).to(exchange));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private static PlayedServer.Answer list(List<String> entries) {
        return PlayedServer.body(("[" + String.join(",", entries) + "]").getBytes(StandardCharsets.UTF_8));
    }

    private static String large(String path, byte[] content) {
        return """
            {"type": "file", "oid": "0123", "size": %d, "path": "%s", "lfs": {"oid": "%s", "size": %d}}""".formatted(content.length, path, Played.sha256(content), content.length);
    }

    private static String small(String path, byte[] content) {
        return """
            {"type": "file", "oid": "%s", "size": %d, "path": "%s"}""".formatted(Played.gitHash(content), content.length, path);
    }

    private void serve(String path, byte[] content) {
        server.answer("/me/it/resolve/main/" + path, PlayedServer.file(content, "\"x\""));
    }

    private void holds(String path, byte[] content) {
        listing.add(
                path.endsWith(".gguf") || path.endsWith(".safetensors") ? large(path, content) : small(path, content));
        serve(path, content);
    }

    @Test
    void theOnlyGgufIsPulledAndFoundByBothNames() throws IOException {
        holds("README.md", new byte[10]);
        holds("quants/it Q4.gguf", MODEL);

        Installed pulled = played.pull("hf:me/it");

        assertThat(Files.readAllBytes(pulled.path())).isEqualTo(MODEL);
        assertThat(pulled.record().name()).isEqualTo("hf:me/it:quants/it Q4.gguf");
        assertThat(pulled.record().sha256()).isEqualTo(Played.sha256(MODEL));
        assertThat(played.hub.resolve("hf:me/it")).contains(pulled.path());
        assertThat(played.hub.resolve("hf:me/it:quants/it Q4.gguf")).contains(pulled.path());
        assertThat(played.hub.installed()).containsExactly(pulled);
        assertThat(played.pull("hf:me/it")).isEqualTo(pulled);
        assertThat(played.hub.remove("hf:me/it")).isEqualTo(MODEL.length);
        assertThat(played.files()).isEmpty();
        assertThat(played.hub.resolve("hf:me/it")).isEmpty();
    }

    @Test
    void ofSeveralGgufsOneMustBeNamed() throws IOException {
        holds("a.gguf", MODEL);
        holds("b.gguf", Played.noise(1000));
        assertThat(played.failure("hf:me/it", Kind.BAD_OPTION)).hasMessageContaining("a.gguf, b.gguf");
        assertThat(played.failure("hf:me/it:c.gguf", Kind.NOT_FOUND)).hasMessageContaining("a.gguf, b.gguf");

        assertThat(Files.size(played.pull("hf:me/it:b.gguf").path())).isEqualTo(1000);
        assertThat(played.hub.resolve("hf:me/it:a.gguf")).isEmpty();
        played.pull("hf:me/it:a.gguf");
        assertThat(played.hub.installed()).hasSize(2);
        assertThat(played.failure("hf:me/it", Kind.BAD_OPTION)).hasMessageContaining("several");
    }

    @Test
    void shardsComeTogether() throws IOException {
        holds("m-00002-of-00002.gguf", Played.noise(2000));
        holds("m-00001-of-00002.gguf", MODEL);
        Installed pulled = played.pull("hf:me/it");
        assertThat(pulled.path()).hasFileName("m-00001-of-00002.gguf").hasSize(MODEL.length);
        assertThat(pulled.path().resolveSibling("m-00002-of-00002.gguf")).hasSize(2000);
        assertThat(pulled.record().bytes()).isEqualTo(MODEL.length + 2000);

        listing.clear();
        holds("n-00001-of-00003.gguf", MODEL);
        assertThat(played.failure("hf:me/it:n-00001-of-00003.gguf", Kind.NOT_FOUND))
                .hasMessageContaining("1 of the 3 shards");
    }

    @Test
    void safetensorsComeWithWhatBelongsToThem() throws IOException {
        byte[] config = "{}".getBytes(StandardCharsets.UTF_8);
        holds("config.json", config);
        // The same bytes under a second name must arrive twice.
        holds("generation_config.json", config);
        holds("tokenizer.json", Played.noise(500));
        holds("tokenizer_config.json", Played.noise(50));
        holds("model.safetensors.index.json", Played.noise(60));
        holds("model-00001-of-00002.safetensors", MODEL);
        holds("model-00002-of-00002.safetensors", Played.noise(700));
        holds("consolidated.safetensors", Played.noise(800));
        holds("onnx/model.safetensors", Played.noise(900));
        holds("train.py", Played.noise(10));

        Installed pulled = played.pull("hf:me/it");

        assertThat(pulled.path()).isDirectory().isEqualTo(pulled.folder());
        assertThat(pulled.record().files())
                .extracting(PullRecord.Piece::file)
                .containsExactly(
                        "config.json",
                        "generation_config.json",
                        "model-00001-of-00002.safetensors",
                        "model-00002-of-00002.safetensors",
                        "model.safetensors.index.json",
                        "tokenizer.json",
                        "tokenizer_config.json");
        for (PullRecord.Piece piece : pulled.record().files()) {
            assertThat(Played.sha256(Files.readAllBytes(pulled.path().resolve(piece.file()))))
                    .isEqualTo(piece.sha256());
        }
        assertThat(played.progress).isSorted().endsWith(pulled.record().bytes());
    }

    @Test
    void whatWasMadeOfAModelIsRemovedWithIt() throws IOException {
        holds("config.json", "{}".getBytes(StandardCharsets.UTF_8));
        holds("model.safetensors", MODEL);
        Installed pulled = played.pull("hf:me/it");
        for (Path made : List.of(
                played.hub.calibrationFolder(pulled.path()),
                played.hub.repackFolder(pulled.path()),
                played.hub.repackFolder(pulled.path().resolve("config.json")))) {
            assertThat(made).isEqualTo(pulled.folder());
            Files.write(made.resolve("safetensors-0123.loki.safetensors"), MODEL);
        }

        assertThat(played.hub.resolve("hf:me/it")).contains(pulled.path());
        played.hub.remove("hf:me/it");
        assertThat(played.files()).isEmpty();
        assertThat(pulled.folder().getParent()).doesNotExist();
    }

    @Test
    void aSmallFileOfOtherBytesIsFoundOutByItsGitHash() {
        holds("config.json", "{}".getBytes(StandardCharsets.UTF_8));
        holds("model.safetensors", MODEL);
        serve("config.json", "[]".getBytes(StandardCharsets.UTF_8));
        assertThat(played.failure("hf:me/it", Kind.CHECKSUM)).hasMessageContaining("git hash");
        assertThat(played.hub.installed()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../x.gguf",
                "/etc/x.gguf",
                "a/../../x.gguf",
                "a//x.gguf",
                "C:\\\\x.gguf",
                "x\\u0000.gguf",
                "a\\nb.gguf",
                ". /x.gguf"
            })
    void aNameThatWouldLeaveItsFolderIsRefused(String name) {
        holds(name, MODEL);
        LecternException e = played.failure("hf:me/it", Kind.NO_NETWORK);
        assertThat(e).hasMessageContaining("not accepted");
        assertThat(String.valueOf(e.getMessage()).chars()).noneMatch(Character::isISOControl);
        assertThat(server.requests()).hasSize(1);
        assertThat(played.files()).isEmpty();
    }

    @Test
    void aListingOfSeveralPagesIsReadToItsEnd() throws IOException {
        server.answer(TREE, exchange -> {
            boolean first = !exchange.getRequestURI().toString().contains("cursor");
            if (first) {
                exchange.getResponseHeaders().set("Link", "<" + server.address() + TREE + "?cursor=2>; rel=\"next\"");
            }
            list(first ? List.of() : listing).to(exchange);
        });
        holds("a.gguf", MODEL);
        assertThat(played.pull("hf:me/it").path()).hasSize(MODEL.length);

        server.answer(TREE, exchange -> {
            exchange.getResponseHeaders().set("Link", "<" + TREE + ">; rel=\"next\"");
            list(List.of()).to(exchange);
        });
        assertThat(played.failure("hf:me/it:b.gguf", Kind.NO_NETWORK)).hasMessageContaining("pages");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{}",
                "[1]",
                "[{\"type\": \"file\"}]",
                "not json",
                "[{\"type\": \"file\", \"path\": \"a.gguf\", \"size\": -5}]",
                "[{\"type\": \"file\", \"path\": \"a.gguf\", \"size\": 1e30}]"
            })
    void aListingThatIsNoneIsASentence(String body) {
        server.answer(TREE, PlayedServer.body(body.getBytes(StandardCharsets.UTF_8)));
        assertThat(played.failure("hf:me/it", Kind.NO_NETWORK)).hasMessageContaining("cannot be understood");
    }

    @Test
    void sizesThatCannotBeTrueAndMissingHashesAreRefused() {
        listing.add("""
                {"type": "file", "oid": "zz", "size": 5, "path": "a.gguf"}""");
        assertThat(played.failure("hf:me/it", Kind.CHECKSUM)).hasMessageContaining("no checksum of a.gguf");
        listing.clear();
        listing.add("""
                {"type": "file", "oid": "%s", "size": 9223372036854775807, "path": "a.gguf"}""".formatted("0".repeat(40)));
        assertThat(played.failure("hf:me/it", Kind.NO_NETWORK)).hasMessageContaining("cannot be true");
        listing.clear();
        listing.add("""
                {"type": "file", "oid": "%s", "size": 92233720368547758, "path": "a.gguf"}""".formatted("0".repeat(40)));
        assertThat(played.failure("hf:me/it", Kind.NO_SPACE)).hasMessageContaining("92 233 720");
    }

    @Test
    void anUnknownRepositoryIsNotFound() {
        assertThat(played.failure("hf:me/other", Kind.NOT_FOUND))
                .hasMessageContaining("404")
                .hasMessageContaining("hf:me/other");
        listing.add(small("README.md", new byte[3]));
        assertThat(played.failure("hf:me/it", Kind.NOT_FOUND)).hasMessageContaining("neither a GGUF");
    }
}
