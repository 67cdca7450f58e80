package dev.lectern.hub;

import static dev.lectern.hub.Played.FILE;
import static dev.lectern.hub.Played.HUGGING_FACE;
import static dev.lectern.hub.Played.MODEL;
import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.LecternException;
import dev.lectern.LecternException.Kind;
import java.io.IOException;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Servers that refuse, lie, stall or are not there. */
@Timeout(30)
class UnwillingServerTest {
    private static final String TAG = "\"first\"";

    @TempDir
    Path folder;

    private PlayedServer server;
    private Played played;

    @BeforeEach
    void start() throws IOException {
        server = new PlayedServer();
        played = played(Map.of("HF_ENDPOINT", server.address()));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private Played played(Map<String, String> variables) {
        return new Played(folder.resolve("cache"), Played.environment(variables), HUGGING_FACE);
    }

    private void assertPublished() throws IOException {
        assertThat(played.files()).containsExactly("models/tiny/pull.json", "models/tiny/tiny.gguf");
        assertThat(Files.readAllBytes(played.hub.resolve("tiny").orElseThrow())).isEqualTo(MODEL);
    }

    @Test
    void aRedirectToAFileOfThisMachineIsNotFollowed() {
        server.answer(FILE, PlayedServer.redirect("file:///etc/passwd"));
        assertThat(played.failure("tiny", Kind.NO_NETWORK)).hasMessageContaining("not followed");
        server.answer(FILE, PlayedServer.redirect(FILE));
        assertThat(played.failure("tiny", Kind.NO_NETWORK)).hasMessageContaining("redirects more than");
    }

    @Test
    void otherBytesAreThrownAwayAndTheNextPullStartsClean() throws IOException {
        byte[] other = MODEL.clone();
        other[1234]++;
        server.answer(FILE, PlayedServer.file(other, TAG));

        assertThat(played.failure("tiny", Kind.CHECKSUM))
                .hasMessageContaining(Played.sha256(other))
                .hasMessageContaining(Played.sha256(MODEL));
        assertThat(played.files()).isEmpty();

        server.answer(FILE, PlayedServer.file(MODEL, TAG));
        played.pull("tiny");
        assertThat(server.requests().getLast().header("Range")).isEmpty();
        assertPublished();
    }

    @Test
    void aFileThatIsAnnouncedAsAnotherIsNotEvenRead() {
        server.answer(FILE, exchange -> {
            exchange.getResponseHeaders().set("X-Linked-Etag", "\"" + "0".repeat(64) + "\"");
            PlayedServer.redirect("/blob").to(exchange);
        });
        server.answer("/blob", PlayedServer.file(MODEL, TAG));

        assertThat(played.failure("tiny", Kind.CHECKSUM)).hasMessageContaining("0".repeat(64));
        assertThat(played.files()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "401, 1, HF_TOKEN",
        "403, 1, accept them on its page",
        "404, 1, no such repository or file",
        "410, 1, refuses the request",
        "429, 3, too many requests",
        "503, 3, the server failed"
    })
    void aRefusalIsASentence(int status, int requests, String words) {
        server.answer(FILE, PlayedServer.status(status));
        LecternException e = played.failure("tiny", Kind.NO_NETWORK);
        assertThat(e)
                .hasMessageContaining(words)
                .hasMessageContaining("(" + status + ")")
                .hasMessageContaining("Hugging Face (owner/tiny-GGUF, tiny.gguf)");
        assertThat(server.requests()).hasSize(requests);
    }

    @Test
    void aServerThatIsBusyForAMomentIsAskedAgain() throws IOException {
        server.answer(FILE, exchange -> {
            boolean first = server.requests().size() == 1;
            (first ? PlayedServer.status(503) : PlayedServer.file(MODEL, TAG)).to(exchange);
        });
        played.pull("tiny");
        assertPublished();
    }

    @Test
    void aServerThatStallsIsGivenUpAndOneThatIsSlowIsNot() throws IOException {
        CountDownLatch over = new CountDownLatch(1);
        server.answer(FILE, exchange -> {
            exchange.sendResponseHeaders(200, MODEL.length);
            exchange.getResponseBody().write(MODEL, 0, 5000);
            exchange.getResponseBody().flush();
            Played.await(over);
        });
        assertThat(played.failure("tiny", Kind.NO_NETWORK)).hasMessageContaining("no byte came");
        over.countDown();

        // A second in all, more than the patience for one byte.
        server.answer(FILE, exchange -> {
            exchange.sendResponseHeaders(200, MODEL.length);
            try (OutputStream out = exchange.getResponseBody()) {
                for (int i = 0; i < 10; i++) {
                    out.write(MODEL, i * 30_000, 30_000);
                    out.flush();
                    Played.pause(100);
                }
            }
        });
        played.pull("tiny");
        assertPublished();
    }

    @Test
    void aServerThatNeverAnswersIsGivenUp() throws IOException {
        try (ServerSocket silent = new ServerSocket(0)) {
            played = played(Map.of("HF_ENDPOINT", "http://127.0.0.1:" + silent.getLocalPort()));
            assertThat(played.failure("tiny", Kind.NO_NETWORK)).hasMessageContaining("no answer");
        }
    }

    @Test
    void withoutANetworkThePullFailsAtOnce() throws IOException {
        int closed;
        try (ServerSocket socket = new ServerSocket(0)) {
            closed = socket.getLocalPort();
        }
        played = played(Map.of("HF_ENDPOINT", "http://127.0.0.1:" + closed));
        long start = System.nanoTime();
        assertThat(played.failure("tiny", Kind.NO_NETWORK)).hasMessageContaining("no connection");
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(3));

        played = played(Map.of("HF_ENDPOINT", "http://no-such-host.invalid"));
        assertThat(played.failure("tiny", Kind.NO_NETWORK)).hasMessageContaining("Hugging Face");
    }

    @Test
    void aFullDiskIsNoticedBeforeTheFirstByte() {
        server.answer(FILE, PlayedServer.file(MODEL, TAG));
        Environment full =
                Played.environment(Map.of("HF_ENDPOINT", server.address())).withUsableSpace(any -> 5_000_000);
        played = new Played(folder.resolve("cache"), full, HUGGING_FACE);

        assertThat(played.failure("tiny", Kind.NO_SPACE))
                .hasMessageContaining(Numbers.grouped(MODEL.length + CacheFolder.MARGIN))
                .hasMessageContaining("5 000 000");
        assertThat(server.requests()).isEmpty();
    }

    @Test
    void aLyingLengthIsFoundOut() {
        server.answer(FILE, PlayedServer.body(Played.noise(MODEL.length - 1)));
        assertThat(played.failure("tiny", Kind.CHECKSUM))
                .hasMessageContaining("299 999")
                .hasMessageContaining("300 000");
        server.answer(FILE, PlayedServer.body(Played.noise(MODEL.length + 1)));
        assertThat(played.failure("tiny", Kind.CHECKSUM)).hasMessageContaining("300 001");
        // Without a length, the body itself is counted.
        server.answer(FILE, exchange -> {
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().write(new byte[MODEL.length + 10]);
        });
        assertThat(played.failure("tiny", Kind.CHECKSUM)).hasMessageContaining("sends more");
        server.answer(FILE, exchange -> {
            exchange.getResponseHeaders().set("Content-Range", "bytes 7-9/300000");
            exchange.sendResponseHeaders(206, 3);
            exchange.getResponseBody().write(new byte[3]);
        });
        assertThat(played.failure("tiny", Kind.NO_NETWORK)).hasMessageContaining("another range");
        assertThat(played.hub.installed()).isEmpty();
    }

    @Test
    void aWrongEndpointOrTokenIsTheUsersToCorrect() {
        for (String endpoint : List.of("huggingface.co", "ftp://x", "http://", "http://a b")) {
            played = played(Map.of("HF_ENDPOINT", endpoint));
            assertThat(played.failure("tiny", Kind.BAD_OPTION)).hasMessageContaining("HF_ENDPOINT");
        }
        played = played(Map.of("HF_ENDPOINT", server.address(), "HF_TOKEN", "two\nlines"));
        assertThat(played.failure("tiny", Kind.BAD_OPTION))
                .hasMessageContaining("HF_TOKEN")
                .hasMessageNotContaining("lines");
    }
}
