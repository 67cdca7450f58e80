package dev.lectern.measure;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;

/**
 * What {@link DivergenceEval} found.
 *
 * @param logProbs exactly, ln p of the second token and those after it
 * @param continued tokens of the greedy continuations; 0 where the model holds no more than the text
 * @param rows for each format
 */
public record DivergenceResult(
        Evaluated evaluated, DivergenceOptions options, List<Double> logProbs, int continued, List<Row> rows) {
    private static final double HIGH = 0.99;

    /** Tokens whose perplexity is told together. */
    private static final int STRETCH = 256;

    /** More would be too dense to read in a figure. */
    private static final int STRETCHES = 100;

    /**
     * One format.
     *
     * @param divergences after each token of the text, in nats
     * @param logProbs ln p of the second token and those after it
     * @param sameTop1 the share of tokens after which the likeliest next one is the same
     * @param firstDifferent the first token in which greedy continuations differ; empty where all are the same
     * @param bytesPerToken of the whole cache after the text
     */
    public record Row(
            String kv,
            List<Double> divergences,
            List<Double> logProbs,
            double sameTop1,
            OptionalInt firstDifferent,
            double bytesPerToken) {
        public Row {
            divergences = List.copyOf(divergences);
            logProbs = List.copyOf(logProbs);
        }

        public double mean() {
            return Statistics.of(divergences).mean();
        }

        /** What 99 of 100 do not exceed. */
        public double p99() {
            return Statistics.quantile(divergences, HIGH);
        }

        public double perplexity() {
            return DivergenceResult.perplexity(logProbs);
        }
    }

    public DivergenceResult {
        logProbs = List.copyOf(logProbs);
        rows = List.copyOf(rows);
    }

    private static double perplexity(List<Double> logProbs) {
        return Math.exp(-Statistics.of(logProbs).mean());
    }

    /** Lines for a terminal. */
    public String table() {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "%-22s %10s %10s %11s %10s %14s  %s\n",
                "cache",
                "mean KL",
                "p99 KL",
                "same top-1",
                "perplexity",
                "bytes/token",
                "greedy continuation"));
        for (Row row : rows) {
            text.append(String.format(
                    Locale.ROOT,
                    "%-22s %10.2e %10.2e %9.2f %% %10.3f %14.0f  %s\n",
                    row.kv(),
                    row.mean(),
                    row.p99(),
                    100 * row.sameTop1(),
                    row.perplexity(),
                    row.bytesPerToken(),
                    continuation(row)));
        }
        return text.append(String.format(
                        Locale.ROOT,
                        "%s, %d tokens, %s attention, beside itself with dense attention and f32 cache (perplexity %.3f); %s\n",
                        evaluated.model(),
                        logProbs.size() + 1,
                        options.attention(),
                        perplexity(logProbs),
                        evaluated.machine().described()))
                .toString();
    }

    private String continuation(Row row) {
        if (row.firstDifferent().isPresent()) {
            return "differs from token " + row.firstDifferent().getAsInt() + " on";
        }
        return continued == 0 ? "–" : "the same";
    }

    /** The object of {@code --json}. */
    public String toJson() {
        return evaluated.toJson(
                json -> {
                    for (Row row : rows) {
                        json.writeStartObject();
                        json.writeStringProperty("metric", "kld");
                        json.writeStringProperty("method", options.attention());
                        json.writeStringProperty("kv", row.kv());
                        json.writeNumberProperty("length", row.divergences().size());
                        json.writeNumberProperty("meanKl", row.mean());
                        json.writeNumberProperty("p99Kl", row.p99());
                        json.writeNumberProperty("sameTop1", row.sameTop1());
                        json.writeName("firstDifferent");
                        row.firstDifferent().ifPresentOrElse(json::writeNumber, json::writeNull);
                        json.writeNumberProperty("perplexity", row.perplexity());
                        json.writeNumberProperty("bytesPerToken", row.bytesPerToken());
                        json.writeNumberProperty("samples", row.divergences().size());
                        json.writeEndObject();
                    }
                },
                json -> {
                    json.writeNumberProperty("exactPerplexity", perplexity(logProbs));
                    json.writeNumberProperty("continued", continued);
                    json.writeArrayPropertyStart("stretches");
                    for (int from = 0; from < logProbs.size(); from += STRETCH) {
                        int to = Math.min(from + STRETCH, logProbs.size());
                        json.writeStartObject();
                        json.writeNumberProperty("from", from + 1);
                        json.writeNumberProperty("to", to);
                        json.writeNumberProperty("exact", perplexity(logProbs.subList(from, to)));
                        json.writeName("perplexities");
                        json.writeStartArray();
                        for (Row row : rows) {
                            json.writeNumber(perplexity(row.logProbs().subList(from, to)));
                        }
                        json.writeEndArray();
                        json.writeEndObject();
                    }
                    json.writeEndArray();
                });
    }

    /** Writes {@code NAME.csv}: the divergence after each token, a column for each format. */
    public Path writeCsv(Path folder, String name) {
        StringBuilder text = new StringBuilder("position");
        rows.forEach(row -> text.append(',').append(Csv.field(row.kv())));
        text.append('\n');
        for (int i = 0; i <= logProbs.size(); i++) {
            text.append(i);
            for (Row row : rows) {
                text.append(
                        String.format(Locale.ROOT, ",%.4e", row.divergences().get(i)));
            }
            text.append('\n');
        }
        Path file = folder.resolve(name + ".csv");
        AtomicFile.write(file, text.toString().getBytes(StandardCharsets.UTF_8));
        return file;
    }

    /** Draws {@code NAME.png} and {@code NAME.svg}: the mean divergence of at most {@value #STRETCHES} stretches of equal length, over the middle of each; of a single format also the largest. */
    public List<Path> writeFigure(Path folder, String name) {
        int tokens = logProbs.size() + 1, stretch = Math.ceilDiv(tokens, rows.size() == 1 ? STRETCHES : 10);
        List<Lines.Line> lines = new ArrayList<>();
        for (Row row : rows) {
            List<Double> middles = new ArrayList<>(), means = new ArrayList<>(), largest = new ArrayList<>();
            for (int from = 0; from < tokens; from += stretch) {
                int to = Math.min(from + stretch, tokens);
                Statistics statistics = Statistics.of(row.divergences().subList(from, to));
                middles.add((from + to - 1) / 2.0);
                means.add(statistics.mean());
                largest.add(statistics.max());
            }
            lines.add(new Lines.Line(row.kv(), middles, means));
            if (rows.size() == 1 && stretch > 1) {
                lines.add(new Lines.Line("largest of " + stretch + " tokens", middles, largest));
            }
        }
        return new Lines(
                        "Divergence by position: " + evaluated.model() + ", " + options.attention() + " attention",
                        Axis.fromZero("tokens before"),
                        Axis.logarithmic("mean Kullback–Leibler divergence of " + stretch + " tokens, nats"),
                        lines)
                .draw(folder, name);
    }
}
