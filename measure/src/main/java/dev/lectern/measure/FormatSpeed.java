package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import java.util.ArrayList;
import java.util.List;

/**
 * How fast tokens are decoded over each format of the cache, at some depths, beside an f16 cache. Each format has a process of its own, because code that has met several is compiled for all of them; before and after each comes one
 * with f16, so that a slower hour of the machine meets both.
 *
 * @param rows formats, and of each the depths
 */
public record FormatSpeed(Evaluated evaluated, List<Row> rows) {
    /** What the others are compared with. */
    private static final String BESIDE = "f16";

    private static final int RUNS = 5;

    /**
     * One format at one depth.
     *
     * @param beside tokens per second over f16, just before and just after
     */
    public record Row(String kv, int depth, int tokens, double tokensPerSecond, double beside, double bytesPerToken) {
        /** How many times faster than f16. */
        public double ratio() {
            return tokensPerSecond / beside;
        }
    }

    /** What one process measured at one depth. */
    private record Speed(int depth, double tokensPerSecond, double bytesPerToken) {}

    public FormatSpeed {
        rows = List.copyOf(rows);
    }

    /**
     * Measures.
     *
     * @param lectern the command that starts Lectern, without arguments
     * @param depths ascending
     * @param tokens decoded in a run
     * @param progress in processes
     */
    public static FormatSpeed run(
            BenchModel subject,
            ModelOptions modelOptions,
            List<String> lectern,
            List<String> kvs,
            List<Integer> depths,
            int tokens,
            Progress progress,
            Cancellation cancellation) {
        String digest = ModelDigest.of(subject, cancellation);
        int threads;
        try (Model model = subject.open(modelOptions)) {
            threads = model.threads();
        }
        SpeedProcess process = new SpeedProcess(lectern, subject, modelOptions, threads, tokens, RUNS);
        String depth = String.join(",", depths.stream().map(String::valueOf).toList());
        List<Row> rows = new ArrayList<>();
        List<Speed> before = speeds(process, BESIDE, depth, cancellation);
        int done = 0;
        for (String kv : kvs) {
            List<Speed> tested = speeds(process, kv, depth, cancellation),
                    after = speeds(process, BESIDE, depth, cancellation);
            for (int i = 0; i < tested.size(); i++) {
                Speed speed = tested.get(i);
                double beside = (before.get(i).tokensPerSecond + after.get(i).tokensPerSecond) / 2;
                rows.add(new Row(kv, speed.depth, tokens, speed.tokensPerSecond, beside, speed.bytesPerToken));
            }
            before = after;
            progress.report(++done, kvs.size());
        }
        Provenance provenance = Provenance.here("lectern eval reproduce --full kv-speed", modelOptions);
        return new FormatSpeed(new Evaluated(subject.name(), digest, threads, provenance), rows);
    }

    private static List<Speed> speeds(SpeedProcess process, String kv, String depths, Cancellation cancellation) {
        return process.results(cancellation, "--kv", kv, "--depth", depths).stream()
                .map(row -> new Speed(
                        Math.toIntExact(row.whole("depth")),
                        row.object("decode").number("tokensPerSecond"),
                        row.number("bytesPerToken")))
                .toList();
    }

    /** A result file. */
    public String toJson() {
        return evaluated.toJson(
                json -> {
                    for (Row row : rows) {
                        json.writeStartObject();
                        json.writeStringProperty("metric", "decode-speed");
                        json.writeStringProperty("kv", row.kv());
                        json.writeNumberProperty("depth", row.depth());
                        json.writeNumberProperty("tokens", row.tokens());
                        json.writeNumberProperty("tokensPerSecond", row.tokensPerSecond());
                        json.writeNumberProperty("ratioToF16", row.ratio());
                        json.writeNumberProperty("bytesPerToken", row.bytesPerToken());
                        json.writeNumberProperty("samples", RUNS);
                        json.writeEndObject();
                    }
                },
                json -> {});
    }
}
