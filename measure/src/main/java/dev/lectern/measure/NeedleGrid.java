package dev.lectern.measure;

import java.util.List;
import java.util.Locale;

/** Results of the suite of needles as a grid of depths and lengths. */
public record NeedleGrid(TaskResults results) {
    /** Lines for a terminal: a row for each depth, a column for each length. */
    public String table() {
        StringBuilder text = new StringBuilder();
        for (Method method : results.options().methods()) {
            text.append(method.described()).append('\n');
            text.append(String.format(Locale.ROOT, "%-8s", "depth"));
            lengths().forEach(length -> text.append(String.format(Locale.ROOT, "%8d", length)));
            text.append('\n');
            for (String depth : depths()) {
                text.append(String.format(Locale.ROOT, "%-8s", depth.replaceAll("\\D", "") + " %"));
                lengths()
                        .forEach(length ->
                                text.append(String.format(Locale.ROOT, "%8.0f", score(depth, length, method))));
                text.append('\n');
            }
            text.append(String.format(Locale.ROOT, "%-8s", "mean"));
            lengths().forEach(length -> text.append(String.format(Locale.ROOT, "%8.1f", results.mean(length, method))));
            text.append("\n\n");
        }
        return text.append(results.described()).append('\n').toString();
    }

    private List<Integer> lengths() {
        return results.options().lengths();
    }

    /** Names of tasks, as {@code needle_50}. */
    private List<String> depths() {
        return results.options().suite().names();
    }

    private double score(String depth, int length, Method method) {
        return results.rows(length, method).stream()
                .filter(row -> row.task().equals(depth))
                .findFirst()
                .orElseThrow()
                .score();
    }
}
