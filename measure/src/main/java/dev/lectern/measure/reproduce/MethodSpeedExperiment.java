package dev.lectern.measure.reproduce;

import dev.lectern.measure.Axis;
import dev.lectern.measure.BenchModel;
import dev.lectern.measure.Lines;
import dev.lectern.measure.MethodSpeed;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** How fast tokens are decoded by each method of attention, at several depths and for several sequences at a time. Timed: it wants an idle machine. */
record MethodSpeedExperiment() implements Experiment {
    static final String PREFIX = "method-speed-";
    private static final String TITLE = "How fast tokens are decoded by each method of attention";

    private static final List<Integer> DEPTHS = List.of(8192, 32_768, 131_072);
    private static final List<Integer> BATCHES = List.of(1, 4, MethodSpeed.MOST);
    private static final int QUICK_DEPTH = 2048;
    private static final List<Integer> QUICK_BATCHES = List.of(1, MethodSpeed.MOST);

    /** dense first: what the others are compared with. Methods that compute all scores before they choose have no speed to tell of. */
    private static final List<String> METHODS = List.of(
            "dense",
            "window",
            "quest:budget=10%:page=8",
            "loki:budget=10%",
            "magicpig:k=10:l=150",
            "pps:budget=5%",
            "pps:bits=2:budget=5%");

    private static final List<String> QUICK = List.of("dense", "pps:budget=5%");

    private static final int TOKENS = 16;
    private static final int RUNS = 3;
    private static final long MEMORY = 16L << 30;
    private static final long QUICK_MEMORY = 256L << 20;
    private static final double PATIENCE = 1800;

    @Override
    public String name() {
        return "method-speed";
    }

    @Override
    public List<Part> parts(boolean quick) {
        if (quick) {
            return List.of(part("--quick", MODELS.getFirst(), QUICK_DEPTH, QUICK_BATCHES, QUICK, QUICK_MEMORY));
        }
        List<Part> parts = new ArrayList<>();
        for (String model : List.of(MODELS.getFirst(), MODELS.getLast(), BenchModel.MHA_SHAPE)) {
            for (int depth : DEPTHS) {
                parts.add(part("--full", model, depth, BATCHES, METHODS, MEMORY));
            }
        }
        return parts;
    }

    private static Part part(
            String how, String model, int depth, List<Integer> batches, List<String> methods, long memory) {
        MethodSpeed.Plan plan = new MethodSpeed.Plan(depth, batches, methods, TOKENS, RUNS, memory, PATIENCE);
        return new Part(PREFIX + model + "-" + depth, true, (room, name) -> measure(room, name, how, model, plan));
    }

    /** Measures what is not there, and keeps the result after each process. */
    private static void measure(Room room, String name, String how, String model, MethodSpeed.Plan plan) {
        MethodSpeed.run(
                room.model(model),
                room.options(),
                room.lectern(),
                "lectern eval reproduce " + how + " " + name,
                plan,
                read(ResultFile.all(room.results(), PREFIX + model + "-")),
                result -> {
                    result.writeCsv(room.results(), name);
                    room.keep(name, result.toJson());
                },
                room.progress(),
                room.cancellation());
    }

    private static List<MethodSpeed> read(List<ResultFile> files) {
        return files.stream().map(file -> file.get(MethodSpeed::read)).toList();
    }

    /** Results of a model, by depth. */
    static List<MethodSpeed> of(List<ResultFile> files, String model) {
        return read(Pages.of(files, model)).stream()
                .sorted(Comparator.comparingInt(
                        (MethodSpeed result) -> result.plan().depth()))
                .toList();
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
                        "Tokens decoded one by one over an f16 cache, each method in a process of its own. Depths are reached by copying the pages of 1024 tokens that were read, each copy into memory of its own: as many bytes are looked through as at the real depth, but the keys stay rotated"
                                + " for the places where they were read, and a method that chooses by content meets the same content again and again. *Most* is as many sequences as fit, by each method, into the memory that is named, index included, weights not; rates are of all"
                                + " sequences together, and ratios to dense attention with as many sequences, or with the most that fit by it, in the same run: the mean of before and after the others. Attention is its milliseconds for a token; bytes are those that a token takes in the cache, those that attention reads, index included, for"
                                + " a decoded token, and those of one sequence's index, made in so many seconds. `"
                                + BenchModel.MHA_SHAPE
                                + "` has the layers and heads of GPT-2 and random weights: its heads share no keys (group 1), those of smollm2-135m do by three, of qwen2.5-coder-0.5b by seven."));
        for (String model : Pages.models(files)) {
            List<MethodSpeed> of = of(files, model);
            for (MethodSpeed result : of) {
                text.append(table(result));
            }
            for (int together : of.getLast().plan().batches()) {
                Map<String, TreeMap<Integer, Double>> lines = ratios(of, together);
                if (!lines.isEmpty()) {
                    text.append(figure(model, together, lines, results, link));
                }
            }
        }
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }

    private static String table(MethodSpeed result) {
        MethodSpeed.Plan plan = result.plan();
        StringBuilder text = new StringBuilder(String.format(
                Locale.ROOT,
                "\n**%s, %d tokens cached**, %.1f GB of memory\n\n"
                        + "| sequences | method | tokens/s | beside dense | attention, ms | beside dense | cache, bytes | read, bytes | index, MB | made, s |\n"
                        + "| --: | --- | --: | --: | --: | --: | --: | --: | --: | --: |\n",
                result.evaluated().model(),
                plan.depth(),
                plan.memory() / 1e9));
        for (MethodSpeed.Row row : result.rows()) {
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %s | %s |\n",
                    row.asked().together() == MethodSpeed.MOST ? "most: " + row.batch() : "" + row.batch(),
                    SparseExperiment.plain(row.asked().attention()),
                    row.speed()
                            .map(speed -> numbers(result, row, speed))
                            .orElse(row.leftOut() + " | – | – | – | – | – | – | –")));
        }
        int left = result.missing();
        if (left > 0) {
            text.append("\nNot measured yet: ").append(left).append(" rows.\n");
        }
        return text.toString();
    }

    private static String numbers(MethodSpeed result, MethodSpeed.Row row, MethodSpeed.Speed speed) {
        return String.format(
                Locale.ROOT,
                "%.2f | %.2f × | %.2f | %.2f × | %.0f | %.0f | %s",
                speed.tokensPerSecond(),
                result.speedUp(row),
                speed.attention(),
                result.attentionSpeedUp(row),
                speed.bytesPerToken(),
                speed.bytesRead(),
                speed.indexBytes() == 0
                        ? "– | –"
                        : String.format(Locale.ROOT, "%.1f | %.2f", speed.indexBytes() / 1e6, speed.indexSeconds()));
    }

    /** How many times as fast as dense attention each method is with so many sequences, by depth. */
    private static Map<String, TreeMap<Integer, Double>> ratios(List<MethodSpeed> results, int together) {
        Map<String, TreeMap<Integer, Double>> lines = new LinkedHashMap<>();
        for (MethodSpeed result : results) {
            String dense = result.plan().methods().getFirst();
            for (MethodSpeed.Row row : result.rows()) {
                double ratio = result.speedUp(row);
                if (row.asked().together() == together
                        && !row.asked().attention().equals(dense)
                        && Double.isFinite(ratio)) {
                    lines.computeIfAbsent(SparseExperiment.plain(row.asked().attention()), method -> new TreeMap<>())
                            .put(result.plan().depth(), ratio);
                }
            }
        }
        return lines;
    }

    private static String figure(
            String model, int together, Map<String, TreeMap<Integer, Double>> ratios, Path results, String link) {
        List<Lines.Line> lines = new ArrayList<>();
        ratios.forEach((method, byDepth) -> lines.add(new Lines.Line(
                method, byDepth.keySet().stream().map(Integer::doubleValue).toList(), List.copyOf(byDepth.values()))));
        boolean most = together == MethodSpeed.MOST;
        String title = model + ", " + (most ? "as many sequences as fit" : "sequences: " + together);
        return Pages.figure(
                new Lines(
                        title,
                        Axis.logarithmic("tokens cached"),
                        Axis.fromZero("tokens per second, times those of dense attention"),
                        lines),
                results,
                link,
                PREFIX + model + "-by-depth-" + (most ? "most" : "" + together),
                TITLE + ": " + title);
    }
}
