package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.SessionOptions;
import dev.lectern.attention.DecodeAttentions;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;
import tools.jackson.core.JsonGenerator;

/**
 * How fast tokens are decoded by each method of attention at one depth, for some numbers of sequences at a time, over an f16 cache. Each method has a process of its own, because code that has met several
 * is compiled for all of them. The first method comes again after the others, so that a slower hour of the machine shows.
 *
 * <p>What does not fit into the memory that is given, or would take too long by what less of it took, is not tried, and it is said why.
 *
 * @param rows in the order of {@link Plan#asked}; fewer while it is being measured
 */
public record MethodSpeed(Evaluated evaluated, Plan plan, List<Row> rows) {
    /** In place of a number of sequences: as many as fit. */
    public static final int MOST = 0;

    private static final String KV = "f16";
    private static final int MOST_SEQUENCES = 1024;

    /**
     * What is to be measured.
     *
     * @param depth tokens that are cached
     * @param batches sequences that are decoded together; {@link #MOST} for as many as fit, of each method
     * @param methods of attention; the first is what the others are compared with
     * @param tokens decoded in a run
     * @param memory bytes for caches, indexes and scratch; weights, which are mapped, come on top
     * @param patience seconds that a process may take, by what less took
     */
    public record Plan(
            int depth,
            List<Integer> batches,
            List<String> methods,
            int tokens,
            int runs,
            long memory,
            double patience) {
        public Plan {
            batches = List.copyOf(batches);
            methods = methods.stream()
                    .map(method -> DecodeAttentions.named(method).name())
                    .toList();
        }

        /** The processes in their order. */
        List<Asked> asked() {
            List<Asked> asked = new ArrayList<>();
            for (int batch : batches) {
                methods.forEach(method -> asked.add(new Asked(method, batch)));
                asked.add(new Asked(methods.getFirst(), batch));
            }
            return asked;
        }

        private int context() {
            return Math.addExact(depth, SpeedProcess.PROMPT_TOKENS + tokens);
        }
    }

    /**
     * One process.
     *
     * @param attention the method with its options
     * @param together sequences, or {@link #MOST}
     */
    public record Asked(String attention, int together) {}

    /**
     * What became of it.
     *
     * @param batch sequences; as many as would have been, where nothing was measured
     * @param speed empty where it was not measured
     * @param leftOut why it was not; empty where it was
     */
    public record Row(Asked asked, int batch, Optional<Speed> speed, String leftOut) {}

    /**
     * What one process measured.
     *
     * @param tokensPerSecond of all sequences together, the median run's
     * @param attention milliseconds in attention, for each token
     * @param all milliseconds of the whole step, for each token
     * @param bytesPerToken that the cache takes
     * @param bytesRead of cache and index, by attention for each decoded token
     * @param indexBytes of one sequence
     * @param indexSeconds that making it takes, of one sequence
     * @param seconds of the whole process
     */
    public record Speed(
            double tokensPerSecond,
            double attention,
            double all,
            double bytesPerToken,
            double bytesRead,
            long indexBytes,
            double indexSeconds,
            double seconds) {}

    public MethodSpeed {
        rows = List.copyOf(rows);
    }

    /**
     * Measures.
     *
     * @param modelOptions where it names no scaling of positions, and the model does not hold the depth, its positions are stretched linearly
     * @param lectern the command that starts Lectern, without arguments
     * @param command that gives the result
     * @param known results of the model; what the same commit measured of this plan on this machine is not measured again, and those of this machine tell how long things take
     * @param keep told after each process
     * @param progress in processes
     */
    public static MethodSpeed run(
            BenchModel subject,
            ModelOptions modelOptions,
            List<String> lectern,
            String command,
            Plan plan,
            List<MethodSpeed> known,
            Consumer<MethodSpeed> keep,
            Progress progress,
            Cancellation cancellation) {
        String digest = ModelDigest.of(subject, cancellation);
        ModelOptions options = subject.stretched(modelOptions, plan.context());
        List<Asked> asked = plan.asked();
        try (Model model = subject.open(options)) {
            Evaluated evaluated =
                    new Evaluated(subject.name(), digest, model.threads(), Provenance.here(command, modelOptions));
            List<Row> rows = new ArrayList<>(known.stream()
                    .filter(other -> other.plan.equals(plan) && other.evaluated.isLike(evaluated))
                    .findFirst()
                    .map(MethodSpeed::rows)
                    .orElse(List.of()));
            List<MethodSpeed> here = known.stream()
                    .filter(other -> other.evaluated.threads() == evaluated.threads()
                            && other.evaluated.machine().equals(evaluated.machine()))
                    .toList();
            SpeedProcess process = new SpeedProcess(lectern, subject, options, model.threads(), plan.tokens, plan.runs);
            for (int done = 0; done < asked.size(); done++) {
                // What did not fit, or would have taken too long, is tried again: memory and times may be others now.
                if (done < rows.size() && rows.get(done).speed.isPresent()) {
                    continue;
                }
                cancellation.check();
                progress.report(done, asked.size());
                Row row = row(asked.get(done), model, plan, process, rows, here, cancellation);
                if (done < rows.size()) {
                    rows.set(done, row);
                } else {
                    rows.add(row);
                }
                keep.accept(new MethodSpeed(evaluated, plan, rows));
            }
            progress.report(asked.size(), asked.size());
            return new MethodSpeed(evaluated, plan, rows);
        }
    }

    private static Row row(
            Asked asked,
            Model model,
            Plan plan,
            SpeedProcess process,
            List<Row> rows,
            List<MethodSpeed> known,
            Cancellation cancellation) {
        SessionOptions session =
                SessionOptions.DEFAULT.withKv(KV).withAttention(asked.attention).withContext(plan.context());
        int fit = Sequences.mostThatFit(model, session, MOST_SEQUENCES, plan.memory);
        int batch = asked.together == MOST ? Math.max(1, fit) : asked.together;
        long needed = Sequences.bytes(model, session, batch),
                available = model.estimate(session, 1).available();
        if (batch > fit || needed > available) {
            return new Row(asked, batch, Optional.empty(), doesNotFit(needed, batch > fit ? plan.memory : available));
        }
        Optional<Speed> same = rows.stream()
                .filter(row -> row.asked.together != asked.together
                        && row.asked.attention.equals(asked.attention)
                        && row.batch == batch)
                .flatMap(row -> row.speed.stream())
                .findFirst();
        if (same.isPresent()) {
            return new Row(asked, batch, same, "");
        }
        double seconds = foretold(asked.attention, (long) plan.depth * batch, plan.depth, rows, known);
        if (seconds > plan.patience) {
            return new Row(
                    asked,
                    batch,
                    Optional.empty(),
                    String.format(Locale.ROOT, "not measured: it would take about %.0f minutes", seconds / 60));
        }
        return new Row(asked, batch, Optional.of(measured(asked, batch, plan, process, cancellation)), "");
    }

    private static String doesNotFit(long needed, long memory) {
        return String.format(Locale.ROOT, "does not fit: %.1f GB, of %.1f GB", needed / 1e9, memory / 1e9);
    }

    /** Seconds that a process will take, by the one that came nearest: more tokens take as much longer. 0 where nothing is known. */
    private static double foretold(String attention, long tokens, int depth, List<Row> rows, List<MethodSpeed> known) {
        record Took(long tokens, double seconds) {}
        List<Took> took = new ArrayList<>();
        rows.stream()
                .filter(row -> row.asked.attention.equals(attention))
                .forEach(row ->
                        row.speed.ifPresent(speed -> took.add(new Took((long) depth * row.batch, speed.seconds))));
        for (MethodSpeed other : known) {
            other.rows.stream()
                    .filter(row -> row.asked.attention.equals(attention))
                    .forEach(row -> row.speed.ifPresent(
                            speed -> took.add(new Took((long) other.plan.depth * row.batch, speed.seconds))));
        }
        return took.stream()
                .filter(one -> one.tokens <= tokens)
                .max(Comparator.comparingLong(Took::tokens))
                .map(one -> one.seconds * tokens / one.tokens)
                .orElse(0.0);
    }

    private static Speed measured(Asked asked, int batch, Plan plan, SpeedProcess process, Cancellation cancellation) {
        long began = System.nanoTime();
        JsonFields row = process.results(
                        cancellation,
                        "--profile",
                        "--kv",
                        KV,
                        "--attention",
                        asked.attention,
                        "--depth",
                        Integer.toString(plan.depth),
                        "--batch",
                        Integer.toString(batch))
                .getFirst();
        JsonFields index = row.object("index");
        JsonFields step = row.object("profile").object("decode").object("millisecondsPerToken");
        return new Speed(
                row.object("decode").number("tokensPerSecond"),
                step.number("attention"),
                step.number("all"),
                row.number("bytesPerToken"),
                row.number("bytesRead"),
                index.whole("bytes"),
                index.number("seconds"),
                (System.nanoTime() - began) / 1e9);
    }

    /** A result file. */
    public String toJson() {
        return evaluated.toJson(json -> rows.forEach(row -> write(json, row)), json -> {
            json.writeNumberProperty("depth", plan.depth);
            json.writeArrayPropertyStart("batches");
            plan.batches.forEach(json::writeNumber);
            json.writeEndArray();
            json.writeArrayPropertyStart("methods");
            plan.methods.forEach(json::writeString);
            json.writeEndArray();
            json.writeNumberProperty("tokens", plan.tokens);
            json.writeNumberProperty("runs", plan.runs);
            json.writeNumberProperty("memory", plan.memory);
            json.writeNumberProperty("patience", plan.patience);
        });
    }

    private static void write(JsonGenerator json, Row row) {
        json.writeStartObject();
        json.writeStringProperty("metric", "method-speed");
        json.writeStringProperty("method", row.asked.attention);
        json.writeStringProperty("kv", KV);
        json.writeNumberProperty("together", row.asked.together);
        json.writeNumberProperty("batch", row.batch);
        row.speed.ifPresentOrElse(
                speed -> {
                    json.writeNumberProperty("tokensPerSecond", speed.tokensPerSecond);
                    json.writeNumberProperty("attentionMilliseconds", speed.attention);
                    json.writeNumberProperty("milliseconds", speed.all);
                    json.writeNumberProperty("bytesPerToken", speed.bytesPerToken);
                    json.writeNumberProperty("bytesRead", speed.bytesRead);
                    json.writeNumberProperty("indexBytes", speed.indexBytes);
                    json.writeNumberProperty("indexSeconds", speed.indexSeconds);
                    json.writeNumberProperty("seconds", speed.seconds);
                },
                () -> json.writeStringProperty("leftOut", row.leftOut));
        json.writeEndObject();
    }

    /**
     * Reads a result file.
     *
     * @throws IllegalArgumentException if it is another
     */
    public static MethodSpeed read(JsonFields json) {
        Plan plan = new Plan(
                Math.toIntExact(json.whole("depth")),
                json.integers("batches"),
                json.texts("methods"),
                Math.toIntExact(json.whole("tokens")),
                Math.toIntExact(json.whole("runs")),
                json.whole("memory"),
                json.number("patience"));
        Evaluated evaluated = new Evaluated(
                json.text("model"), json.text("sha256"), Math.toIntExact(json.whole("threads")), Provenance.read(json));
        return new MethodSpeed(
                evaluated,
                plan,
                json.objects("results").stream().map(MethodSpeed::row).toList());
    }

    private static Row row(JsonFields json) {
        Optional<Speed> speed = json.has("leftOut")
                ? Optional.empty()
                : Optional.of(new Speed(
                        json.number("tokensPerSecond"),
                        json.number("attentionMilliseconds"),
                        json.number("milliseconds"),
                        json.number("bytesPerToken"),
                        json.number("bytesRead"),
                        json.whole("indexBytes"),
                        json.number("indexSeconds"),
                        json.number("seconds")));
        return new Row(
                new Asked(json.text("method"), Math.toIntExact(json.whole("together"))),
                Math.toIntExact(json.whole("batch")),
                speed,
                json.optionalText("leftOut").orElse(""));
    }

    /** Rows that are not there yet. */
    public int missing() {
        return plan.asked().size() - rows.size();
    }

    /** What the first method did with so many sequences, the mean of before and after; NaN where it was not measured. */
    private double first(int together, ToDoubleFunction<Speed> value) {
        return rows.stream()
                .filter(row -> row.asked.equals(new Asked(plan.methods.getFirst(), together)))
                .flatMap(row -> row.speed.stream())
                .mapToDouble(value)
                .average()
                .orElse(Double.NaN);
    }

    /** How many times as many tokens a row decodes as the first method does, in a second; NaN where one of them was not measured. */
    public double speedUp(Row row) {
        return row.speed.map(Speed::tokensPerSecond).orElse(Double.NaN)
                / first(row.asked.together, Speed::tokensPerSecond);
    }

    /** How many times as long the first method attends for a token; NaN where one of them was not measured. */
    public double attentionSpeedUp(Row row) {
        return first(row.asked.together, Speed::attention)
                / row.speed.map(Speed::attention).orElse(Double.NaN);
    }

    /** Writes {@code NAME.csv}, a line for each process. */
    public Path writeCsv(Path folder, String name) {
        List<String> lines = new ArrayList<>();
        lines.add(
                "method,kv,depth,together,batch,tokensPerSecond,speedUp,attentionMilliseconds,attentionSpeedUp,milliseconds,bytesPerToken,bytesRead,indexBytes,indexSeconds,leftOut");
        for (Row row : rows) {
            String numbers = row.speed
                    .map(speed -> String.format(
                            Locale.ROOT,
                            "%.4f,%.4f,%.4f,%.4f,%.4f,%.0f,%.0f,%d,%.4f,",
                            speed.tokensPerSecond,
                            speedUp(row),
                            speed.attention,
                            attentionSpeedUp(row),
                            speed.all,
                            speed.bytesPerToken,
                            speed.bytesRead,
                            speed.indexBytes,
                            speed.indexSeconds))
                    .orElse(",,,,,,,,," + Csv.field(row.leftOut));
            lines.add(String.format(
                    Locale.ROOT,
                    "%s,%s,%d,%d,%d,%s",
                    Csv.field(row.asked.attention),
                    KV,
                    plan.depth,
                    row.asked.together,
                    row.batch,
                    numbers));
        }
        Path file = folder.resolve(name + ".csv");
        AtomicFile.write(file, (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8));
        return file;
    }
}
