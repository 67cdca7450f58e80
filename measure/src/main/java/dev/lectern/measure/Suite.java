package dev.lectern.measure;

import dev.lectern.measure.tasks.Infinite;
import dev.lectern.measure.tasks.Needle;
import dev.lectern.measure.tasks.Ruler;
import dev.lectern.measure.tasks.Task;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Collectors;

/**
 * Tasks that are measured together.
 *
 * @param name of the verb, and in the names of files
 * @param title what results are called
 * @param arguments of the verb that tell it from others of its name
 * @param tasks as they are at a length in tokens; their names are the same at every length
 */
public record Suite(String name, String title, String arguments, IntFunction<List<Task>> tasks) {
    /** {@link Ruler}'s. */
    public static final Suite RULER = new Suite("ruler", "RULER-like", "", Ruler::tasks);

    /** {@link Infinite}'s. */
    public static final Suite INFINITE = new Suite("infinite", "InfiniteBench-like", "", length -> Infinite.tasks());

    /**
     * A needle in prose at each of several depths.
     *
     * @param depths in per cent of the text
     */
    public static Suite needle(List<Integer> depths) {
        List<Integer> sorted = depths.stream().distinct().sorted().toList();
        List<Task> tasks = sorted.stream().<Task>map(Needle::new).toList();
        String positions = sorted.stream().map(String::valueOf).collect(Collectors.joining(","));
        return new Suite("needle", "needle in a haystack", " --positions " + positions, length -> tasks);
    }

    /** The names of its tasks. */
    public List<String> names() {
        return tasks.apply(TaskOptions.LEAST).stream().map(Task::name).toList();
    }
}
