package dev.lectern.hub;

import static dev.lectern.hub.Played.FILE;
import static dev.lectern.hub.Played.HUGGING_FACE;
import static dev.lectern.hub.Played.MODEL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.LecternException.Kind;
import dev.lectern.Progress;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Proxy;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(30)
class HuggingFacePullTest {
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
    void aFileIsPublishedWithItsRecord() throws IOException {
        server.answer(FILE, PlayedServer.file(MODEL, TAG));

        Installed pulled = played.pull("tiny");

        assertPublished();
        assertThat(pulled.record().sha256()).isEqualTo(Played.sha256(MODEL));
        assertThat(pulled.record().source()).contains("owner/tiny-GGUF");
        assertThat(played.hub.installed()).containsExactly(pulled);
        assertThat(played.hub.record("tiny")).contains(pulled.record());
        assertThat(played.hub.record(pulled.path().toString())).contains(pulled.record());
        assertThat(played.progress).isSorted().endsWith((long) MODEL.length);
        assertThat(played.notes).isEmpty();
        played.pull("tiny");
        assertThat(server.requests()).hasSize(1);
    }

    @Test
    void aCutConnectionIsContinuedWithinThePull() throws IOException {
        server.answer(FILE, exchange -> {
            boolean first = server.requests().size() == 1;
            PlayedServer.cutFile(MODEL, TAG, first ? 100_000 : MODEL.length).to(exchange);
        });

        played.pull("tiny");

        assertPublished();
        assertThat(server.requests()).hasSize(2);
        assertThat(server.requests().get(1).header("Range")).contains("bytes=100000-");
        assertThat(server.requests().get(1).header("If-range")).contains(TAG);
    }

    @Test
    void whatArrivedBeforeTheSourceFailedIsUsedByTheNextPull() throws IOException {
        server.answer(FILE, PlayedServer.cutFile(MODEL, TAG, 10_000));
        LecternException e = played.failure("tiny", Kind.NO_NETWORK);
        assertThat(e)
                .hasMessageContaining("cut after 30 000 of 300 000 bytes")
                .hasMessageContaining("lectern pull tiny");
        assertThat(played.hub.resolve("tiny")).isEmpty();

        server.answer(FILE, PlayedServer.file(MODEL, TAG));
        played.pull("tiny");

        assertPublished();
        assertThat(server.requests().getLast().header("Range")).contains("bytes=30000-");
    }

    @Test
    void aFileThatChangedMeanwhileIsReadFromItsBeginning() throws IOException {
        byte[] other = new byte[MODEL.length];
        server.answer(FILE, PlayedServer.cutFile(other, "\"other\"", 1000));
        played.failure("tiny", Kind.NO_NETWORK);

        server.answer(FILE, PlayedServer.file(MODEL, TAG));
        played.pull("tiny");

        assertPublished();
    }

    @Test
    void aRangeThatTheServerDoesNotHaveBeginsAgain() throws IOException {
        server.answer(FILE, PlayedServer.cutFile(MODEL, TAG, 10_000));
        played.failure("tiny", Kind.NO_NETWORK);
        server.answer(FILE, exchange -> {
            boolean ranged = exchange.getRequestHeaders().containsKey("Range");
            (ranged ? PlayedServer.status(416) : PlayedServer.file(MODEL, TAG)).to(exchange);
        });

        played.pull("tiny");

        assertPublished();
    }

    @Test
    void theTokenGoesToTheEndpointAndToNoOtherHost() throws IOException {
        try (PlayedServer store = new PlayedServer()) {
            server.answer(FILE, PlayedServer.redirect("/moved"));
            server.answer("/moved", PlayedServer.redirect(store.address() + "/blob"));
            store.answer("/blob", PlayedServer.file(MODEL, TAG));
            played = played(Map.of("HF_ENDPOINT", server.address() + "/", "HF_TOKEN", "hf_secret"));

            played.pull("tiny");

            assertPublished();
            assertThat(server.requests())
                    .hasSize(2)
                    .allSatisfy(request ->
                            assertThat(request.header("Authorization")).contains("Bearer hf_secret"));
            assertThat(store.requests()).hasSize(1);
            assertThat(store.requests().getFirst().headers().toString()).doesNotContain("hf_secret");
        }
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
            await(over);
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
                    pause(100);
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
    void aStopEndsThePullWithinASecondAndTheNextOneGoesOn() throws Exception {
        CountDownLatch sent = new CountDownLatch(1);
        CountDownLatch over = new CountDownLatch(1);
        server.answer(FILE, exchange -> {
            exchange.getResponseHeaders().set("ETag", TAG);
            exchange.sendResponseHeaders(200, MODEL.length);
            exchange.getResponseBody().write(MODEL, 0, 120_000);
            exchange.getResponseBody().flush();
            sent.countDown();
            await(over);
        });
        Played patient = new Played(
                folder.resolve("cache"),
                Played.environment(Map.of("HF_ENDPOINT", server.address())).withPatience(Patience.DEFAULT),
                HUGGING_FACE);
        Cancellation cancellation = new Cancellation();
        FutureTask<Installed> pull = new FutureTask<>(() -> patient.pull("tiny", cancellation));
        Thread.ofVirtual().start(pull);
        assertThat(sent.await(10, TimeUnit.SECONDS)).isTrue();
        pause(200);

        cancellation.cancel();

        assertThatThrownBy(() -> pull.get(1, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CANCELLED));
        over.countDown();
        server.answer(FILE, PlayedServer.file(MODEL, TAG));
        played.pull("tiny");
        assertPublished();
        assertThat(server.requests().getLast().header("Range")).contains("bytes=120000-");
    }

    @Test
    void ofTwoPullsAtOnceOneWaitsForTheOther() throws ExecutionException, InterruptedException, TimeoutException {
        CountDownLatch waiting = new CountDownLatch(1);
        server.answer(FILE, exchange -> {
            await(waiting);
            PlayedServer.file(MODEL, TAG).to(exchange);
        });
        Played second = played(Map.of("HF_ENDPOINT", server.address()));
        FutureTask<Installed> first = new FutureTask<>(() -> played.pull("tiny"));
        Thread.ofVirtual().start(first);
        while (server.requests().isEmpty()) {
            pause(5);
        }

        Installed found = second.hub.pull(
                "tiny",
                Progress.NONE,
                note -> {
                    second.notes.add(note);
                    waiting.countDown();
                },
                new Cancellation());

        assertThat(first.get(10, TimeUnit.SECONDS)).isEqualTo(found);
        assertThat(server.requests()).hasSize(1);
        assertThat(second.notes).containsExactly("tiny is being pulled by another program; waiting for it.");
    }

    @Test
    void anotherProgramIsWaitedForToo() throws IOException, InterruptedException {
        server.answer(FILE, PlayedServer.file(MODEL, TAG));
        Path lock = folder.resolve("cache").resolve("downloads").resolve("tiny.lock");
        Files.createDirectories(lock.getParent());
        Process other = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        LockHolder.class.getName(),
                        lock.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            assertThat(other.getInputStream().read())
                    .as("the other program holds the lock")
                    .isEqualTo('y');
            Played waiting = played(Map.of("HF_ENDPOINT", server.address()));
            waiting.hub.pull(
                    "tiny",
                    Progress.NONE,
                    note -> {
                        waiting.notes.add(note);
                        other.destroyForcibly();
                    },
                    new Cancellation());
            assertThat(waiting.notes).hasSize(1);
            assertPublished();
        } finally {
            other.destroyForcibly();
            other.waitFor();
        }
    }

    @Test
    void theProxyOfTheEnvironmentIsUsed() throws IOException {
        try (PlayedServer proxy = new PlayedServer()) {
            proxy.answer(FILE, PlayedServer.file(MODEL, TAG));
            played = played(Map.of("HF_ENDPOINT", "http://models.invalid", "http_proxy", proxy.address()));
            played.pull("tiny");
            assertPublished();
            assertThat(proxy.requests()).hasSize(1);
            ProxyFromVariables excepted = new ProxyFromVariables(
                    Played.environment(Map.of("HTTP_PROXY", proxy.address(), "NO_PROXY", "a.org, .invalid")));
            assertThat(excepted.select(URI.create("http://models.invalid"))).containsExactly(Proxy.NO_PROXY);
        }
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

    private static void await(CountDownLatch latch) throws IOException {
        try {
            latch.await(20, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private static void pause(int milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
