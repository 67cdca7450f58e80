package dev.lectern.measure;

import dev.lectern.measure.tasks.Needle;
import dev.lectern.measure.tasks.Task;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Results of {@link TaskEval} as figures: needles as maps of lengths and depths, one for each method; other tasks as bars side by side. */
final class TaskFigure {
    private TaskFigure() {}

    /** Draws {@code NAME}, or {@code NAME-METHOD} where there are several maps. */
    static List<Path> write(TaskResults results, Path folder, String name) {
        List<Task> tasks = results.options().tasks(results.options().lengths().getFirst());
        if (!tasks.stream().allMatch(Needle.class::isInstance)) {
            return bars(results, tasks).draw(folder, name);
        }
        List<Needle> needles = tasks.stream().map(Needle.class::cast).toList();
        List<Method> methods = results.options().methods();
        List<Path> files = new ArrayList<>();
        for (Method method : methods) {
            String suffix = methods.size() == 1 ? "" : "-" + AtomicFile.plain(method.described());
            files.addAll(map(results, needles, method).draw(folder, name + suffix));
        }
        return files;
    }

    private static Figure bars(TaskResults results, List<Task> tasks) {
        List<Method> methods = results.options().methods();
        List<Integer> lengths = results.options().lengths();
        // What all have in common is said once, in the title.
        String common = methods.size() > 1 ? "" : ", " + methods.getFirst().described();
        common += lengths.size() > 1 ? "" : ", " + lengths.getFirst() + " tokens";
        List<Bars.Series> series = new ArrayList<>();
        for (int length : lengths) {
            for (Method method : methods) {
                List<String> name = new ArrayList<>();
                if (methods.size() > 1 || lengths.size() == 1) {
                    name.add(method.described());
                }
                if (lengths.size() > 1) {
                    name.add(length + " tokens");
                }
                series.add(new Bars.Series(
                        String.join(", ", name),
                        results.rows(length, method).stream()
                                .map(TaskFigure::bar)
                                .toList()));
            }
        }
        return new Bars(
                title(results) + common,
                "score, and its interval of 95 %",
                100,
                tasks.stream().map(Task::name).toList(),
                series);
    }

    private static Bars.Bar bar(TaskResults.Row row) {
        Wilson interval = row.interval();
        return new Bars.Bar(row.score(), 100 * interval.low(), 100 * interval.high());
    }

    private static Figure map(TaskResults results, List<Needle> needles, Method method) {
        List<Integer> lengths = results.options().lengths();
        return new HeatMap(
                title(results) + ", " + method.described(),
                "tokens",
                "text before the needle",
                lengths.stream().map(String::valueOf).toList(),
                needles.stream().map(needle -> needle.depth() + " %").toList(),
                needles.stream()
                        .map(needle -> lengths.stream()
                                .map(length -> score(results, needle, length, method))
                                .toList())
                        .toList());
    }

    private static double score(TaskResults results, Needle needle, int length, Method method) {
        return results.rows(length, method).stream()
                .filter(row -> row.task().equals(needle.name()))
                .collect(Collectors.averagingDouble(TaskResults.Row::score));
    }

    private static String title(TaskResults results) {
        return results.options().suite().title() + ": " + results.evaluated().model();
    }
}
