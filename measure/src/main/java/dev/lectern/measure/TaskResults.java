package dev.lectern.measure;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.core.JsonGenerator;

/**
 * What {@link TaskEval} found.
 *
 * @param rows lengths ascending; of each, the methods in their order, and of each the tasks in theirs
 * @param origins of the samples, some of which an earlier run may have finished
 */
public record TaskResults(Evaluated evaluated, TaskOptions options, List<Row> rows, List<Origin> origins) {
    /**
     * By which commit of Lectern, and on which machine, samples were computed.
     *
     * @param samples how many
     */
    public record Origin(String commit, String machine, int samples) {}

    /**
     * A task at a length, by one method.
     *
     * @param scores of its samples, each 0 to 1
     * @param bytesRead of keys and values for each token that attention saw
     * @param density the share of tokens that it looked at, 0 to 1
     */
    public record Row(String task, Method method, int length, List<Double> scores, double bytesRead, double density) {
        public Row {
            scores = List.copyOf(scores);
        }

        static Row of(String task, Method method, int length, List<FinishedSamples.Finished> samples) {
            return new Row(
                    task,
                    method,
                    length,
                    samples.stream().map(FinishedSamples.Finished::score).toList(),
                    samples.stream()
                            .mapToDouble(FinishedSamples.Finished::bytesRead)
                            .average()
                            .orElseThrow(),
                    samples.stream()
                            .mapToDouble(FinishedSamples.Finished::density)
                            .average()
                            .orElseThrow());
        }

        /** Their mean, 0 to 100. */
        public double score() {
            return 100 * Statistics.of(scores).mean();
        }

        /** Where it lies with 95 per cent confidence, 0 to 1. */
        Wilson interval() {
            return Wilson.of(scores);
        }
    }

    public TaskResults {
        rows = List.copyOf(rows);
        origins = List.copyOf(origins);
    }

    /** The tasks of a method at a length. */
    public List<Row> rows(int length, Method method) {
        return rows.stream()
                .filter(row -> row.length() == length && row.method().equals(method))
                .toList();
    }

    /** The mean of the tasks of a method at a length, 0 to 100. */
    public double mean(int length, Method method) {
        return rows(length, method).stream().mapToDouble(Row::score).average().orElseThrow();
    }

    /** The method that another one is compared with. */
    public Method first(Method method) {
        return options.first(method.protocol());
    }

    /** How a method compares with the first of its protocol on all tasks of a length; empty for the first itself. */
    public Optional<Paired> paired(int length, Method method) {
        Method first = first(method);
        return method.equals(first)
                ? Optional.empty()
                : Optional.of(Paired.of(scores(rows(length, method)), scores(rows(length, first))));
    }

    private Optional<Paired> paired(Row row) {
        Method first = first(row.method());
        return rows(row.length(), first).stream()
                .filter(other ->
                        other.task().equals(row.task()) && !row.method().equals(first))
                .map(other -> Paired.of(List.of(row.scores()), List.of(other.scores())))
                .findFirst();
    }

    private static List<List<Double>> scores(List<Row> rows) {
        return rows.stream().map(Row::scores).toList();
    }

    /** Lines for a terminal. */
    public String table() {
        StringBuilder text = new StringBuilder();
        for (Method method : options.methods()) {
            if (options.methods().size() > 1) {
                text.append(method.described()).append('\n');
            }
            text.append(String.format(
                    Locale.ROOT, "%-16s %7s %7s   %s\n", "task", "length", "score", "95 % interval, samples"));
            for (int length : options.lengths()) {
                rows(length, method).forEach(row -> text.append(line(row)));
                text.append(
                        String.format(Locale.ROOT, "%-16s %7d %7.1f\n", "mean of tasks", length, mean(length, method)));
                paired(length, method)
                        .ifPresent(paired -> text.append("  ")
                                .append(paired.described(first(method)))
                                .append('\n'));
            }
            text.append('\n');
        }
        return text.append(described()).append('\n').toString();
    }

    private static String line(Row row) {
        Wilson interval = row.interval();
        return String.format(
                Locale.ROOT,
                "%-16s %7d %7.1f   %.1f … %.1f, %d\n",
                row.task(),
                row.length(),
                row.score(),
                100 * interval.low(),
                100 * interval.high(),
                row.scores().size());
    }

    /** One line that says what was measured. */
    public String described() {
        return String.format(
                Locale.ROOT,
                "%s, %s; %s, %s, protocol%s %s, seed %d; %s",
                options.suite().title(),
                options.haystack().name(),
                evaluated.model(),
                String.join(
                        "; ", options.methods().stream().map(Method::described).toList()),
                options.protocols().size() == 1 ? "" : "s",
                options.protocols().stream().map(Protocol::name).collect(Collectors.joining(" and ")),
                options.seed(),
                evaluated.machine().described());
    }

    /** The object of {@code --json}. */
    public String toJson() {
        return evaluated.toJson(json -> rows.forEach(row -> write(json, row)), json -> {
            json.writeStringProperty("suite", options.suite().name());
            json.writeStringProperty("haystack", options.haystack().name());
            json.writeNumberProperty("seed", options.seed());
            json.writeArrayPropertyStart("origins");
            for (Origin origin : origins) {
                json.writeStartObject();
                json.writeStringProperty("commit", origin.commit);
                json.writeStringProperty("machine", origin.machine);
                json.writeNumberProperty("samples", origin.samples);
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeArrayPropertyStart("means");
            for (int length : options.lengths()) {
                for (Method method : options.methods()) {
                    json.writeStartObject();
                    json.writeStringProperty("method", method.name());
                    json.writeStringProperty("kv", method.kv());
                    json.writeStringProperty("protocol", method.protocol().name());
                    json.writeNumberProperty("length", length);
                    json.writeNumberProperty("score", mean(length, method));
                    paired(length, method).ifPresent(paired -> paired.write(json));
                    json.writeEndObject();
                }
            }
            json.writeEndArray();
        });
    }

    private void write(JsonGenerator json, Row row) {
        Wilson interval = row.interval();
        json.writeStartObject();
        json.writeStringProperty("task", row.task());
        json.writeStringProperty("method", row.method().name());
        json.writeStringProperty("kv", row.method().kv());
        json.writeStringProperty("protocol", row.method().protocol().name());
        json.writeNumberProperty("length", row.length());
        json.writeNumberProperty("score", row.score());
        json.writeNumberProperty("low", 100 * interval.low());
        json.writeNumberProperty("high", 100 * interval.high());
        json.writeNumberProperty("samples", row.scores().size());
        json.writeNumberProperty("bytesRead", row.bytesRead());
        json.writeNumberProperty("density", row.density());
        paired(row).ifPresent(paired -> paired.write(json));
        json.writeEndObject();
    }

    /** Writes {@code NAME.csv}, a line a task, length and method. */
    public Path writeCsv(Path folder, String name) {
        List<String> lines = new ArrayList<>();
        lines.add("task,method,kv,protocol,length,score,low,high,samples,bytesRead,density");
        for (Row row : rows) {
            Wilson interval = row.interval();
            lines.add(String.format(
                    Locale.ROOT,
                    "%s,%s,%s,%s,%d,%.2f,%.2f,%.2f,%d,%.0f,%.6f",
                    row.task(),
                    Csv.field(row.method().name()),
                    Csv.field(row.method().kv()),
                    row.method().protocol(),
                    row.length(),
                    row.score(),
                    100 * interval.low(),
                    100 * interval.high(),
                    row.scores().size(),
                    row.bytesRead(),
                    row.density()));
        }
        Path file = folder.resolve(name + ".csv");
        AtomicFile.write(file, (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
        return file;
    }

    /** Draws {@code NAME.png} and {@code NAME.svg}: a bar for each task, length and method; of needles a map of lengths and depths for each method. */
    public List<Path> writeFigure(Path folder, String name) {
        return TaskFigure.write(this, folder, name);
    }
}
