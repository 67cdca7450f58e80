package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.json.Json;
import dev.lectern.json.MalformedJsonException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A program that says JSON objects, one a line, and may be told some. It ends when this is closed. Where it is a Lectern, its options are those of its command alone, not what the user has set for every call. */
final class JsonChild implements AutoCloseable {
    /** Variables that say where things are, not how to compute. */
    private static final Set<String> PLACES = Set.of("LECTERN_CACHE", "LECTERN_JAVA_HOME", "LECTERN_JAVA_OPTS");

    private static final long POLL_MILLIS = 50;
    private static final long FAREWELL_SECONDS = 2;

    private final String name;
    private final Process process;
    private final Path errors;
    private final Path settings;
    private final BlockingQueue<Optional<String>> lines = new LinkedBlockingQueue<>();
    private final Cancellation cancellation;

    /**
     * Starts it.
     *
     * @param name what error messages call it
     * @throws LecternException of kind {@code BAD_OPTION} if the program does not start
     */
    JsonChild(String name, List<String> command, Cancellation cancellation) {
        this.name = name;
        this.cancellation = cancellation;
        try {
            errors = Files.createTempFile("lectern-bench", ".log");
            settings = Files.createTempFile("lectern-bench", ".properties");
            ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
            builder.environment().keySet().removeIf(key -> key.startsWith("LECTERN_") && !PLACES.contains(key));
            builder.environment().put("LECTERN_CONFIG", settings.toString());
            process = builder.start();
        } catch (IOException e) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    command.getFirst() + " does not start (" + e.getMessage() + ").",
                    e);
        }
        Thread.ofPlatform().daemon().name("lectern-bench").start(this::listen);
    }

    private void listen() {
        try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                lines.add(Optional.of(line));
            }
        } catch (IOException e) {
            // Closed on our side: nobody listens any more.
        }
        lines.add(Optional.empty());
    }

    /** Tells it a line. */
    void tell(String line) {
        try {
            OutputStream in = process.getOutputStream();
            in.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            in.flush();
        } catch (IOException e) {
            throw ended(e);
        }
    }

    /**
     * The next object that it says, of a Lectern.
     *
     * @throws LecternException as {@link #next} does; of kind {@code INTERNAL} with its own words if it failed
     */
    JsonFields answer() {
        JsonFields json = next();
        if (json.has("error")) {
            throw new LecternException(
                    LecternException.Kind.INTERNAL,
                    name + " failed: " + json.object("error").text("message"));
        }
        return json;
    }

    /**
     * The next object that it says.
     *
     * @throws LecternException of kind {@code INTERNAL} if it ended or said something else, {@code CANCELLED} on request
     */
    JsonFields next() {
        Optional<String> line = Optional.empty();
        try {
            for (boolean waiting = true; waiting; ) {
                cancellation.check();
                Optional<String> polled = lines.poll(POLL_MILLIS, TimeUnit.MILLISECONDS);
                waiting = polled == null;
                line = polled == null ? line : polled;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LecternException(LecternException.Kind.CANCELLED, "Stopped on request.", e);
        }
        String text = line.orElseThrow(() -> ended(null));
        try {
            return JsonFields.of(Json.parse(text.getBytes(StandardCharsets.UTF_8)));
        } catch (MalformedJsonException | IllegalArgumentException e) {
            throw new LecternException(
                    LecternException.Kind.INTERNAL, name + " said something that is no JSON object: " + text, e);
        }
    }

    private LecternException ended(@Nullable IOException cause) {
        String last = "";
        String code = "";
        try {
            if (process.waitFor(FAREWELL_SECONDS, TimeUnit.SECONDS)) {
                code = " with exit code " + process.exitValue();
            }
            last = new String(Files.readAllBytes(errors), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank())
                    .reduce("", (first, second) -> second);
        } catch (IOException e) {
            last = e.toString();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return new LecternException(
                LecternException.Kind.INTERNAL,
                name + " ended" + code + (last.isEmpty() ? ", saying nothing." : ", saying: " + last.strip()),
                cause);
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        try {
            process.waitFor(FAREWELL_SECONDS, TimeUnit.SECONDS);
            Files.deleteIfExists(errors);
            Files.deleteIfExists(settings);
        } catch (IOException e) {
            // A file in the folder for temporary ones: the system clears it away.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
