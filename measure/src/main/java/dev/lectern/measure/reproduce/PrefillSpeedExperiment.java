package dev.lectern.measure.reproduce;

import dev.lectern.measure.Axis;
import dev.lectern.measure.Lines;
import dev.lectern.measure.PrefillPlan;
import dev.lectern.measure.PrefillReport;
import dev.lectern.measure.PrefillSpeed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** How fast long texts are read by each method of reading, on several hosts. Timed: it wants an idle machine. */
record PrefillSpeedExperiment() implements Experiment {
    static final String PREFIX = "prefill-speed-";
    private static final String TITLE = "How fast a text is read by each method of reading";

    private static final List<Integer> LENGTHS = List.of(8192, 32_768);

    /** On one host every method is the full reading, which comes always. */
    private static final List<Integer> HOSTS = List.of(2, 4, 8);

    private static final List<String> METHODS = List.of("ring", "ulysses", "star", "apb");
    private static final int QUICK_LENGTH = 1024;
    private static final List<Integer> QUICK_HOSTS = List.of(2);

    @Override
    public String name() {
        return "prefill-speed";
    }

    @Override
    public List<Part> parts(boolean quick) {
        if (quick) {
            return List.of(part("--quick", MODELS.getFirst(), QUICK_LENGTH, QUICK_HOSTS));
        }
        List<Part> parts = new ArrayList<>();
        for (String model : MODELS) {
            for (int length : LENGTHS) {
                parts.add(part("--full", model, length, HOSTS));
            }
        }
        return parts;
    }

    private static Part part(String how, String model, int length, List<Integer> hosts) {
        PrefillPlan plan = PrefillPlan.DEFAULT
                .withLengths(List.of(length))
                .withMethods(METHODS)
                .withHosts(hosts);
        return new Part(PREFIX + model + "-" + length, (room, name) -> measure(room, name, how, model, plan));
    }

    /** Measures what is not there, and keeps the result after each row. */
    private static void measure(Room room, String name, String how, String model, PrefillPlan plan) {
        PrefillSpeed.run(
                room.model(model),
                room.options(),
                "lectern eval reproduce " + how + " " + name,
                plan,
                read(ResultFile.all(room.results(), PREFIX + model + "-")),
                result -> {
                    PrefillReport.writeCsv(result, room.results(), name);
                    room.keep(name, result.toJson());
                },
                room.progress(),
                room.cancellation());
    }

    private static List<PrefillSpeed> read(List<ResultFile> files) {
        return files.stream().map(file -> file.get(PrefillSpeed::read)).toList();
    }

    /** Results of a model, by length. */
    static List<PrefillSpeed> of(List<ResultFile> files, String model) {
        return read(Pages.of(files, model)).stream()
                .sorted(Comparator.comparingInt(PrefillSpeedExperiment::length))
                .toList();
    }

    static int length(PrefillSpeed result) {
        return result.plan().lengths().getLast();
    }

    @Override
    public Optional<String> section(Path results, String link) {
        List<ResultFile> files = ResultFile.all(results, PREFIX);
        if (files.isEmpty()) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder(
                Pages.heading(
                        TITLE,
                        "Made-up prose, an f16 cache, all cores, beside the full reading of the same text in the same run. Blocks of star and apb are read one after another; hosts of ring and ulysses are ranks of one process that share the cores, so that they can"
                                + " gain nothing on one machine: their rows tell what dividing costs. *Foretold* is the ratio if time were operations, *hosts at once* what it would be with as many machines, by the one that has most to do: counted, not measured. Parts are seconds, of ranks their"
                                + " mean; communication is copying within memory, and waiting for other ranks. A model that does not hold a text reads it with positions stretched linearly."));
        for (String model : Pages.models(files)) {
            for (PrefillSpeed result : of(files, model)) {
                text.append(table(result));
                Map<String, TreeMap<Integer, Double>> lines = ratios(result);
                if (!lines.isEmpty()) {
                    text.append(figure(model, length(result), lines, results, link));
                }
            }
        }
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }

    private static String table(PrefillSpeed result) {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "\n**%s, %d tokens**%s\n\n"
                        + "| method | hosts | tokens/s | beside full | foretold | hosts at once | TFLOP | projections | attention | communication | feed-forward | rest | received, MB |\n"
                        + "| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |\n",
                result.evaluated().model(),
                length(result),
                result.scaling().isEmpty() ? "" : ", positions scaled `" + result.scaling() + "`"));
        for (PrefillSpeed.Row row : result.rows()) {
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %d | %s |\n",
                    row.asked().prefill().split(":")[0],
                    row.asked().hosts(),
                    row.speed()
                            .map(speed -> numbers(result, row, speed))
                            .orElse("n/a: " + row.leftOut() + " | – | – | – | – | – | – | – | – | – | –")));
        }
        if (result.missing() > 0) {
            text.append("\nNot measured yet: ").append(result.missing()).append(" rows.\n");
        }
        return text.toString();
    }

    private static String numbers(PrefillSpeed result, PrefillSpeed.Row row, PrefillSpeed.Speed speed) {
        PrefillSpeed.Parts parts = speed.parts();
        return String.format(
                Locale.ROOT,
                "%.1f | %.2f × | %.2f × | %.2f × | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.1f",
                row.asked().tokens() / speed.seconds(),
                result.speedUp(row),
                speed.foretold(),
                result.atOnce(row),
                speed.operations() / 1e12,
                parts.projections(),
                parts.attention(),
                parts.communication(),
                parts.feedForward(),
                parts.rest(),
                speed.bytesReceived() / 1e6);
    }

    /** How many times as fast as the full reading each method is, by hosts. */
    private static Map<String, TreeMap<Integer, Double>> ratios(PrefillSpeed result) {
        Map<String, TreeMap<Integer, Double>> lines = new LinkedHashMap<>();
        for (PrefillSpeed.Row row : result.rows()) {
            double ratio = result.speedUp(row);
            if (row.asked().hosts() > 1 && Double.isFinite(ratio)) {
                lines.computeIfAbsent(row.asked().prefill().split(":")[0], method -> new TreeMap<>())
                        .put(row.asked().hosts(), ratio);
            }
        }
        return lines;
    }

    private static String figure(
            String model, int length, Map<String, TreeMap<Integer, Double>> ratios, Path results, String link) {
        List<Lines.Line> lines = new ArrayList<>();
        ratios.forEach((method, byHosts) -> lines.add(new Lines.Line(
                method, byHosts.keySet().stream().map(Integer::doubleValue).toList(), List.copyOf(byHosts.values()))));
        String title = model + ", " + length + " tokens, one machine";
        return Pages.figure(
                new Lines(
                        title,
                        Axis.logarithmic("hosts"),
                        Axis.fromZero("tokens per second, times those of the full reading"),
                        lines),
                results,
                link,
                PREFIX + model + "-" + length + "-by-hosts",
                TITLE + ": " + title);
    }
}
