package dev.lectern.measure;

import dev.lectern.json.Json;
import dev.lectern.json.MalformedJsonException;
import java.io.StringWriter;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.PrettyPrinter;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.DefaultPrettyPrinter;

/**
 * What {@link KvCacheBench} measured.
 *
 * @param setting what was measured
 * @param provenance of all runs; its date is when the last one ended
 * @param runsWanted pairs of runs that were asked for
 * @param withCache of each run with the cache, the prompt's reading included
 * @param withoutCache of each run without it, as many
 * @param agreement whether both ways chose the same tokens
 * @param kvBytes that the cache held in the end
 * @param curve how the seconds grew
 * @param load the highest load of the system, over a minute, at the end of a run, the bench's own threads included: above the machine's cores,
 *     other programs were working too and the times are too long; NaN where the system does not tell
 */
public record KvCacheResult(
        Setting setting,
        Provenance provenance,
        int runsWanted,
        Times withCache,
        Times withoutCache,
        Agreement agreement,
        long kvBytes,
        Curve curve,
        double load) {
    private static final JsonFactory JSON = JsonFactory.builder().build();

    /**
     * What is measured: only runs of equal settings, by the same commit on the same machine, belong together.
     *
     * @param sha256 of the model, where it is known
     * @param modelBytes size of the model's weights
     * @param promptTokens tokens that the prompt is
     * @param threads that really compute
     */
    public record Setting(
            String model,
            Optional<String> sha256,
            long modelBytes,
            String prompt,
            int promptTokens,
            int tokens,
            String kv,
            int threads) {
        /** The command that measures it. */
        String command(int runs) {
            return "lectern bench kv-cache --model " + model + " --tokens " + tokens + " --runs " + runs + " --threads "
                    + threads + " --kv " + kv
                    + (prompt.equals(KvCacheOptions.PROMPT) ? "" : " --prompt '" + prompt.replace("'", "'\\''") + "'");
        }
    }

    /**
     * How long runs took.
     *
     * @param seconds of wall-clock time, one entry per run
     * @param cpuSeconds of processor time that all threads of the process used, one entry per run. With one thread, and as far as memory and caches
     *     are not shared, it does not grow when other programs take the processors away; several threads also wait for each other while they
     *     use it. 0 where the system does not tell
     */
    public record Times(List<Double> seconds, List<Double> cpuSeconds) {
        public Times {
            seconds = List.copyOf(seconds);
            cpuSeconds = List.copyOf(cpuSeconds);
            if (seconds.size() != cpuSeconds.size()) {
                throw new IllegalArgumentException(
                        seconds.size() + " wall-clock times, " + cpuSeconds.size() + " CPU times");
            }
        }

        public int runs() {
            return seconds.size();
        }

        public Statistics wallClock() {
            return Statistics.of(seconds);
        }

        public Statistics cpu() {
            return Statistics.of(cpuSeconds);
        }

        /** The same with one run more. */
        Times with(double moreSeconds, double moreCpuSeconds) {
            List<Double> wall = new ArrayList<>(seconds);
            wall.add(moreSeconds);
            List<Double> cpu = new ArrayList<>(cpuSeconds);
            cpu.add(moreCpuSeconds);
            return new Times(wall, cpu);
        }
    }

    /**
     * How well both ways agree. Reading a text and decoding it sum in different orders, so the last bits of their logits differ; a tie within
     * these bits may be broken either way.
     *
     * @param positions of the generated tokens, from 0, where the likeliest token is not the same: ties; expected to be none
     * @param largest difference of the chosen tokens' logits, relative to the largest logit of the step
     * @param allowed what rounding explains; the bench fails above it
     */
    public record Agreement(List<Integer> positions, double largest, double allowed) {
        public Agreement {
            positions = List.copyOf(positions);
        }

        public boolean sameTokens() {
            return positions.isEmpty();
        }
    }

    /**
     * Mean seconds over the finished runs, at some numbers of generated tokens.
     *
     * @param tokens generated so far, ascending
     * @param withCache seconds from the beginning, one per entry of tokens
     * @param withoutCache likewise
     */
    public record Curve(List<Integer> tokens, List<Double> withCache, List<Double> withoutCache) {
        public Curve {
            tokens = List.copyOf(tokens);
            withCache = List.copyOf(withCache);
            withoutCache = List.copyOf(withoutCache);
        }
    }

    public KvCacheResult {
        if (withCache.runs() == 0 || withCache.runs() != withoutCache.runs()) {
            throw new IllegalArgumentException(
                    withCache.runs() + " runs with the cache and " + withoutCache.runs() + " without it");
        }
    }

    /** Where it was measured. */
    public Machine machine() {
        return provenance.machine();
    }

    /** Whether other programs were working too, as far as the system tells. */
    public boolean busy() {
        // A bench that has all cores for itself brings the load to their number, and rounding a little above.
        return load > machine().cores() + 0.5;
    }

    /** How many times longer it takes without the cache: the quotient of the means. */
    public double ratio() {
        return withoutCache.wallClock().mean() / withCache.wallClock().mean();
    }

    /** The same of processor time; NaN where the system does not tell it. */
    public double cpuRatio() {
        double with = withCache.cpu().mean();
        return with > 0 ? withoutCache.cpu().mean() / with : Double.NaN;
    }

    /** The quotients of each run without the cache and the run with it just before. */
    public List<Double> ratios() {
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < withCache.runs(); i++) {
            ratios.add(withoutCache.seconds().get(i) / withCache.seconds().get(i));
        }
        return ratios;
    }

    /** The name of its files, without ending: {@code kv-cache-gpt2-shape-200}. */
    public String name() {
        return name(setting);
    }

    static String name(Setting setting) {
        String model = AtomicFile.plain(setting.model());
        return "kv-cache-" + model + "-" + setting.tokens();
    }

    /** The object of {@code --json}, on one line. */
    public String toJson() {
        return json(ObjectWriteContext.empty());
    }

    /** The same for a file that people read too. */
    String toIndentedJson() {
        return json(new ObjectWriteContext.Base() {
                    @Override
                    public PrettyPrinter getPrettyPrinter() {
                        return new DefaultPrettyPrinter();
                    }
                })
                + "\n";
    }

    private String json(ObjectWriteContext context) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(context, text)) {
            json.writeStartObject();
            json.writeArrayPropertyStart("results");
            write(json);
            json.writeEndArray();
            provenance.write(json);
            json.writeEndObject();
        }
        return text.toString();
    }

    private void write(JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("model", setting.model());
        json.writeName("sha256");
        setting.sha256().ifPresentOrElse(json::writeString, json::writeNull);
        json.writeNumberProperty("modelBytes", setting.modelBytes());
        json.writeStringProperty("prompt", setting.prompt());
        json.writeNumberProperty("promptTokens", setting.promptTokens());
        json.writeNumberProperty("tokens", setting.tokens());
        json.writeStringProperty("kv", setting.kv());
        json.writeNumberProperty("threads", setting.threads());
        json.writeNumberProperty("runsWanted", runsWanted);
        writeTimes(json, "withCache", withCache);
        writeTimes(json, "withoutCache", withoutCache);
        json.writeNumberProperty("ratio", ratio());
        writeNumbers(json, "ratios", ratios());
        writeOptional(json, "cpuRatio", cpuRatio());
        json.writeBooleanProperty("sameTokens", agreement.sameTokens());
        json.writeObjectPropertyStart("agreement");
        json.writeArrayPropertyStart("positions");
        agreement.positions().forEach(json::writeNumber);
        json.writeEndArray();
        json.writeNumberProperty("largest", agreement.largest());
        json.writeNumberProperty("allowed", agreement.allowed());
        json.writeEndObject();
        json.writeNumberProperty("kvBytes", kvBytes);
        writeOptional(json, "load", load);
        json.writeObjectPropertyStart("curve");
        json.writeArrayPropertyStart("tokens");
        curve.tokens().forEach(json::writeNumber);
        json.writeEndArray();
        writeNumbers(json, "withCache", curve.withCache());
        writeNumbers(json, "withoutCache", curve.withoutCache());
        json.writeEndObject();
        json.writeEndObject();
    }

    private void writeTimes(JsonGenerator json, String name, Times times) {
        Statistics statistics = times.wallClock();
        json.writeObjectPropertyStart(name);
        writeNumbers(json, "seconds", times.seconds());
        writeNumbers(json, "cpuSeconds", times.cpuSeconds());
        json.writeNumberProperty("mean", statistics.mean());
        writeOptional(json, "stddev", statistics.stddev());
        json.writeNumberProperty("median", statistics.median());
        json.writeNumberProperty("tokensPerSecond", setting.tokens() / statistics.mean());
        json.writeEndObject();
    }

    private static void writeOptional(JsonGenerator json, String name, double number) {
        json.writeName(name);
        if (Double.isNaN(number)) {
            json.writeNull();
        } else {
            json.writeNumber(number);
        }
    }

    private static void writeNumbers(JsonGenerator json, String name, List<Double> numbers) {
        json.writeArrayPropertyStart(name);
        numbers.forEach(json::writeNumber);
        json.writeEndArray();
    }

    /** Reads what {@link #toJson()} wrote, and files of before results named their commit; empty where the bytes are something else. */
    static Optional<KvCacheResult> fromJson(byte[] json) {
        try {
            JsonFields all = JsonFields.of(Json.parse(json));
            List<JsonFields> results = all.objects("results");
            return results.size() == 1 ? Optional.of(read(results.getFirst(), all)) : Optional.empty();
        } catch (MalformedJsonException | IllegalArgumentException | ArithmeticException | DateTimeException e) {
            return Optional.empty();
        }
    }

    private static KvCacheResult read(JsonFields json, JsonFields all) {
        Setting setting = new Setting(
                json.text("model"),
                json.optionalText("sha256"),
                json.whole("modelBytes"),
                json.text("prompt"),
                Math.toIntExact(json.whole("promptTokens")),
                Math.toIntExact(json.whole("tokens")),
                json.text("kv"),
                Math.toIntExact(json.whole("threads")));
        int runsWanted = Math.toIntExact(json.whole("runsWanted"));
        JsonFields agreement = json.object("agreement");
        JsonFields curve = json.object("curve");
        return new KvCacheResult(
                setting,
                all.has("commit")
                        ? Provenance.read(all)
                        : new Provenance(
                                setting.command(runsWanted),
                                Provenance.UNKNOWN,
                                Machine.read(all.object("machine")),
                                Instant.parse(json.text("date"))),
                runsWanted,
                times(json.object("withCache")),
                times(json.object("withoutCache")),
                new Agreement(
                        agreement.integers("positions"), agreement.number("largest"), agreement.number("allowed")),
                json.whole("kvBytes"),
                new Curve(curve.integers("tokens"), curve.numbers("withCache"), curve.numbers("withoutCache")),
                json.optionalNumber("load"));
    }

    private static Times times(JsonFields json) {
        return new Times(json.numbers("seconds"), json.numbers("cpuSeconds"));
    }
}
