package dev.lectern.measure;

import dev.lectern.measure.tasks.Ruler;
import dev.lectern.measure.tasks.Task;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Tasks that are measured together.
 *
 * @param name of the verb, and in the names of files
 * @param title what results are called
 * @param tasks as they are at a length in tokens; their names are the same at every length
 */
public record Suite(String name, String title, IntFunction<List<Task>> tasks) {
    /** {@link Ruler}'s. */
    public static final Suite RULER = new Suite("ruler", "RULER-like", Ruler::tasks);

    /** The names of its tasks. */
    public List<String> names() {
        return tasks.apply(TaskOptions.LEAST).stream().map(Task::name).toList();
    }
}
