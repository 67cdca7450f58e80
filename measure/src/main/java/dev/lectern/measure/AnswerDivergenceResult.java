package dev.lectern.measure;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What {@link AnswerDivergenceEval} found.
 *
 * @param rows lengths ascending; of each, the tasks in their order, and of each the methods in theirs
 */
public record AnswerDivergenceResult(Evaluated evaluated, TaskOptions options, List<Row> rows) {
    private static final double HIGH = 0.99;

    /**
     * A method in a task.
     *
     * @param divergences in nats, after each token that was told, all samples together
     * @param sameTop1 the share of them after which the likeliest next token is the same
     * @param bytesRead for each token that attention saw, index included
     * @param density the share of tokens that query heads looked at, 0 to 1
     */
    public record Row(
            String task,
            Method method,
            int length,
            List<Double> divergences,
            double sameTop1,
            double bytesRead,
            double density) {
        public Row {
            divergences = List.copyOf(divergences);
        }

        public double mean() {
            return Statistics.of(divergences).mean();
        }

        /** What 99 of 100 do not exceed. */
        public double p99() {
            return Statistics.quantile(divergences, HIGH);
        }
    }

    public AnswerDivergenceResult {
        rows = List.copyOf(rows);
    }

    /** Lines for a terminal. */
    public String table() {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "%-16s %7s %-44s %9s %9s %10s %8s\n",
                "task",
                "length",
                "method",
                "mean KL",
                "p99 KL",
                "same top-1",
                "tokens"));
        for (Row row : rows) {
            text.append(String.format(
                    Locale.ROOT,
                    "%-16s %7d %-44s %9.2e %9.2e %8.1f %% %6.1f %%\n",
                    row.task(),
                    row.length(),
                    row.method().described(),
                    row.mean(),
                    row.p99(),
                    100 * row.sameTop1(),
                    100 * row.density()));
        }
        return text.append(String.format(
                        Locale.ROOT,
                        "%s, %s, %d samples of each task, seed %d, beside dense attention over the same cache; %s\n",
                        evaluated.model(),
                        options.haystack().name(),
                        options.samples(),
                        options.seed(),
                        evaluated.machine().described()))
                .toString();
    }

    /** The object of {@code --json}. */
    public String toJson() {
        return evaluated.toJson(
                json -> {
                    for (Row row : rows) {
                        json.writeStartObject();
                        json.writeStringProperty("metric", "kld");
                        json.writeStringProperty("task", row.task());
                        json.writeStringProperty("method", row.method().name());
                        json.writeStringProperty("kv", row.method().kv());
                        json.writeStringProperty(
                                "protocol", row.method().protocol().name());
                        json.writeNumberProperty("length", row.length());
                        json.writeNumberProperty("meanKl", row.mean());
                        json.writeNumberProperty("p99Kl", row.p99());
                        json.writeNumberProperty("sameTop1", row.sameTop1());
                        json.writeNumberProperty("bytesRead", row.bytesRead());
                        json.writeNumberProperty("density", row.density());
                        json.writeNumberProperty("samples", row.divergences().size());
                        json.writeEndObject();
                    }
                },
                json -> {
                    json.writeStringProperty("haystack", options.haystack().name());
                    json.writeNumberProperty("seed", options.seed());
                });
    }

    /** Writes {@code NAME.csv}, a line a task, length and method. */
    public Path writeCsv(Path folder, String name) {
        List<String> lines = new ArrayList<>();
        lines.add("task,method,kv,protocol,length,meanKl,p99Kl,sameTop1,bytesRead,density,samples");
        for (Row row : rows) {
            lines.add(String.format(
                    Locale.ROOT,
                    "%s,%s,%s,%s,%d,%.6e,%.6e,%.6f,%.0f,%.6f,%d",
                    row.task(),
                    Csv.field(row.method().name()),
                    Csv.field(row.method().kv()),
                    row.method().protocol(),
                    row.length(),
                    row.mean(),
                    row.p99(),
                    row.sameTop1(),
                    row.bytesRead(),
                    row.density(),
                    row.divergences().size()));
        }
        Path file = folder.resolve(name + ".csv");
        AtomicFile.write(file, (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
        return file;
    }

    /** Draws {@code NAME.png} and {@code NAME.svg}: mean divergences of the tasks over bytes, a line for each family of methods. */
    public List<Path> writeFigure(Path folder, String name) {
        Map<Method, List<Row>> methods = new LinkedHashMap<>();
        rows.forEach(row ->
                methods.computeIfAbsent(row.method(), m -> new ArrayList<>()).add(row));
        double most = methods.values().stream()
                .mapToDouble(AnswerDivergenceResult::bytes)
                .max()
                .orElseThrow();
        Map<String, TreeMap<Double, Double>> families = new LinkedHashMap<>();
        methods.forEach((method, of) -> {
            double mean = of.stream().mapToDouble(Row::mean).average().orElseThrow();
            if (mean > 0) {
                families.computeIfAbsent(
                                method.name().split(":")[0] + ", protocol " + method.protocol(),
                                family -> new TreeMap<>())
                        .put(100 * bytes(of) / most, mean);
            }
        });
        return ErrorFigure.divergence(families, "Divergence of answers: " + evaluated.model())
                .draw(folder, name);
    }

    private static double bytes(List<Row> rows) {
        return rows.stream().mapToDouble(Row::bytesRead).average().orElseThrow();
    }
}
