package dev.lectern.measure;

import dev.lectern.LecternException;
import dev.lectern.json.Json;
import dev.lectern.json.MalformedJsonException;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * The samples of an evaluation that are finished, one a line of a file, which grows by a line on the disk with each: a run that was interrupted goes on after the last. A sample is known by all
 * that its score depends on, so one of another model, method, text or numbering of {@link #NUMERICS} is never taken for it.
 */
final class FinishedSamples implements AutoCloseable {
    /** Raised by hand whenever Lectern may compute other numbers, or make other samples, than before. */
    static final int NUMERICS = 1;

    private static final JsonFactory JSON = JsonFactory.builder().build();

    private final Path file;
    private final FileChannel channel;
    private final Map<Key, Finished> finished = new HashMap<>();
    private final Map<Key, Origin> origins = new HashMap<>();

    /**
     * What a score depends on.
     *
     * @param model digest of its file
     * @param methods how the model attends, and stores keys and values
     * @param task with its options
     * @param length tokens of prompt and answer
     * @param seed of the run
     * @param index of the sample
     */
    record Key(String model, String methods, String task, int length, long seed, int index) {}

    /**
     * A sample's end.
     *
     * @param score 0 to 1
     * @param tokens of the prompt
     * @param answer what the model said
     * @param bytesRead of keys and values for each token that attention saw
     * @param density the share of tokens that it looked at, 0 to 1
     */
    record Finished(double score, int tokens, String answer, double bytesRead, double density) {}

    /** By which commit of Lectern, and on which machine, a sample was computed. */
    record Origin(String commit, String machine) {}

    /**
     * Opens a file, making it where it is missing. A last line that was cut short by a crash is dropped.
     *
     * @throws LecternException of kind {@code BAD_OPTION} if a line is something else, the file cannot be written, or another run writes it
     */
    FinishedSamples(Path file) {
        this.file = file;
        try {
            Path folder = file.toAbsolutePath().getParent();
            if (folder != null) {
                Files.createDirectories(folder);
            }
            channel = FileChannel.open(
                    file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(file, e);
        }
        try {
            if (channel.tryLock() == null) {
                throw busy();
            }
            byte[] bytes = Files.readAllBytes(file);
            int end = bytes.length;
            while (end > 0 && bytes[end - 1] != '\n') {
                end--;
            }
            channel.truncate(end);
            channel.position(end);
            List<String> lines =
                    new String(bytes, 0, end, StandardCharsets.UTF_8).lines().toList();
            for (int line = 1; line <= lines.size(); line++) {
                know(lines.get(line - 1), line);
            }
        } catch (IOException e) {
            close();
            throw AtomicFile.cannotWrite(file, e);
        } catch (OverlappingFileLockException e) {
            close();
            throw busy();
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private LecternException busy() {
        return new LecternException(
                LecternException.Kind.BAD_OPTION,
                file + " is being written by another run: wait until it has ended, or name another folder with --out.");
    }

    private void know(String text, int line) {
        try {
            JsonFields json = JsonFields.of(Json.parse(text.getBytes(StandardCharsets.UTF_8)));
            if (json.whole("numerics") != NUMERICS) {
                return;
            }
            Key key = new Key(
                    json.text("model"),
                    json.text("methods"),
                    json.text("task"),
                    Math.toIntExact(json.whole("length")),
                    json.whole("seed"),
                    Math.toIntExact(json.whole("index")));
            finished.put(
                    key,
                    new Finished(
                            json.number("score"),
                            Math.toIntExact(json.whole("tokens")),
                            json.text("answer"),
                            json.number("bytesRead"),
                            json.number("density")));
            origins.put(key, new Origin(json.text("commit"), json.text("machine")));
        } catch (MalformedJsonException | IllegalArgumentException | ArithmeticException | LecternException e) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    file + ", line " + line + ", is no finished sample (" + e.getMessage()
                            + "): take the line away, or name another folder with --out.",
                    e);
        }
    }

    Optional<Finished> get(Key key) {
        return Optional.ofNullable(finished.get(key));
    }

    /** Where a finished sample is from. */
    Origin origin(Key key) {
        return Objects.requireNonNull(origins.get(key), "the sample is not finished");
    }

    /**
     * Adds a sample; when this returns, it is on the disk.
     *
     * @param provenance of the run that computed it
     */
    void add(Key key, Finished sample, Provenance provenance) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), text)) {
            json.writeStartObject();
            json.writeNumberProperty("numerics", NUMERICS);
            json.writeStringProperty("model", key.model());
            json.writeStringProperty("methods", key.methods());
            json.writeStringProperty("task", key.task());
            json.writeNumberProperty("length", key.length());
            json.writeNumberProperty("seed", key.seed());
            json.writeNumberProperty("index", key.index());
            json.writeNumberProperty("score", sample.score());
            json.writeNumberProperty("tokens", sample.tokens());
            json.writeStringProperty("answer", sample.answer());
            json.writeNumberProperty("bytesRead", sample.bytesRead());
            json.writeNumberProperty("density", sample.density());
            json.writeStringProperty("date", Instant.now().toString());
            json.writeStringProperty("commit", provenance.commit());
            json.writeStringProperty("machine", provenance.machine().described());
            json.writeEndObject();
        }
        ByteBuffer line = ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.UTF_8));
        try {
            while (line.hasRemaining()) {
                channel.write(line);
            }
            channel.force(false);
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(file, e);
        }
        finished.put(key, sample);
        origins.put(key, new Origin(provenance.commit(), provenance.machine().described()));
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(file, e);
        }
    }
}
