package dev.lectern.measure.reproduce;

import dev.lectern.measure.JsonFields;
import dev.lectern.measure.Suite;
import dev.lectern.measure.TaskOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/** A needle in prose at every depth and length, up to what each model holds. */
record NeedleExperiment() implements Experiment {
    private static final String TITLE = "A needle in a haystack";
    private static final List<Integer> TENTHS = List.of(0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100);

    /** A text of 16 000 tokens and more takes minutes to read. */
    private static final List<Integer> QUARTERS = List.of(0, 25, 50, 75, 100);

    @Override
    public String name() {
        return "needle";
    }

    private static Part part(String model, int length, List<Integer> depths) {
        return new Part("needle-" + model + "-" + length, true, (room, name) -> {
            TaskOptions options = TaskOptions.DEFAULT
                    .withSuite(Suite.needle(depths))
                    .withLengths(List.of(length))
                    .withSamples(1);
            TaskExperiment.ask(room, name, model, options);
        });
    }

    @Override
    public List<Part> parts(boolean quick) {
        String small = MODELS.getFirst(), large = MODELS.getLast();
        if (quick) {
            return List.of(part(small, 1024, QUARTERS));
        }
        return List.of(
                part(small, 1024, TENTHS),
                part(small, 2048, TENTHS),
                part(small, 4096, TENTHS),
                part(small, 8192, TENTHS),
                part(large, 2048, QUARTERS),
                part(large, 4096, QUARTERS),
                part(large, 8192, QUARTERS),
                part(large, 16384, QUARTERS),
                part(large, 32768, QUARTERS));
    }

    @Override
    public Optional<String> section(Path results, String link) {
        List<ResultFile> files = ResultFile.all(results, "needle-");
        if (files.isEmpty()) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder(Pages.heading(
                TITLE,
                "One sentence with a number in generated prose, one sample for each length and depth (per cent of the text before it), up to the"
                        + " most tokens that each model was made for; exact attention over an f16 cache. 100: the answer has the"
                        + " number."));
        for (String model : Pages.models(files)) {
            TreeMap<Integer, TreeMap<Integer, Double>> grid = grid(Pages.of(files, model));
            text.append("\n**").append(model).append("**\n\n").append(table(grid));
            text.append(Pages.figure(TaskFigures.heatMap(grid, TITLE, model), results, link, "needle-" + model, TITLE));
        }
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }

    /** Scores by length and depth. */
    private static TreeMap<Integer, TreeMap<Integer, Double>> grid(List<ResultFile> files) {
        TreeMap<Integer, TreeMap<Integer, Double>> grid = new TreeMap<>();
        for (ResultFile file : files) {
            TreeMap<Integer, Double> column = grid.computeIfAbsent(TaskExperiment.length(file), l -> new TreeMap<>());
            for (JsonFields row : file.get(json -> json.objects("results"))) {
                column.put(Integer.valueOf(row.text("task").replaceAll("\\D", "")), row.number("score"));
            }
        }
        return grid;
    }

    private static String table(TreeMap<Integer, TreeMap<Integer, Double>> grid) {
        StringBuilder text = new StringBuilder("| depth, % |");
        StringBuilder line = new StringBuilder("| --: |");
        TreeSet<Integer> depths = new TreeSet<>();
        grid.forEach((length, column) -> {
            text.append(' ').append(length).append(" |");
            line.append(" --: |");
            depths.addAll(column.keySet());
        });
        text.append('\n').append(line).append('\n');
        for (int depth : depths) {
            text.append("| ").append(depth).append(" |");
            grid.values().forEach(column -> {
                Double score = column.get(depth);
                text.append(score == null ? " – |" : String.format(Locale.ROOT, " %.0f |", score));
            });
            text.append('\n');
        }
        return text.toString();
    }
}
