package dev.lectern.measure;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.core.JsonGenerator;

/**
 * What {@link HeadTraining} has made, and how good it is.
 *
 * @param file that was written; it takes the place of an earlier one
 * @param bytes of its tables
 * @param texts that were learned from
 * @param heldOut texts on which the recall was measured
 * @param tokens of all of them
 * @param learned tokens whose features were kept
 * @param firstLoss mean over the layers, of the first tenth of the steps
 * @param lastLoss of the last tenth
 * @param recall by layer
 */
public record HeadTrainingResult(
        Path file,
        long bytes,
        int texts,
        int heldOut,
        long tokens,
        long learned,
        double firstLoss,
        double lastLoss,
        List<HeadRecall.Row> recall) {
    public HeadTrainingResult {
        recall = List.copyOf(recall);
    }

    /** Lines for a terminal. */
    public String table() {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "%-6s %7s %7s %7s   %s\n",
                "layer",
                "heads",
                "query",
                "random",
                "as apb passes on: heads, query"));
        for (int layer = 0; layer < recall.size(); layer++) {
            text.append(line(Integer.toString(layer), recall.get(layer)));
        }
        text.append(line("mean", HeadRecall.Row.mean(recall)));
        return text.append(String.format(
                        Locale.ROOT,
                        "Of the eighth of the tokens that an answer looks at most, the share that is found; %d texts not learned"
                                + " from.\nLoss %.3f at first, %.3f at last; learned from %d tokens of %d texts.\n",
                        heldOut,
                        firstLoss,
                        lastLoss,
                        learned,
                        texts))
                .toString();
    }

    private static String line(String name, HeadRecall.Row row) {
        return String.format(
                Locale.ROOT,
                "%-6s %5.1f %% %5.1f %% %5.1f %%   %5.1f %% %5.1f %%\n",
                name,
                100 * row.heads(),
                100 * row.query(),
                100 * row.random(),
                100 * row.headsPooled(),
                100 * row.queryPooled());
    }

    /** Fields for {@code --json}. */
    public Map<String, Object> fields() {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("file", file.toString());
        fields.put("bytes", bytes);
        fields.put("texts", texts);
        fields.put("heldOut", heldOut);
        fields.put("tokens", tokens);
        fields.put("learned", learned);
        fields.put("firstLoss", firstLoss);
        fields.put("lastLoss", lastLoss);
        fields.put("recall", fields(HeadRecall.Row.mean(recall)));
        List<Object> layers = new ArrayList<>();
        recall.forEach(row -> layers.add(fields(row)));
        fields.put("layers", layers);
        return fields;
    }

    /** A result file: a row for each layer, and one of their means. */
    String toJson(Evaluated evaluated, long seed) {
        return evaluated.toJson(
                json -> {
                    for (int layer = 0; layer < recall.size(); layer++) {
                        write(json, Integer.toString(layer), recall.get(layer));
                    }
                    write(json, "mean", HeadRecall.Row.mean(recall));
                },
                json -> {
                    json.writeNumberProperty("texts", texts);
                    json.writeNumberProperty("heldOut", heldOut);
                    json.writeNumberProperty("tokens", tokens);
                    json.writeNumberProperty("learned", learned);
                    json.writeNumberProperty("firstLoss", firstLoss);
                    json.writeNumberProperty("lastLoss", lastLoss);
                    json.writeNumberProperty("seed", seed);
                });
    }

    private static void write(JsonGenerator json, String layer, HeadRecall.Row row) {
        json.writeStartObject();
        json.writeStringProperty("metric", "recall");
        json.writeStringProperty("layer", layer);
        fields(row).forEach(json::writeNumberProperty);
        json.writeEndObject();
    }

    private static Map<String, Double> fields(HeadRecall.Row row) {
        Map<String, Double> fields = new LinkedHashMap<>();
        fields.put("heads", row.heads());
        fields.put("query", row.query());
        fields.put("random", row.random());
        fields.put("headsPooled", row.headsPooled());
        fields.put("queryPooled", row.queryPooled());
        return fields;
    }
}
