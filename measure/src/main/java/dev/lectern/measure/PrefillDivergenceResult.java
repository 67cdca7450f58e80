package dev.lectern.measure;

import java.util.List;
import java.util.Locale;

/**
 * What {@link PrefillDivergenceEval} found.
 *
 * @param rows lengths ascending; of each, the tasks in their order, and of each the ways of reading in theirs
 */
public record PrefillDivergenceResult(Evaluated evaluated, TaskOptions options, List<Row> rows) {
    private static final double HIGH = 0.99;

    /**
     * A way of reading in a task.
     *
     * @param divergences in nats, after each token that was told, all samples together
     * @param sameTop1 the share of them after which the likeliest next token is the same
     */
    public record Row(String task, String prefill, int length, List<Double> divergences, double sameTop1) {
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

    public PrefillDivergenceResult {
        rows = List.copyOf(rows);
    }

    /** Lines for a terminal. */
    public String table() {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "%-16s %7s %9s %9s %10s  %s\n",
                "task",
                "length",
                "mean KL",
                "p99 KL",
                "same top-1",
                "prefill"));
        for (Row row : rows) {
            text.append(String.format(
                    Locale.ROOT,
                    "%-16s %7d %9.2e %9.2e %8.1f %%  %s\n",
                    row.task(),
                    row.length(),
                    row.mean(),
                    row.p99(),
                    100 * row.sameTop1(),
                    row.prefill()));
        }
        return text.append(String.format(
                        Locale.ROOT,
                        "%s, %s, %d samples of each task, seed %d, beside exact reading; %s\n",
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
                        json.writeStringProperty("prefill", row.prefill());
                        json.writeNumberProperty("length", row.length());
                        json.writeNumberProperty("meanKl", row.mean());
                        json.writeNumberProperty("p99Kl", row.p99());
                        json.writeNumberProperty("sameTop1", row.sameTop1());
                        json.writeNumberProperty("samples", row.divergences().size());
                        json.writeEndObject();
                    }
                },
                json -> {
                    json.writeStringProperty("haystack", options.haystack().name());
                    json.writeNumberProperty("seed", options.seed());
                });
    }
}
