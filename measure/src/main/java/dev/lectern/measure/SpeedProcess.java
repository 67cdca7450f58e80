package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.ModelOptions;
import java.util.ArrayList;
import java.util.List;

/** {@code bench speed} at depths that copies of read pages fill, in processes of their own: code that has met several formats or methods is compiled for all of them. */
final class SpeedProcess {
    /** Tokens that are read behind what is cached. */
    static final int PROMPT_TOKENS = 16;

    private final List<String> command;

    /**
     * @param lectern the command that starts Lectern, without arguments
     * @param options how the model is opened there, but for the threads
     * @param tokens decoded in a run
     */
    SpeedProcess(List<String> lectern, BenchModel subject, ModelOptions options, int threads, int tokens, int runs) {
        command = new ArrayList<>(lectern);
        command.addAll(List.of("bench", "speed", "--json", "--fill", "repeat"));
        command.addAll(List.of("--prompt-tokens", Integer.toString(PROMPT_TOKENS)));
        command.addAll(List.of("--model", subject.path().toAbsolutePath().toString()));
        command.addAll(List.of("--decode-tokens", Integer.toString(tokens), "--runs", Integer.toString(runs)));
        command.addAll(List.of("--threads", Integer.toString(threads)));
        options.ropeScaling().ifPresent(scaling -> command.addAll(List.of("--rope-scaling", scaling)));
        if (subject.repack().isEmpty()) {
            command.add("--no-repack");
        }
    }

    /** The objects of a process's results, in the order of its options. */
    List<JsonFields> results(Cancellation cancellation, String... more) {
        List<String> all = new ArrayList<>(command);
        all.addAll(List.of(more));
        try (JsonChild child = new JsonChild("lectern bench speed", all, cancellation)) {
            return child.answer().objects("results");
        }
    }
}
