package dev.lectern.measure;

import java.io.StringWriter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * What {@link SpeedBench} measured.
 *
 * @param results in the order of the options: formats, then methods of attention, then batches, then depths
 * @param fill how the depths were reached
 * @param threads that computed
 */
public record SpeedResults(List<SpeedResult> results, SpeedOptions.Fill fill, int threads, Machine machine) {
    private static final JsonFactory JSON = JsonFactory.builder().build();

    public SpeedResults {
        results = List.copyOf(results);
    }

    /** The object of {@code --json}, on one line. */
    public String toJson() {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), text)) {
            json.writeStartObject();
            json.writeArrayPropertyStart("results");
            for (SpeedResult result : results) {
                json.writeStartObject();
                result.writeMembers(json);
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeStringProperty("fill", fill.name().toLowerCase(Locale.ROOT));
            json.writeNumberProperty("threads", threads);
            json.writeName("machine");
            machine.write(json);
            json.writeEndObject();
        }
        return text.toString();
    }

    /** A table for each result that was profiled. */
    public Optional<String> profiles() {
        String tables = results.stream()
                .flatMap(result -> result.profile().stream()
                        .map(profile -> String.format(
                                Locale.ROOT,
                                "\n%s, depth %d, %s, %s, batch %d\n%s",
                                result.model(),
                                result.depth(),
                                result.kv(),
                                result.attention(),
                                result.batch(),
                                profile.table())))
                .collect(Collectors.joining());
        return tables.isEmpty() ? Optional.empty() : Optional.of(tables);
    }

    /** A table for a terminal. */
    public String table() {
        int wide = results.stream()
                .mapToInt(result -> result.attention().length())
                .reduce("attention".length(), Math::max);
        StringBuilder text = new StringBuilder();
        text.append(String.format(
                Locale.ROOT,
                "%-20s %8s %-6s %-" + wide + "s %5s  %-26s %-26s %15s %14s %12s %8s\n",
                "model",
                "depth",
                "kv",
                "attention",
                "batch",
                "prefill, tokens/s",
                "decode, tokens/s",
                "bytes per token",
                "read per token",
                "index bytes",
                "made, s"));
        for (SpeedResult result : results) {
            text.append(String.format(
                    Locale.ROOT,
                    "%-20s %8d %-6s %-" + wide + "s %5d  %-26s %-26s %15d%s\n",
                    result.model(),
                    result.depth(),
                    result.kv(),
                    result.attention(),
                    result.batch(),
                    rate(result.prefill()),
                    rate(result.decode()),
                    result.bytesPerToken(),
                    result.lookup().map(SpeedResults::lookup).orElse("")));
        }
        results.forEach(result -> result.lookup()
                .ifPresent(costs -> text.append(BoundedChoices.line(
                        result.model() + ", depth " + result.depth() + ", " + result.attention(), costs.bounded()))));
        text.append(String.format(
                Locale.ROOT,
                "%s of %d %s (slowest … fastest); %d %s; %s\n",
                results.getFirst().prefill().seconds().size() == 1 ? "The only one" : "The median",
                results.getFirst().prefill().seconds().size(),
                results.getFirst().prefill().seconds().size() == 1 ? "run" : "runs",
                threads,
                threads == 1 ? "thread" : "threads",
                machine.described()));
        if (fill == SpeedOptions.Fill.REPEAT) {
            text.append(
                    "Depths were reached by copying cached pages, each into memory of its own: the bytes to look through are"
                            + " those of the depth,\nbut the keys are not rotated for their places, so what the model says means"
                            + " nothing.\n");
        }
        return text.toString();
    }

    private static String lookup(SpeedResult.Lookup lookup) {
        SpeedResult.Index index = lookup.index();
        return String.format(
                Locale.ROOT,
                " %14.0f %12d %8s",
                lookup.bytesRead(),
                index.bytes(),
                index.bytes() == 0 ? "-" : digits(index.seconds()));
    }

    private static String rate(SpeedResult.Phase phase) {
        return phase.seconds().size() == 1
                ? digits(phase.tokensPerSecond())
                : digits(phase.tokensPerSecond()) + " (" + digits(phase.low()) + " … " + digits(phase.high()) + ")";
    }

    /** Three digits or more. */
    static String digits(double number) {
        return String.format(Locale.ROOT, number < 10 ? "%.2f" : number < 100 ? "%.1f" : "%.0f", number);
    }
}
