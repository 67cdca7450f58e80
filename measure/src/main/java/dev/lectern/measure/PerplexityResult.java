package dev.lectern.measure;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What {@link PerplexityEval} found.
 *
 * @param logProbs ln p of the second token and those after it
 */
public record PerplexityResult(Evaluated evaluated, TextOptions options, List<Double> logProbs) {
    /** Tokens whose mean is told together. */
    private static final int STRETCH = 256;

    public PerplexityResult {
        logProbs = List.copyOf(logProbs);
    }

    /** Of the whole text. */
    public double perplexity() {
        return perplexity(0, logProbs.size());
    }

    private double perplexity(int from, int to) {
        return Math.exp(-Statistics.of(logProbs.subList(from, to)).mean());
    }

    /** Lines for a terminal. */
    public String table() {
        return String.format(
                Locale.ROOT,
                "perplexity %.4f (%d tokens scored)\n%s, %s attention, %s cache, %s; %s\n",
                perplexity(),
                logProbs.size(),
                evaluated.model(),
                attention(),
                options.kv(),
                options.mode() == TextOptions.Mode.PREFILL ? "read as a prompt is" : "token by token",
                evaluated.machine().described());
    }

    /** The object of {@code --json}. */
    public String toJson() {
        return evaluated.toJson(
                json -> {
                    json.writeStartObject();
                    json.writeStringProperty("metric", "perplexity");
                    json.writeStringProperty("method", attention());
                    json.writeStringProperty("kv", options.kv());
                    json.writeStringProperty("mode", options.mode().name().toLowerCase(Locale.ROOT));
                    json.writeNumberProperty("length", logProbs.size() + 1);
                    json.writeNumberProperty("score", perplexity());
                    json.writeNumberProperty("samples", logProbs.size());
                    json.writeEndObject();
                },
                json -> {
                    json.writeArrayPropertyStart("stretches");
                    for (int from = 0; from < logProbs.size(); from += STRETCH) {
                        int to = Math.min(from + STRETCH, logProbs.size());
                        json.writeStartObject();
                        json.writeNumberProperty("from", from + 1);
                        json.writeNumberProperty("to", to);
                        json.writeNumberProperty("perplexity", perplexity(from, to));
                        json.writeEndObject();
                    }
                    json.writeEndArray();
                });
    }

    /** Writes {@code NAME.csv}: the perplexity of each stretch of {@value #STRETCH} tokens. */
    public Path writeCsv(Path folder, String name) {
        StringBuilder text = new StringBuilder("from,to,perplexity\n");
        for (int from = 0; from < logProbs.size(); from += STRETCH) {
            int to = Math.min(from + STRETCH, logProbs.size());
            text.append(String.format(Locale.ROOT, "%d,%d,%.6f\n", from + 1, to, perplexity(from, to)));
        }
        Path file = folder.resolve(name + ".csv");
        AtomicFile.write(file, text.toString().getBytes(StandardCharsets.UTF_8));
        return file;
    }

    /**
     * Draws {@code NAME.png} and {@code NAME.svg}: the perplexity of each stretch of {@value #STRETCH} tokens, over the middle of the stretch. What is left at the end, and would say more of chance
     * than of the model, is not drawn.
     */
    public List<Path> writeFigure(Path folder, String name) {
        List<Double> middles = new ArrayList<>(), perplexities = new ArrayList<>();
        int stretch = Math.min(STRETCH, logProbs.size());
        for (int from = 0; from + stretch <= logProbs.size(); from += stretch) {
            middles.add(from + (stretch + 1) / 2.0);
            perplexities.add(perplexity(from, from + stretch));
        }
        return new Lines(
                        "Perplexity by position: " + evaluated.model() + ", " + attention() + " attention, "
                                + options.kv() + " cache",
                        Axis.fromZero("tokens before"),
                        Axis.fromZero("perplexity of " + stretch + " tokens"),
                        List.of(new Lines.Line("perplexity", middles, perplexities)))
                .draw(folder, name);
    }

    /** What really ran: a text that is read in chunks goes through no method of decoding. */
    private String attention() {
        return options.mode() == TextOptions.Mode.PREFILL ? TextOptions.DEFAULT.attention() : options.attention();
    }
}
