package dev.lectern.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A hub with a model of its own, a cache folder of its own, and little patience. */
final class Played {
    static final Patience IMPATIENT = new Patience(
            Duration.ofSeconds(3),
            Duration.ofSeconds(1),
            Duration.ofMillis(400),
            Duration.ofSeconds(20),
            Duration.ofMillis(10));

    /** The model's bytes: noise, so that no mistake in their order goes unseen. */
    static final byte[] MODEL = noise(300_000);

    static final String FILE = "/owner/tiny-GGUF/resolve/main/tiny.gguf";

    final List<String> notes = new CopyOnWriteArrayList<>();
    final List<Long> progress = new CopyOnWriteArrayList<>();
    final Hub hub;
    final Path cache;

    Played(Path cache, Environment environment, String... sources) {
        this.cache = cache;
        this.hub = new Hub(cache, environment, catalogue(MODEL, sources));
    }

    /** An environment that knows nothing but what is given. */
    static Environment environment(Map<String, String> variables) {
        return new Environment(variables, Path.of("nowhere"), "Linux", folder -> 1L << 40, IMPATIENT);
    }

    static final String HUGGING_FACE = """
            {"kind": "hugging-face", "repository": "owner/tiny-GGUF", "revision": "main", "file": "tiny.gguf"}""";

    static Catalogue catalogue(byte[] model, String... sources) {
        return Catalogue.parse("""
                {"default": "tiny", "models": [{"name": "tiny", "description": "noise", "file": "tiny.gguf",
                 "bytes": %d, "sha256": "%s", "licence": "Apache-2.0", "context": 2048, "parameters": 1,
                 "sources": [%s]}]}
                """.formatted(model.length, sha256(model), String.join(",", sources))
                .getBytes(StandardCharsets.UTF_8));
    }

    Installed pull(String spec) {
        return pull(spec, new Cancellation());
    }

    Installed pull(String spec, Cancellation cancellation) {
        Progress listener = (done, total) -> progress.add(done);
        return hub.pull(spec, listener, notes::add, cancellation);
    }

    /** Pulls and expects that it fails as it should. */
    LecternException failure(String spec, LecternException.Kind kind) {
        LecternException e = catchThrowableOfType(LecternException.class, () -> pull(spec));
        assertThat(e).isNotNull();
        assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind);
        return e;
    }

    /** The files below the cache folder, relative to it, without locks. */
    List<String> files() {
        if (!Files.exists(cache)) {
            return List.of();
        }
        try (Stream<Path> all = Files.walk(cache)) {
            return all.filter(Files::isRegularFile)
                    .map(file -> cache.relativize(file).toString().replace('\\', '/'))
                    .filter(name -> !name.endsWith(".lock"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static byte[] noise(int bytes) {
        byte[] noise = new byte[bytes];
        new Random(7).nextBytes(noise);
        return noise;
    }

    static String sha256(byte[] bytes) {
        return hash("SHA-256", bytes);
    }

    static String gitHash(byte[] bytes) {
        byte[] header = ("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] all = new byte[header.length + bytes.length];
        System.arraycopy(header, 0, all, 0, header.length);
        System.arraycopy(bytes, 0, all, header.length, bytes.length);
        return hash("SHA-1", all);
    }

    private static String hash(String algorithm, byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    static void await(CountDownLatch latch) throws IOException {
        try {
            latch.await(20, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    static void pause(int milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
