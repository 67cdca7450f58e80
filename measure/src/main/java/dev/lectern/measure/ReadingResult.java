package dev.lectern.measure;

import java.util.List;

/**
 * What {@link ReadingEval} found.
 *
 * @param kv the format of the cache
 * @param rows for each method
 */
public record ReadingResult(Evaluated evaluated, ReadingOptions options, String kv, long seed, List<Row> rows) {
    /**
     * One method.
     *
     * @param right samples that were answered rightly
     * @param found those of them whose needle is in the passage that was read most
     */
    public record Row(String attention, int samples, int right, int found) {
        Row plus(boolean isRight, boolean isFound) {
            return new Row(attention, samples + 1, right + (isRight ? 1 : 0), found + (isRight && isFound ? 1 : 0));
        }
    }

    public ReadingResult {
        rows = List.copyOf(rows);
    }

    /** A result file. */
    public String toJson() {
        return evaluated.toJson(
                json -> {
                    for (Row row : rows) {
                        json.writeStartObject();
                        json.writeStringProperty("metric", "reading");
                        json.writeStringProperty("method", row.attention());
                        json.writeStringProperty("kv", kv);
                        json.writeNumberProperty("length", options.length());
                        json.writeNumberProperty("samples", row.samples());
                        json.writeNumberProperty("right", row.right());
                        json.writeNumberProperty("found", row.found());
                        json.writeEndObject();
                    }
                },
                json -> json.writeNumberProperty("seed", seed));
    }
}
