package dev.lectern.measure.reproduce;

import dev.lectern.measure.TaskOptions;
import java.util.List;

/**
 * Tasks over texts of one length, asked of one model.
 *
 * @param samples of each task
 * @param tasks names; all where it is empty
 */
record TaskPlan(String model, int length, int samples, List<String> tasks) {
    /** The tasks that short texts do not already decide. */
    static final List<String> HARD =
            List.of("niah_multikey_2", "niah_multikey_3", "niah_multivalue", "niah_multiquery", "vt", "cwe", "fwe");

    /** The tasks that add things up all over a text, on which the case against TopK rests. */
    static final List<String> AGGREGATING = List.of("cwe", "fwe");

    TaskPlan {
        tasks = List.copyOf(tasks);
    }

    /** All tasks. */
    TaskPlan(String model, int length, int samples) {
        this(model, length, samples, List.of());
    }

    /**
     * What measures it.
     *
     * @param prefix of its name
     * @param options all but what the plan says
     */
    Experiment.Part part(String prefix, TaskOptions options) {
        TaskOptions planned =
                options.withLengths(List.of(length)).withSamples(samples).withTasks(tasks);
        return new Experiment.Part(
                prefix + model + "-" + length, true, (room, name) -> TaskExperiment.ask(room, name, model, planned));
    }
}
