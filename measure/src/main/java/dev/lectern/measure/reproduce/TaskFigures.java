package dev.lectern.measure.reproduce;

import dev.lectern.measure.Bars;
import dev.lectern.measure.Figure;
import dev.lectern.measure.HeatMap;
import dev.lectern.measure.JsonFields;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;

/** Figures of result files. */
final class TaskFigures {
    private TaskFigures() {}

    /**
     * Bars of tasks, those of one length in one colour. Tasks that were not measured at every length are left out of lengths that lack any.
     *
     * @param lengths the file of each
     */
    static Figure bars(SortedMap<Integer, ResultFile> lengths, String title, String model) {
        Set<String> tasks = new LinkedHashSet<>();
        lengths.values().forEach(file -> rows(file).forEach(row -> tasks.add(row.text("task"))));
        List<Bars.Series> series = new ArrayList<>();
        lengths.forEach((length, file) -> {
            List<Bars.Bar> bars = new ArrayList<>();
            for (JsonFields row : rows(file)) {
                bars.add(new Bars.Bar(row.number("score"), row.number("low"), row.number("high")));
            }
            if (bars.size() == tasks.size()) {
                series.add(new Bars.Series(length + " tokens", bars));
            }
        });
        return new Bars(title + ": " + model, "score, and its interval of 95 %", 100, List.copyOf(tasks), series);
    }

    private static List<JsonFields> rows(ResultFile file) {
        return file.get(json -> json.objects("results"));
    }

    /**
     * Scores over lengths and depths.
     *
     * @param grid by length, and by depth in per cent; depths that a length lacks are left out
     */
    static Figure heatMap(SortedMap<Integer, ? extends SortedMap<Integer, Double>> grid, String title, String model) {
        TreeSet<Integer> depths = new TreeSet<>();
        grid.values().forEach(column -> depths.addAll(column.keySet()));
        grid.values().forEach(column -> depths.retainAll(column.keySet()));
        return new HeatMap(
                title + ": " + model,
                "tokens",
                "text before the needle",
                grid.keySet().stream().map(String::valueOf).toList(),
                depths.stream().map(depth -> depth + " %").toList(),
                depths.stream()
                        .map(depth -> grid.values().stream()
                                .map(column -> column.get(depth))
                                .toList())
                        .toList());
    }
}
