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
 * @param divergences after each token of the text, in nats
 * @param sameTop1 the share of tokens after which the likeliest next one is the same
 * @param firstDifferent the first token in which greedy continuations differ; empty where all are the same
 */
public record DivergenceResult(
        Evaluated evaluated,
        TextOptions options,
        List<Double> divergences,
        double sameTop1,
        OptionalInt firstDifferent) {
    private static final double HIGH = 0.99;

    /** More would be too dense to read in a figure. */
    private static final int STRETCHES = 100;

    public DivergenceResult {
        divergences = List.copyOf(divergences);
    }

    public double mean() {
        return Statistics.of(divergences).mean();
    }

    /** What 99 of 100 do not exceed. */
    public double p99() {
        List<Double> sorted = divergences.stream().sorted().toList();
        return sorted.get((int) Math.ceil(HIGH * sorted.size()) - 1);
    }

    /** Lines for a terminal. */
    public String table() {
        String different = firstDifferent.isPresent()
                ? "greedy continuations differ from token " + firstDifferent.getAsInt() + " on"
                : "greedy continuations are the same";
        return String.format(
                Locale.ROOT,
                """
                mean KL %.3e, 99th percentile %.3e, same top-1 %.2f %% (%d tokens); %s
                %s, %s attention, %s cache, beside itself with dense attention and f32 cache; %s
                """,
                mean(),
                p99(),
                100 * sameTop1,
                divergences.size(),
                different,
                evaluated.model(),
                options.attention(),
                options.kv(),
                evaluated.machine().described());
    }

    /** The object of {@code --json}. */
    public String toJson() {
        return evaluated.toJson(
                json -> {
                    json.writeStartObject();
                    json.writeStringProperty("metric", "kld");
                    json.writeStringProperty("method", options.attention());
                    json.writeStringProperty("kv", options.kv());
                    json.writeNumberProperty("length", divergences.size());
                    json.writeNumberProperty("meanKl", mean());
                    json.writeNumberProperty("p99Kl", p99());
                    json.writeNumberProperty("sameTop1", sameTop1);
                    json.writeName("firstDifferent");
                    firstDifferent.ifPresentOrElse(json::writeNumber, json::writeNull);
                    json.writeNumberProperty("samples", divergences.size());
                    json.writeEndObject();
                },
                json -> {});
    }

    /** Writes {@code NAME.csv}: the divergence after each token. */
    public Path writeCsv(Path folder, String name) {
        StringBuilder text = new StringBuilder("position,kl\n");
        for (int i = 0; i < divergences.size(); i++) {
            text.append(String.format(Locale.ROOT, "%d,%.6e\n", i, divergences.get(i)));
        }
        Path file = folder.resolve(name + ".csv");
        AtomicFile.write(file, text.toString().getBytes(StandardCharsets.UTF_8));
        return file;
    }

    /** Draws {@code NAME.png} and {@code NAME.svg}: mean and largest divergence of at most {@value #STRETCHES} stretches of equal length, over the middle of each. */
    public List<Path> writeFigure(Path folder, String name) {
        int stretch = Math.ceilDiv(divergences.size(), STRETCHES);
        List<Double> middles = new ArrayList<>(), means = new ArrayList<>(), largest = new ArrayList<>();
        for (int from = 0; from < divergences.size(); from += stretch) {
            int to = Math.min(from + stretch, divergences.size());
            Statistics statistics = Statistics.of(divergences.subList(from, to));
            middles.add((from + to - 1) / 2.0);
            means.add(statistics.mean());
            largest.add(statistics.max());
        }
        List<Lines.Line> lines = stretch == 1
                ? List.of(new Lines.Line("divergence", middles, means))
                : List.of(
                        new Lines.Line("mean of " + stretch + " tokens", middles, means),
                        new Lines.Line("largest of them", middles, largest));
        return new Lines(
                        "Divergence by position: " + evaluated.model() + ", " + options.attention() + " attention, "
                                + options.kv() + " cache",
                        Axis.fromZero("tokens before"),
                        Axis.logarithmic("Kullback–Leibler divergence, nats"),
                        lines)
                .write(folder, name);
    }
}
