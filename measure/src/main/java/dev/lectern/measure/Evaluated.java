package dev.lectern.measure;

import java.io.StringWriter;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * What was evaluated, and where; part of every result.
 *
 * @param model its name
 * @param digest of its file
 * @param threads that computed
 */
public record Evaluated(String model, String digest, int threads, Provenance provenance) {
    private static final JsonFactory JSON = JsonFactory.builder().build();

    /** Where it was evaluated. */
    public Machine machine() {
        return provenance.machine();
    }

    /** Whether both are of the same model, threads, machine and commit, so that what one measured need not be measured again. */
    boolean isLike(Evaluated other) {
        return digest.equals(other.digest) && threads == other.threads && provenance.isLike(other.provenance);
    }

    /**
     * The object of {@code --json} of an evaluation.
     *
     * @param results writes the elements of the array {@code results}
     * @param members writes further members
     */
    String toJson(Consumer<JsonGenerator> results, Consumer<JsonGenerator> members) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), text)) {
            json.writeStartObject();
            json.writeArrayPropertyStart("results");
            results.accept(json);
            json.writeEndArray();
            json.writeStringProperty("model", model);
            json.writeStringProperty("sha256", digest);
            members.accept(json);
            json.writeNumberProperty("threads", threads);
            provenance.write(json);
            json.writeEndObject();
        }
        return text.toString();
    }
}
