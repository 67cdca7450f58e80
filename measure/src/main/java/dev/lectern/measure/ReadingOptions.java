package dev.lectern.measure;

import dev.lectern.measure.tasks.Ruler;
import dev.lectern.measure.tasks.Task;
import java.util.List;

/**
 * What {@link ReadingEval} measures.
 *
 * @param length tokens of prompt and answer
 * @param samples of each task
 * @param attention methods
 */
public record ReadingOptions(int length, int samples, List<String> attention) {
    private static final String ONE_NEEDLE = "niah_single_";

    public ReadingOptions {
        attention = List.copyOf(attention);
    }

    /** The tasks whose texts hold one needle: in noise, and a number or a UUID in prose. */
    List<Task> tasks() {
        return Ruler.tasks(length).stream()
                .filter(task -> task.name().startsWith(ONE_NEEDLE))
                .toList();
    }
}
