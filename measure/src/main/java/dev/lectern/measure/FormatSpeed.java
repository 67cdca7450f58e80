package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.SessionOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How fast tokens are decoded over each format of the cache, at some depths, beside an f16 cache in turns, so that a slower hour of the machine meets both.
 *
 * @param rows formats, and of each the depths
 */
public record FormatSpeed(Evaluated evaluated, List<Row> rows) {
    /** What the others are compared with. */
    private static final String BESIDE = "f16";

    /** The compiler needs that long to find out what matters. */
    private static final double WARM_UP_SECONDS = 3;

    /**
     * One format at one depth.
     *
     * @param seconds to decode the tokens, of each turn
     * @param beside the same over f16, just before
     */
    public record Row(
            String kv, int depth, int tokens, List<Double> seconds, List<Double> beside, double bytesPerToken) {
        public Row {
            seconds = List.copyOf(seconds);
            beside = List.copyOf(beside);
        }

        public double tokensPerSecond() {
            return tokens / Statistics.of(seconds).median();
        }

        /** Of f16's time over this one's, the median of the turns. */
        public double ratio() {
            List<Double> ratios = new ArrayList<>();
            for (int i = 0; i < seconds.size(); i++) {
                ratios.add(beside.get(i) / seconds.get(i));
            }
            return Statistics.of(ratios).median();
        }
    }

    public FormatSpeed {
        rows = List.copyOf(rows);
    }

    /**
     * Measures.
     *
     * @param depths ascending
     * @param tokens decoded in a turn
     * @param turns of each
     * @param progress in formats and depths
     */
    public static FormatSpeed run(
            BenchModel subject,
            ModelOptions modelOptions,
            List<String> kvs,
            List<Integer> depths,
            int tokens,
            int turns,
            Progress progress,
            Cancellation cancellation) {
        String digest = ModelDigest.of(subject, cancellation);
        List<Row> rows = new ArrayList<>();
        try (Model model = subject.open(modelOptions)) {
            int[] text = BenchText.tokens(model, Sequences.READ_BEFORE_COPIES + tokens);
            int done = 0;
            for (String kv : kvs) {
                SessionOptions options = SessionOptions.DEFAULT.withContext(depths.getLast() + tokens);
                try (Sequences tested = new Sequences(model, options.withKv(kv), 1, cancellation);
                        Sequences beside = new Sequences(model, options.withKv(BESIDE), 1, cancellation)) {
                    for (int depth : depths) {
                        rows.add(row(kv, depth, tested, beside, text, tokens, turns));
                        progress.report(++done, (long) kvs.size() * depths.size());
                    }
                }
            }
            Provenance provenance = Provenance.here("lectern eval reproduce --full kv-speed", modelOptions);
            return new FormatSpeed(new Evaluated(subject.name(), digest, model.threads(), provenance), rows);
        }
    }

    private static Row row(
            String kv, int depth, Sequences tested, Sequences beside, int[] text, int tokens, int turns) {
        Work work = new Work(Progress.NONE);
        for (Sequences sequences : List.of(tested, beside)) {
            sequences.fill(text, depth, SpeedOptions.Fill.REPEAT, work);
        }
        double bytes = (double) tested.bytes() / depth;
        int[] after = Arrays.copyOfRange(text, Sequences.READ_BEFORE_COPIES, Sequences.READ_BEFORE_COPIES + tokens);
        long began = System.nanoTime();
        do {
            turn(beside, after, work);
            turn(tested, after, work);
        } while ((System.nanoTime() - began) / 1e9 < WARM_UP_SECONDS);
        List<Double> seconds = new ArrayList<>(), besides = new ArrayList<>();
        for (int i = 0; i < turns; i++) {
            besides.add(turn(beside, after, work));
            seconds.add(turn(tested, after, work));
        }
        return new Row(kv, depth, tokens, seconds, besides, bytes);
    }

    private static double turn(Sequences sequences, int[] after, Work work) {
        int depth = sequences.length();
        double seconds = sequences.decode(after, work);
        sequences.truncate(depth);
        return seconds;
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
                        json.writeNumberProperty("samples", row.seconds().size());
                        json.writeEndObject();
                    }
                },
                json -> {});
    }
}
