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
import java.net.Proxy;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
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

/** Pulls that come to a good end, if not at once. */
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
    void aStopEndsThePullWithinASecondAndTheNextOneGoesOn() throws Exception {
        CountDownLatch sent = new CountDownLatch(1);
        CountDownLatch over = new CountDownLatch(1);
        server.answer(FILE, exchange -> {
            exchange.getResponseHeaders().set("ETag", TAG);
            exchange.sendResponseHeaders(200, MODEL.length);
            exchange.getResponseBody().write(MODEL, 0, 120_000);
            exchange.getResponseBody().flush();
            sent.countDown();
            Played.await(over);
        });
        Played patient = new Played(
                folder.resolve("cache"),
                Played.environment(Map.of("HF_ENDPOINT", server.address())).withPatience(Patience.DEFAULT),
                HUGGING_FACE);
        Cancellation cancellation = new Cancellation();
        FutureTask<Installed> pull = new FutureTask<>(() -> patient.pull("tiny", cancellation));
        Thread.ofVirtual().start(pull);
        assertThat(sent.await(10, TimeUnit.SECONDS)).isTrue();
        Played.pause(200);

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
            Played.await(waiting);
            PlayedServer.file(MODEL, TAG).to(exchange);
        });
        Played second = played(Map.of("HF_ENDPOINT", server.address()));
        FutureTask<Installed> first = new FutureTask<>(() -> played.pull("tiny"));
        Thread.ofVirtual().start(first);
        while (server.requests().isEmpty()) {
            Played.pause(5);
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
}
