package dev.lectern.measure.reproduce;

import dev.lectern.measure.AttentionEval;
import dev.lectern.measure.AttentionOptions;
import dev.lectern.measure.AttentionRecording;
import dev.lectern.measure.AttentionResults;
import dev.lectern.measure.ErrorFigure;
import dev.lectern.measure.JsonFields;
import dev.lectern.measure.Provenance;
import dev.lectern.measure.TaskOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Searching for heavy tokens against sampling, at its best each, on real queries, keys and values: the figure "TopK against sampling". */
record AttentionExperiment() implements Experiment {
    static final String PREFIX = "attention-";
    private static final String TITLE = "TopK against sampling";
    private static final int QUICK_TOKENS = 500;

    @Override
    public String name() {
        return "attention";
    }

    @Override
    public List<Part> parts(boolean quick) {
        List<Part> parts = new ArrayList<>();
        for (String model : quick ? MODELS.subList(0, 1) : MODELS) {
            parts.add(new Part(PREFIX + model, (room, name) -> measure(room, name, model, quick)));
        }
        return parts;
    }

    private static void measure(Room room, String name, String model, boolean quick) {
        measure(room, name, model, AttentionOptions.DEFAULT, quick ? QUICK_TOKENS : 0);
    }

    /**
     * Records a reading of the report, and measures methods on it.
     *
     * @param tokens of it; 0 for all
     */
    static void measure(Room room, String name, String model, AttentionOptions options, int tokens) {
        String source = Provenance.scaled(
                "--model " + model + " --text examples/" + Room.REPORT + (tokens > 0 ? " --tokens " + tokens : ""),
                room.options());
        measure(
                room,
                name,
                options,
                source,
                recording -> AttentionRecording.record(
                        room.model(model),
                        room.options(),
                        room.text(Room.REPORT),
                        tokens,
                        List.of(),
                        recording,
                        room.progress(),
                        room.cancellation()));
    }

    /** Records a prompt and its answer, and measures methods on them. */
    static void measureAnswer(Room room, String name, String model, AttentionOptions options, String task, int length) {
        TaskOptions prompt = TaskOptions.DEFAULT.withTasks(List.of(task)).withLengths(List.of(length));
        measure(
                room,
                name,
                options,
                Provenance.scaled("--model " + model + " --task " + task + " --length " + length, room.options()),
                recording -> AttentionRecording.recordAnswer(
                        room.model(model),
                        room.options(),
                        prompt,
                        List.of(),
                        recording,
                        room.progress(),
                        room.cancellation()));
    }

    private static void measure(
            Room room, String name, AttentionOptions options, String source, Consumer<Path> record) {
        Path recording = room.results().resolve(name + ".safetensors");
        try {
            record.accept(recording);
            try (AttentionRecording read = AttentionRecording.open(recording)) {
                AttentionResults results = AttentionEval.run(
                        read,
                        options,
                        Runtime.getRuntime().availableProcessors(),
                        source,
                        room.progress(),
                        room.cancellation());
                results.writeCsv(room.results(), name);
                room.keep(name, results.toJson());
            }
        } finally {
            try {
                Files.deleteIfExists(recording); // hundreds of megabytes that the command makes again
            } catch (IOException e) {
                // It is in the way of nothing.
            }
        }
    }

    @Override
    public Optional<String> section(Path results, String link) {
        List<ResultFile> files = ResultFile.all(results, PREFIX);
        if (files.isEmpty()) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder(Pages.heading(
                TITLE,
                "Relative error of attention's outputs, |o' − o| / |o|, over all layers and query heads and the last 64 positions of"
                        + " `examples/harbour-report.md`. All methods know the exact scores, and read 4 sinks and a window of 64 tokens; a"
                        + " budget is of the tokens between. *topk* reads the heaviest; *oracle-sampling* draws as many, with"
                        + " replacement, with the softmax's own probabilities, so it reads fewer; *uniform* draws blindly; *topp*"
                        + " reads as few of the heaviest as have the share p of the softmax."));
        for (String model : Pages.models(files)) {
            ResultFile file = Pages.of(files, model).getFirst();
            text.append("\n**")
                    .append(model)
                    .append("**\n\n")
                    .append(table(file))
                    .append(ratios(file));
            text.append(Pages.figure(
                    ErrorFigure.of(families(file), TITLE + ": " + model), results, link, file.name(), TITLE));
        }
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }

    private static String table(ResultFile file) {
        StringBuilder text = new StringBuilder(
                "| method | mean | median | 90th percentile | mass of the softmax | tokens | samples |\n"
                        + "| --- | --: | --: | --: | --: | --: | --: |\n");
        for (JsonFields row : file.get(json -> json.objects("results"))) {
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %.2g | %.2g | %.2g | %.1f %% | %.1f %% | %d |\n",
                    row.text("method").replaceAll(":(seed|sinks|window)=\\d+", ""),
                    row.number("score"),
                    row.number("median"),
                    row.number("p90"),
                    100 * row.number("massKept"),
                    100 * row.number("density"),
                    row.whole("samples")));
        }
        return text.toString();
    }

    /** The budget of a row of ratios, as it was given. */
    static String budget(JsonFields ratio) {
        return ratio.text("of").replaceAll(".*:budget=([^:]+).*", "$1");
    }

    private static String ratios(ResultFile file) {
        StringBuilder text = new StringBuilder(
                "\n| budget | error of topk over that of oracle-sampling: of the means | median | 90th percentile | larger in | 4 or more in |\n"
                        + "| --: | --: | --: | --: | --: | --: |\n");
        for (JsonFields row : file.get(json -> json.objects("ratios"))) {
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %.2f | %.2f | %.2f | %.0f %% | %.1f %% |\n",
                    budget(row),
                    row.number("mean"),
                    row.number("median"),
                    row.number("p90"),
                    100 * row.number("larger"),
                    100 * row.number("fourTimes")));
        }
        return text.toString();
    }

    /** Mean errors by density, for each method. */
    private static Map<String, Map<Double, Double>> families(ResultFile file) {
        Map<String, Map<Double, Double>> families = new LinkedHashMap<>();
        for (JsonFields row : file.get(json -> json.objects("results"))) {
            String family = row.text("method").split(":")[0];
            if (!family.equals("dense")) {
                families.computeIfAbsent(family, f -> new TreeMap<>())
                        .put(100 * row.number("density"), row.number("score"));
            }
        }
        return families;
    }
}
