package dev.lectern.hub;

import dev.lectern.json.Json;
import dev.lectern.json.MalformedJsonException;
import java.io.ByteArrayOutputStream;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * What is known of a model that was pulled; kept beside its files as {@code pull.json}. It is written last, so a folder
 * without a record holds no model.
 *
 * @param name the catalogue name, or {@code hf:OWNER/REPO:FILE}
 * @param file what to open, relative to the folder of the record; {@code .} is the folder itself
 * @param bytes the size of all files
 * @param sha256 of the file; of several files, the SHA-256 of the lines {@code SHA-256, two blanks, name, newline} in the
 *     order of {@code files}
 * @param source where the bytes came from
 * @param date when they were published here
 * @param files every file, in the order of their names
 */
public record PullRecord(
        String name, String file, long bytes, String sha256, String source, Instant date, List<Piece> files) {
    /** The name of the record's own file. */
    static final String FILE = "pull.json";

    private static final JsonFactory JSON = JsonFactory.builder().build();

    /**
     * One file of a model.
     *
     * @param file its name, relative to the folder of the record
     * @param bytes its size
     * @param sha256 its SHA-256
     */
    public record Piece(String file, long bytes, String sha256) {}

    public PullRecord {
        files = List.copyOf(files);
    }

    byte[] toJson() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), bytes)) {
            json.writeStartObject();
            json.writeStringProperty("name", name);
            json.writeStringProperty("file", file);
            json.writeNumberProperty("bytes", this.bytes);
            json.writeStringProperty("sha256", sha256);
            json.writeStringProperty("source", source);
            json.writeStringProperty("date", date.toString());
            json.writeArrayPropertyStart("files");
            for (Piece piece : files) {
                json.writeStartObject();
                json.writeStringProperty("file", piece.file());
                json.writeNumberProperty("bytes", piece.bytes());
                json.writeStringProperty("sha256", piece.sha256());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        }
        return bytes.toByteArray();
    }

    /** Reads a record; empty where the bytes are none, so that the model counts as not pulled. */
    static Optional<PullRecord> fromJson(byte[] json) {
        try {
            JsonFields fields = JsonFields.of(Json.parse(json));
            List<Piece> files = new ArrayList<>();
            for (JsonFields piece : fields.list("files")) {
                files.add(new Piece(piece.text("file"), piece.number("bytes"), piece.text("sha256")));
            }
            PullRecord record = new PullRecord(
                    fields.text("name"),
                    fields.text("file"),
                    fields.number("bytes"),
                    fields.text("sha256"),
                    fields.text("source"),
                    Instant.parse(fields.text("date")),
                    files);
            boolean safe = files.stream().allMatch(piece -> FileNames.isSafe(piece.file()))
                    && (record.file().equals(".") || FileNames.isSafe(record.file()));
            return safe && !files.isEmpty() ? Optional.of(record) : Optional.empty();
        } catch (MalformedJsonException | IllegalArgumentException | DateTimeException e) {
            return Optional.empty();
        }
    }
}
