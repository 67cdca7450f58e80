package dev.lectern.measure;

import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import jdk.jfr.consumer.RecordedEvent;
import tools.jackson.core.JsonGenerator;

/**
 * Where the time of steps went.
 *
 * @param prefill of the steps that read several tokens of a sequence together
 * @param decode of the steps that take one token of each sequence
 */
public record StepProfile(Times prefill, Times decode) {
    /** The parts as {@code dev.lectern.Step} events name them, and as people do. */
    private static final Map<String, String> PARTS = new LinkedHashMap<>();

    static {
        PARTS.put("embedding", "embedding");
        PARTS.put("norms", "norms, residuals");
        PARTS.put("queryKeyValue", "q, k, v products");
        PARTS.put("rotating", "rotating, storing");
        PARTS.put("attention", "attention");
        PARTS.put("output", "output product");
        PARTS.put("up", "gate, up products");
        PARTS.put("activation", "activation");
        PARTS.put("down", "down product");
        PARTS.put("logits", "vocabulary product");
    }

    /**
     * Times of one kind of step.
     *
     * @param steps how many
     * @param tokens in all of them
     * @param parts seconds of each part, by the names of the events
     * @param other seconds that no part accounts for: within steps, and between one and the next of those that decode
     * @param waiting seconds of all these in which the calling thread waited for others to finish
     */
    public record Times(int steps, long tokens, Map<String, Double> parts, double other, double waiting) {
        /** Seconds in all. */
        public double all() {
            return other
                    + parts.values().stream().mapToDouble(Double::doubleValue).sum();
        }

        /** The object of {@code --json}. */
        Map<String, Object> object() {
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("tokens", tokens);
            object.put("steps", steps);
            Map<String, Object> perToken = new LinkedHashMap<>();
            parts.forEach((name, seconds) -> perToken.put(name, milliseconds(seconds)));
            perToken.put("other", milliseconds(other));
            perToken.put("all", milliseconds(all()));
            perToken.put("waiting", milliseconds(waiting));
            object.put("millisecondsPerToken", perToken);
            return object;
        }

        private double milliseconds(double seconds) {
            return tokens == 0 ? 0 : Math.round(1e6 * seconds / tokens) / 1e3;
        }
    }

    /** Adds up the steps of one kind. */
    private static final class Sum {
        private final Map<String, Double> parts = new LinkedHashMap<>();
        private int steps;
        private long tokens;
        private double other;
        private double waiting;

        void add(RecordedEvent step) {
            steps++;
            tokens += step.getInt("singles") + step.getInt("chunked");
            waiting += seconds(step.getDuration("waiting"));
            double left = seconds(step.getDuration());
            for (String part : PARTS.keySet()) {
                double seconds = seconds(step.getDuration(part));
                parts.merge(part, seconds, Double::sum);
                left -= seconds;
            }
            other += Math.max(0, left);
        }

        Times times() {
            return new Times(steps, tokens, parts, other, waiting);
        }
    }

    /** @param events of a recording, in any order; those that are not steps do not count */
    static StepProfile of(List<RecordedEvent> events) {
        Sum prefill = new Sum(), decode = new Sum();
        Instant decoded = Instant.MAX; // the end of the step before, if it decoded
        for (RecordedEvent step : events.stream()
                .filter(event -> event.getEventType().getName().equals("dev.lectern.Step"))
                .sorted(Comparator.comparing(RecordedEvent::getStartTime))
                .toList()) {
            if (step.getInt("chunked") > 0) {
                prefill.add(step);
                decoded = Instant.MAX;
            } else {
                decode.add(step);
                if (decoded.isBefore(step.getStartTime())) {
                    decode.other += seconds(Duration.between(decoded, step.getStartTime()));
                }
                decoded = step.getEndTime();
            }
        }
        return new StepProfile(prefill.times(), decode.times());
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }

    void write(JsonGenerator json) {
        write(json, object());
    }

    private static void write(JsonGenerator json, Map<?, ?> object) {
        json.writeStartObject();
        object.forEach((name, value) -> {
            json.writeName(String.valueOf(name));
            switch (value) {
                case Map<?, ?> members -> write(json, members);
                case Number number -> json.writeNumber(number.doubleValue());
                default -> throw new AssertionError(value);
            }
        });
        json.writeEndObject();
    }

    /** The object of {@code --json}: milliseconds per token of each part, for prefill and decode apart. */
    public Map<String, Object> object() {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("prefill", prefill.object());
        object.put("decode", decode.object());
        return object;
    }

    /** The rows of a table in their order: what each is called, and its seconds. */
    static Map<String, ToDoubleFunction<Times>> rows() {
        Map<String, ToDoubleFunction<Times>> rows = new LinkedHashMap<>();
        PARTS.forEach((name, words) -> rows.put(words, times -> times.parts().getOrDefault(name, 0.0)));
        rows.put("other", Times::other);
        rows.put("all", Times::all);
        rows.put("  of it waiting for threads", Times::waiting);
        return rows;
    }

    /** A table for a terminal. */
    public String table() {
        StringBuilder text = new StringBuilder();
        text.append(String.format(
                Locale.ROOT,
                "%-26s %24s %24s%n",
                "where the time went",
                "prefill, " + prefill.tokens() + " tokens",
                "decode, " + decode.tokens() + " tokens"));
        text.append(String.format(
                Locale.ROOT, "%-26s %12s %11s %12s %11s%n", "", "ms/token", "share", "ms/token", "share"));
        rows().forEach((words, seconds) -> text.append(row(words, seconds)));
        return text.toString().replace(System.lineSeparator(), "\n");
    }

    private String row(String words, ToDoubleFunction<Times> seconds) {
        return String.format(Locale.ROOT, "%-26s %s %s%n", words, cells(prefill, seconds), cells(decode, seconds));
    }

    private static String cells(Times times, ToDoubleFunction<Times> seconds) {
        if (times.steps() == 0) {
            return String.format(Locale.ROOT, "%12s %11s", "", "");
        }
        double part = seconds.applyAsDouble(times);
        return String.format(
                Locale.ROOT, "%12.3f %9.1f %%", 1e3 * part / times.tokens(), 100 * part / Math.max(1e-12, times.all()));
    }
}
