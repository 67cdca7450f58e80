package dev.lectern.measure.reproduce;

import dev.lectern.measure.AtomicFile;
import dev.lectern.measure.Axis;
import dev.lectern.measure.BenchModel;
import dev.lectern.measure.Lines;
import dev.lectern.measure.ModelCalibration;
import dev.lectern.measure.PrefillBench;
import dev.lectern.measure.PrefillPlan;
import dev.lectern.measure.PrefillReport;
import dev.lectern.measure.PrefillSpeed;
import dev.lectern.options.NamedOptions;
import dev.lectern.prefill.MInferenceSearch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/** How fast long texts are read by each method of reading, on several hosts. Timed: it wants an idle machine. */
record PrefillSpeedExperiment() implements Experiment {
    static final String PREFIX = "prefill-speed-";

    /** Results of {@code bench prefill} by several processes, which are started together and not from here. */
    private static final String PROCESSES = "prefill-hosts-";

    private static final String TITLE = "How fast a text is read by each method of reading";

    private static final String SMALL = MODELS.getFirst(), LARGE = MODELS.getLast();

    private static final String CALIBRATED = PrefillTasksExperiment.CALIBRATED;

    /** Those that compute less, what is wanted most first. */
    private static final List<String> INEXACT =
            List.of(CALIBRATED, "xattention", "apb", "star", "star:anchor=again", "minference");

    private static final List<String> EXACT = List.of("ring", "ulysses");

    /** Random weights have no patterns to be found. */
    private static final List<String> OF_SHAPES = INEXACT.subList(1, INEXACT.size());

    /** What these cost does not depend on what is read. */
    private static final List<String> BLOCKS = List.of("apb", "star", "star:anchor=again");

    private static final List<Integer> HOSTS = List.of(2, 4, 8);

    /**
     * One length of one model.
     *
     * @param hosts on one of them every method that divides a text is the full reading, which comes always
     */
    private record Plan(String model, int length, List<String> methods, List<Integer> hosts) {}

    /** Of a shape that is cut to two layers each costs what it costs in the whole; a whole model takes ten times as long. */
    private static final String CUT = "smollm2-135m-shape:layers=2";

    private static final String LLAMA = "llama-3.2-1b-shape";

    private static final List<Plan> PLANS = List.of(
            new Plan(SMALL, 8192, both(INEXACT, EXACT), HOSTS),
            new Plan(CUT, 32_768, both(OF_SHAPES, EXACT), HOSTS),
            new Plan(SMALL, 32_768, INEXACT, List.of(8)),
            new Plan(CUT, 65_536, BLOCKS, List.of(8)),
            new Plan(CUT, 131_072, BLOCKS, List.of(8)),
            new Plan(LARGE, 8192, both(INEXACT, EXACT), HOSTS),
            new Plan(LARGE, 32_768, INEXACT, List.of(8)),
            new Plan(LLAMA, 8192, both(OF_SHAPES, EXACT), HOSTS),
            new Plan(LLAMA + ":layers=4", 32_768, both(OF_SHAPES, EXACT), HOSTS));

    private static List<String> both(List<String> some, List<String> others) {
        return Stream.concat(some.stream(), others.stream()).toList();
    }

    private static final Plan QUICK = new Plan(SMALL, 1024, List.of("ring", "ulysses", "star", "apb"), List.of(2, 4));

    @Override
    public String name() {
        return "prefill-speed";
    }

    @Override
    public List<Part> parts(boolean quick) {
        return quick
                ? List.of(part("--quick", QUICK))
                : PLANS.stream().map(plan -> part("--full", plan)).toList();
    }

    private static Part part(String how, Plan plan) {
        PrefillPlan measured = PrefillPlan.DEFAULT
                .withLengths(List.of(plan.length))
                .withMethods(plan.methods)
                .withHosts(plan.hosts);
        String name = named(plan.model) + "-" + plan.length;
        return new Part(name, true, (room, part) -> measure(room, part, how, plan.model, measured));
    }

    /** What files of a model begin with. */
    private static String named(String model) {
        return PREFIX + AtomicFile.plain(model);
    }

    /** Measures what is not there, and keeps the result after each row. */
    private static void measure(Room room, String name, String how, String model, PrefillPlan plan) {
        BenchModel subject = room.model(model);
        if (plan.methods().contains(CALIBRATED)) {
            ModelCalibration.requireLearned(
                    subject, room.options(), MInferenceSearch.METHOD, room.progress(), room.cancellation());
        }
        PrefillBench.run(
                subject,
                room.options(),
                "lectern eval reproduce " + how + " " + name,
                plan,
                read(ResultFile.all(room.results(), named(model) + "-")),
                Optional.empty(),
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
                                + " gain nothing on one machine: their rows tell what dividing costs. *Foretold* is the ratio if time were operations, *hosts at once* what it would be with as many machines, by the one that has most to do: what the cost model says, not measured. *Counted* are the operations of the tokens and pairs of queries and keys that were computed. Parts are seconds, of ranks their"
                                + " mean; communication is copying within memory, and waiting for other ranks. A model that does not hold a text reads it with positions stretched linearly. `star:anchor=again` is Star Attention as published, each host computing its anchor; `star` shares the one computation among all blocks; `minference:calibrated=yes` has for each head the pattern that was found in a prompt of 8192 tokens (`lectern calibrate minference --task kv_retrieval`), `minference` one for all. A *shape* has the sizes of the model that it is called after and random weights; `layers` says how many of its layers it is cut to, of which each costs what it costs in the whole."));
        for (String model : Pages.models(files)) {
            for (PrefillSpeed result : of(files, model)) {
                text.append(table(result));
                Map<String, TreeMap<Integer, Double>> lines = ratios(result);
                if (lines.values().stream().anyMatch(points -> points.size() > 1)) {
                    text.append(figure(model, length(result), lines, results, link));
                }
            }
        }
        List<ResultFile> processes = ResultFile.all(results, PROCESSES);
        if (!processes.isEmpty()) {
            text.append(
                    "\nWith processes as hosts, which read at once; the first reads alone what is read on one host. Where they share the cores of one machine they can with the same work be no faster than all its cores are together; star and apb have less work. Parts are the mean host's; the launcher's command names what was measured.\n");
            read(processes).forEach(result -> text.append(table(result)));
        }
        List<ResultFile> all = Stream.concat(files.stream(), processes.stream()).toList();
        return Optional.of(text.append(Pages.provenance(all, link)).toString());
    }

    private static String table(PrefillSpeed result) {
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "\n**%s, %d tokens%s**%s\n\n"
                        + "| method | hosts | tokens/s | beside full | foretold | hosts at once | TFLOP, foretold | counted | projections | attention | communication | feed-forward | rest | received, MB |\n"
                        + "| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |\n",
                result.evaluated().model(),
                length(result),
                hosts(result),
                result.scaling().isEmpty() ? "" : ", positions scaled `" + result.scaling() + "`"));
        for (PrefillSpeed.Row row : result.rows()) {
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %d | %s |\n",
                    method(row),
                    row.asked().hosts(),
                    row.speed()
                            .map(speed -> numbers(result, row, speed))
                            .orElse("n/a: " + row.leftOut() + " | – | – | – | – | – | – | – | – | – | – | –")));
        }
        if (result.missing() > 0) {
            text.append("\nNot measured yet: ").append(result.missing()).append(" rows.\n");
        }
        return text.toString();
    }

    private static String hosts(PrefillSpeed result) {
        PrefillPlan plan = result.plan();
        if (plan.ranks() != PrefillPlan.Ranks.PROCESSES) {
            return "";
        }
        int threads = result.evaluated().threads(),
                cores = result.evaluated().machine().cores();
        return ", " + plan.hosts().getFirst() + " processes, the first with " + threads
                + (threads == 1 ? " thread" : " threads") + " on a machine of " + cores
                + (cores == 1 ? " core" : " cores")
                + (plan.network().isEmpty() ? "" : ", " + plan.network())
                + (plan.latency() == 0 ? "" : ", a wait " + plan.latency() + " ms longer");
    }

    /** What a row's method is called in short. */
    static String method(PrefillSpeed.Row row) {
        NamedOptions prefill = new NamedOptions("Prefill method", row.asked().prefill());
        return prefill.name()
                + prefill.text("anchor")
                        .filter("again"::equals)
                        .map(":anchor="::concat)
                        .orElse("")
                + prefill.text("calibrated").map(":calibrated="::concat).orElse("");
    }

    private static String numbers(PrefillSpeed result, PrefillSpeed.Row row, PrefillSpeed.Speed speed) {
        PrefillSpeed.Parts parts = speed.parts();
        return String.format(
                Locale.ROOT,
                "%.1f | %.2f × | %s | %s | %s | %s | %.2f | %.2f | %.2f | %.2f | %.2f | %.1f",
                row.asked().tokens() / speed.seconds(),
                result.speedUp(row),
                known("%.2f ×", speed.foretold()),
                known("%.2f ×", result.atOnce(row)),
                known("%.2f", speed.operations() / 1e12),
                known("%.2f", speed.counted() / 1e12),
                parts.projections(),
                parts.attention(),
                parts.communication(),
                parts.feedForward(),
                parts.rest(),
                speed.bytesReceived() / 1e6);
    }

    /** Where a method's work depends on what it reads, some things cannot be counted. */
    private static String known(String format, double number) {
        return Double.isNaN(number) ? "–" : String.format(Locale.ROOT, format, number);
    }

    /** How many times as fast as the full reading each method is, by hosts. */
    private static Map<String, TreeMap<Integer, Double>> ratios(PrefillSpeed result) {
        Map<String, TreeMap<Integer, Double>> lines = new LinkedHashMap<>();
        for (PrefillSpeed.Row row : result.rows()) {
            double ratio = result.speedUp(row);
            if (row.asked().hosts() > 1 && Double.isFinite(ratio)) {
                lines.computeIfAbsent(method(row), method -> new TreeMap<>())
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
                named(model) + "-" + length + "-by-hosts",
                TITLE + ": " + title);
    }
}
