package dev.lectern.measure;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import tools.jackson.core.JsonGenerator;

/** What {@link RulerEval} found. */
public record RulerResults(Evaluated evaluated, RulerOptions options, List<Row> rows) {
    /**
     * A task at a length.
     *
     * @param scores of its samples, each 0 to 1
     */
    public record Row(String task, int length, List<Double> scores) {
        public Row {
            scores = List.copyOf(scores);
        }

        /** Their mean, 0 to 100. */
        public double score() {
            return 100 * Statistics.of(scores).mean();
        }

        /** Where it lies with 95 per cent confidence, 0 to 1. */
        Wilson interval() {
            return Wilson.of(Math.clamp(Statistics.of(scores).mean(), 0, 1), scores.size());
        }
    }

    public RulerResults {
        rows = List.copyOf(rows);
    }

    /** The mean of the tasks at a length, 0 to 100. */
    private double mean(int length) {
        return rows.stream()
                .filter(row -> row.length() == length)
                .mapToDouble(Row::score)
                .average()
                .orElseThrow();
    }

    /** Lines for a terminal. */
    public String table() {
        StringBuilder text = new StringBuilder();
        text.append(String.format(
                Locale.ROOT, "%-16s %7s %7s   %s\n", "task", "length", "score", "95 % interval, samples"));
        for (int length : options.lengths()) {
            for (Row row : rows) {
                if (row.length() == length) {
                    Wilson interval = row.interval();
                    text.append(String.format(
                            Locale.ROOT,
                            "%-16s %7d %7.1f   %.1f … %.1f, %d\n",
                            row.task(),
                            length,
                            row.score(),
                            100 * interval.low(),
                            100 * interval.high(),
                            row.scores().size()));
                }
            }
            text.append(String.format(Locale.ROOT, "%-16s %7d %7.1f\n", "mean of tasks", length, mean(length)));
        }
        text.append(described()).append('\n');
        return text.toString();
    }

    private String described() {
        return String.format(
                Locale.ROOT,
                "RULER-like, %s; %s, %s attention, %s cache, protocol %s, seed %d; %s",
                options.haystack().name(),
                evaluated.model(),
                options.attention(),
                options.kv(),
                options.protocol(),
                options.seed(),
                evaluated.machine().described());
    }

    /** The object of {@code --json}. */
    public String toJson() {
        return evaluated.toJson(json -> rows.forEach(row -> write(json, row)), json -> {
            json.writeStringProperty("haystack", options.haystack().name());
            json.writeNumberProperty("seed", options.seed());
        });
    }

    private void write(JsonGenerator json, Row row) {
        Wilson interval = row.interval();
        json.writeStartObject();
        json.writeStringProperty("task", row.task());
        json.writeStringProperty("method", options.attention());
        json.writeStringProperty("kv", options.kv());
        json.writeStringProperty("protocol", options.protocol().name());
        json.writeNumberProperty("length", row.length());
        json.writeNumberProperty("score", row.score());
        json.writeNumberProperty("low", 100 * interval.low());
        json.writeNumberProperty("high", 100 * interval.high());
        json.writeNumberProperty("samples", row.scores().size());
        json.writeEndObject();
    }

    /** Writes {@code NAME.csv}, a line a task and length. */
    public Path writeCsv(Path folder, String name) {
        StringBuilder text = new StringBuilder("task,length,score,low,high,samples\n");
        for (Row row : rows) {
            Wilson interval = row.interval();
            text.append(String.format(
                    Locale.ROOT,
                    "%s,%d,%.2f,%.2f,%.2f,%d\n",
                    row.task(),
                    row.length(),
                    row.score(),
                    100 * interval.low(),
                    100 * interval.high(),
                    row.scores().size()));
        }
        Path file = folder.resolve(name + ".csv");
        AtomicFile.write(file, text.toString().getBytes(StandardCharsets.UTF_8));
        return file;
    }
}
