package dev.lectern.measure;

import dev.lectern.Traffic;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.core.JsonGenerator;

/**
 * What {@link AttentionEval} found.
 *
 * @param length tokens of the text
 * @param rows of dense attention first, which tells what the format of the cache costs by itself
 */
public record AttentionResults(Evaluated evaluated, AttentionOptions options, int length, List<Row> rows) {
    private static final double HIGH = 0.9;
    private static final double FOUR_TIMES = 4;

    /**
     * One method.
     *
     * @param errors relative, of each layer, position and query head
     * @param layers their means, a layer each
     * @param densities the share of tokens that query heads looked at, a layer each
     * @param massKept the share of the softmax that chosen tokens have, on average
     * @param bytesRead for a token in a layer
     * @param density the share of tokens that query heads looked at
     * @param bounded what became of a bound on errors
     */
    public record Row(
            String method,
            List<Double> errors,
            List<Double> layers,
            List<Double> densities,
            double massKept,
            double bytesRead,
            double density,
            Traffic.Bounded bounded) {
        public Row {
            errors = List.copyOf(errors);
            layers = List.copyOf(layers);
            densities = List.copyOf(densities);
        }

        /** Its name without options. */
        String family() {
            return method.split(":")[0];
        }

        /** Everything about it but its name and seed: methods of equal ones compare. */
        private String setting() {
            return method.substring(family().length()).replaceAll(":seed=\\d+", "");
        }

        Statistics error() {
            return Statistics.of(errors);
        }

        double p90() {
            return Statistics.quantile(errors, HIGH);
        }
    }

    /**
     * How much larger the errors of one method are than those of another at the same budget, case by case.
     *
     * @param of the method
     * @param beside the other
     * @param larger the share of cases in which they are
     * @param median of the ratios
     * @param p90 what nine of ten ratios do not exceed
     * @param fourTimes the share of cases in which they are at least four times as large
     * @param mean the ratio of the mean errors
     */
    public record Ratio(
            String of, String beside, double larger, double median, double p90, double fourTimes, double mean) {}

    public AttentionResults {
        rows = List.copyOf(rows);
    }

    /** Errors of top-k beside those of oracle sampling, where both were measured at a budget. */
    public List<Ratio> ratios() {
        List<Ratio> ratios = new ArrayList<>();
        for (Row row : rows) {
            if (row.family().equals("topk")) {
                rows.stream()
                        .filter(other -> other.family().equals("oracle-sampling")
                                && other.setting().equals(row.setting()))
                        .findFirst()
                        .ifPresent(other -> ratios.add(ratio(row, other)));
            }
        }
        return ratios;
    }

    private static Ratio ratio(Row of, Row beside) {
        List<Double> ratios = new ArrayList<>();
        int larger = 0, four = 0;
        for (int i = 0; i < of.errors().size(); i++) {
            double a = of.errors().get(i), b = beside.errors().get(i);
            double ratio = a == b ? 1 : a / Math.max(b, Double.MIN_NORMAL);
            ratios.add(ratio);
            larger += a > b ? 1 : 0;
            four += ratio >= FOUR_TIMES ? 1 : 0;
        }
        double n = ratios.size();
        return new Ratio(
                of.method(),
                beside.method(),
                larger / n,
                Statistics.of(ratios).median(),
                Statistics.quantile(ratios, HIGH),
                four / n,
                of.error().mean() / beside.error().mean());
    }

    private Row dense() {
        return rows.getFirst();
    }

    /** Lines for a terminal. */
    public String table() {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "%-48s %9s %9s %9s %8s %8s %8s\n",
                "relative error of outputs",
                "mean",
                "median",
                "90 %",
                "mass",
                "tokens",
                "bytes"));
        for (Row row : rows) {
            text.append(String.format(
                    Locale.ROOT,
                    "%-48s %9.2e %9.2e %9.2e %6.1f %% %6.1f %% %6.1f %%\n",
                    row.method(),
                    row.error().mean(),
                    row.error().median(),
                    row.p90(),
                    100 * row.massKept(),
                    100 * row.density(),
                    100 * row.bytesRead() / dense().bytesRead()));
        }
        rows.forEach(row -> text.append(BoundedChoices.line(row.method(), row.bounded())));
        for (Ratio ratio : ratios()) {
            text.append(String.format(
                    Locale.ROOT,
                    "errors of %s beside %s: larger in %.0f %% of cases; ratio median %.2f, 90 %% %.2f; 4 or more in %.1f %%\n",
                    ratio.of(),
                    ratio.beside(),
                    100 * ratio.larger(),
                    ratio.median(),
                    ratio.p90(),
                    100 * ratio.fourTimes()));
        }
        return text.append(described()).append('\n').toString();
    }

    /** One line that says what was measured. */
    public String described() {
        return String.format(
                Locale.ROOT,
                "%s, %d layers, %d tokens, %d cases, %s cache; %s",
                evaluated.model(),
                dense().layers().size(),
                length,
                dense().errors().size(),
                options.kv(),
                evaluated.machine().described());
    }

    /** The object of {@code --json}. */
    public String toJson() {
        return evaluated.toJson(json -> rows.forEach(row -> write(json, row)), json -> {
            json.writeArrayPropertyStart("ratios");
            for (Ratio ratio : ratios()) {
                json.writeStartObject();
                json.writeStringProperty("of", ratio.of());
                json.writeStringProperty("beside", ratio.beside());
                json.writeNumberProperty("larger", ratio.larger());
                json.writeNumberProperty("median", ratio.median());
                json.writeNumberProperty("p90", ratio.p90());
                json.writeNumberProperty("fourTimes", ratio.fourTimes());
                json.writeNumberProperty("mean", ratio.mean());
                json.writeEndObject();
            }
            json.writeEndArray();
        });
    }

    private void write(JsonGenerator json, Row row) {
        json.writeStartObject();
        json.writeStringProperty("metric", "attention-error");
        json.writeStringProperty("method", row.method());
        json.writeStringProperty("kv", options.kv());
        json.writeNumberProperty("length", length);
        json.writeNumberProperty("score", row.error().mean());
        json.writeNumberProperty("median", row.error().median());
        json.writeNumberProperty("p90", row.p90());
        json.writeNumberProperty("massKept", row.massKept());
        json.writeNumberProperty("bytesRead", row.bytesRead());
        json.writeNumberProperty("density", row.density());
        json.writeNumberProperty("samples", row.errors().size());
        json.writeArrayPropertyStart("layers");
        row.layers().forEach(json::writeNumber);
        json.writeEndArray();
        json.writeArrayPropertyStart("densities");
        row.densities().forEach(json::writeNumber);
        json.writeEndArray();
        BoundedChoices.write(json, row.bounded());
        json.writeEndObject();
    }

    /** Draws {@code NAME.png} and {@code NAME.svg}: mean errors over the share of tokens, a line for each method at several budgets. */
    public List<Path> writeFigure(Path folder, String name) {
        Map<String, TreeMap<Double, Double>> families = new LinkedHashMap<>();
        for (Row row : rows) {
            if (row != dense()) {
                families.computeIfAbsent(row.family(), family -> new TreeMap<>())
                        .put(100 * row.density(), row.error().mean());
            }
        }
        return ErrorFigure.of(families, "Attention: " + evaluated.model()).draw(folder, name);
    }

    /** Writes {@code NAME.csv}, a line a method. */
    public Path writeCsv(Path folder, String name) {
        List<String> lines = new ArrayList<>();
        lines.add("method,kv,length,mean,median,p90,massKept,bytesRead,density,samples");
        for (Row row : rows) {
            lines.add(String.format(
                    Locale.ROOT,
                    "%s,%s,%d,%.6e,%.6e,%.6e,%.6f,%.0f,%.6f,%d",
                    Csv.field(row.method()),
                    Csv.field(options.kv()),
                    length,
                    row.error().mean(),
                    row.error().median(),
                    row.p90(),
                    row.massKept(),
                    row.bytesRead(),
                    row.density(),
                    row.errors().size()));
        }
        Path file = folder.resolve(name + ".csv");
        AtomicFile.write(file, (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
        return file;
    }
}
