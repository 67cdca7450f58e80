package dev.lectern.measure.reproduce;

import dev.lectern.measure.AttentionOptions;
import dev.lectern.measure.ErrorFigure;
import dev.lectern.measure.JsonFields;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The methods of attention that read less than everything, on real queries, keys and values: errors against bytes. */
record SparseExperiment() implements Experiment {
    static final String PREFIX = "sparse-";
    private static final String TITLE = "Errors against bytes";
    private static final int QUICK_TOKENS = 500;

    /** The length of the shortest prompts. */
    private static final int SHORT = 4096;

    /** Prompts of the shortest length. */
    private static final List<String> TASKS = List.of("niah_single_2", "niah_multikey_2", "qa_1", "vt");

    /** Prompts of greater lengths. */
    private static final List<String> LONG_TASKS = List.of("niah_single_2", "vt");

    /** Sinks and window that all methods read. */
    private static final int ALWAYS = 4 + 64;

    private static final List<String> METHODS = List.of(
            "window",
            "topk:budget=2%",
            "topk:budget=5%",
            "uniform:budget=5%",
            "quest:budget=5%:page=8",
            "quest:budget=10%:page=8",
            "quest:budget=10%:page=16",
            "loki:budget=5%",
            "loki:budget=10%",
            "magicpig:k=10:l=150:dense=none",
            "magicpig:k=10:l=170:dense=none",
            "magicpig:k=9:l=120:dense=none",
            "magicpig:k=8:l=75:dense=none",
            "magicpig:k=11:l=300:dense=none",
            "magicpig:k=10:l=150:dense=none:centre=no",
            "magicpig:k=10:l=150:dense=none:correct=no",
            "magicpig:k=10:l=150:dense=none:projection=head",
            "pps:budget=2%",
            "pps:budget=5%",
            "pps:budget=10%",
            "pps:bits=2:budget=2%",
            "pps:bits=2:budget=5%",
            "pps:bits=2:budget=10%");

    private static final List<String> QUICK =
            List.of("topk:budget=2%", "quest:budget=10%:page=8", "magicpig:k=10:l=150:dense=none", "pps:budget=5%");

    @Override
    public String name() {
        return "sparse";
    }

    @Override
    public List<Part> parts(boolean quick) {
        AttentionOptions options = AttentionOptions.DEFAULT.withKv("f16").withAttention(quick ? QUICK : METHODS);
        List<Part> parts = new ArrayList<>();
        for (String model : quick ? MODELS.subList(0, 1) : MODELS) {
            parts.add(new Part(
                    PREFIX + model,
                    (room, name) -> AttentionExperiment.measure(room, name, model, options, quick ? QUICK_TOKENS : 0)));
            for (Prompt prompt : quick ? List.<Prompt>of() : prompts(model)) {
                parts.add(new Part(
                        PREFIX + model + "-" + prompt.task + "-" + prompt.length,
                        (room, name) -> AttentionExperiment.measureAnswer(
                                room, name, model, options, prompt.task, prompt.length)));
            }
        }
        return parts;
    }

    private record Prompt(String task, int length) {}

    /** At lengths up to that which a model was made for. */
    private static List<Prompt> prompts(String model) {
        int longest = model.equals(MODELS.getFirst()) ? 8192 : 16384;
        List<Prompt> prompts = new ArrayList<>();
        TASKS.forEach(task -> prompts.add(new Prompt(task, SHORT)));
        for (int length = 2 * SHORT; length <= longest; length *= 2) {
            for (String task : LONG_TASKS) {
                prompts.add(new Prompt(task, length));
            }
        }
        return prompts;
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
                        "Relative error of attention's outputs over all layers and query heads and the last 64 positions of RULER-like prompts with the first 16 tokens of their answers, and of `examples/harbour-report.md`, f16 cache, no layer read densely. *Chosen* is the share of tokens between"
                                + " sinks and window that a query head looks at; bytes are those of keys, values and index, beside dense attention's over the same cache, and beside those over an int8 cache (rows of 8 bits and a scale)."
                                + " topk and uniform know, or need to know, nothing of an index: what topk reads to find the tokens is all keys."));
        for (String model : Pages.models(files)) {
            List<ResultFile> of = Pages.of(files, model);
            List<ResultFile> prompts =
                    of.stream().filter(f -> !f.name().equals(PREFIX + model)).toList();
            if (!prompts.isEmpty()) {
                text.append("\n**").append(model).append(", prompts**\n\n").append(byPrompt(model, prompts));
            }
            if (prompts.size() == of.size()) {
                continue;
            }
            ResultFile file =
                    of.stream().filter(f -> !prompts.contains(f)).findFirst().orElseThrow();
            text.append("\n**")
                    .append(model)
                    .append("**\n\n")
                    .append(table(file))
                    .append(fractions(file));
            text.append(Pages.figure(
                    ErrorFigure.byBytes(families(file), TITLE + ": " + model), results, link, file.name(), TITLE));
        }
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }

    /** Mean errors of each method in each prompt, and what it reads of the longest. */
    private static String byPrompt(String model, List<ResultFile> files) {
        List<ResultFile> sorted = files.stream()
                .sorted(Comparator.comparingLong(
                        (ResultFile file) -> rows(file).getFirst().whole("length")))
                .toList();
        StringBuilder text = new StringBuilder("| method |");
        for (ResultFile file : sorted) {
            String prompt = file.name().substring((PREFIX + model + "-").length());
            text.append(' ').append(prompt.replaceAll("-(\\d+)$", ", $1")).append(" |");
        }
        text.append(" bytes, shortest | longest |\n| --- |")
                .append(" --: |".repeat(sorted.size() + 2))
                .append('\n');
        for (JsonFields row : rows(sorted.getFirst())) {
            String method = row.text("method");
            text.append("| ").append(plain(method)).append(" |");
            for (ResultFile file : sorted) {
                text.append(row(file, method)
                        .map(r -> String.format(Locale.ROOT, " %.2g |", r.number("score")))
                        .orElse(" – |"));
            }
            for (ResultFile file : List.of(sorted.getFirst(), sorted.getLast())) {
                text.append(row(file, method)
                        .map(r -> String.format(Locale.ROOT, " %.1f %% |", share(file, r)))
                        .orElse(" – |"));
            }
            text.append('\n');
        }
        return text.toString();
    }

    private static Optional<JsonFields> row(ResultFile file, String method) {
        return rows(file).stream()
                .filter(row -> row.text("method").equals(method))
                .findFirst();
    }

    private static List<JsonFields> rows(ResultFile file) {
        return file.get(json -> json.objects("results"));
    }

    private static double share(ResultFile file, JsonFields row) {
        return 100 * row.number("bytesRead") / rows(file).getFirst().number("bytesRead");
    }

    /** Of the tokens between sinks and window. */
    static double chosen(double density, long length) {
        return 100 * Math.max(0, density * length - ALWAYS) / (length - ALWAYS);
    }

    private static String table(ResultFile file) {
        StringBuilder text = new StringBuilder(
                "| method | median | mean | 90th percentile | mass of the softmax | chosen | bytes | beside int8 |\n"
                        + "| --- | --: | --: | --: | --: | --: | --: | --: |\n");
        for (JsonFields row : rows(file)) {
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %.2g | %.2g | %.2g | %.1f %% | %.1f %% | %.1f %% | %.1f %% |\n",
                    plain(row.text("method")),
                    row.number("median"),
                    row.number("score"),
                    row.number("p90"),
                    100 * row.number("massKept"),
                    chosen(row.number("density"), row.whole("length")),
                    share(file, row),
                    share(file, row) * 2 * Short.BYTES / (2 * (1 + 2.0 / 64))));
        }
        return text.toString();
    }

    /** What MagicPIG samples, layer by layer. */
    private static String fractions(ResultFile file) {
        StringBuilder text = new StringBuilder("\n| sampled, % | all layers | by layer |\n| --- | --: | --- |\n");
        for (JsonFields row : rows(file)) {
            String method = row.text("method");
            if (method.startsWith("magicpig") && !method.contains("=no:")) {
                List<String> layers = new ArrayList<>();
                for (double density : row.numbers("densities")) {
                    layers.add(String.format(Locale.ROOT, "%.1f", chosen(density, row.whole("length"))));
                }
                text.append(String.format(
                        Locale.ROOT,
                        "| %s | %.1f | %s |\n",
                        plain(method),
                        chosen(row.number("density"), row.whole("length")),
                        String.join(" ", layers)));
            }
        }
        return text.toString();
    }

    /** A method without the options that all have alike. */
    static String plain(String method) {
        return method.replaceAll(
                ":(seed|sinks|window|eps|hits|append|heavy|floor)=[0-9.eE-]+|:dense=none|:bits=1|:projection=shared|:centre=yes|:correct=yes",
                "");
    }

    /** Mean errors by bytes, for each method and what it is known by. */
    private static Map<String, Map<Double, Double>> families(ResultFile file) {
        Map<String, Map<Double, Double>> families = new LinkedHashMap<>();
        for (JsonFields row : rows(file)) {
            String method = row.text("method");
            String family = method.split(":")[0] + (method.contains("bits=2") ? ", two bits" : "");
            if (!family.equals("dense") && !method.contains("=no:")) {
                families.computeIfAbsent(family, f -> new TreeMap<>()).put(share(file, row), row.number("score"));
            }
        }
        return families;
    }
}
