package dev.lectern.measure;

import dev.lectern.LecternException;
import dev.lectern.measure.tasks.Haystack;
import dev.lectern.measure.tasks.Prose;
import dev.lectern.measure.tasks.Ruler;
import dev.lectern.measure.tasks.Task;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What {@link RulerEval} measures.
 *
 * @param lengths tokens of prompt and answer; ascending
 * @param tasks RULER's names; all of them where it is empty
 * @param samples of each task at each length
 * @param protocol how the question is read
 * @param haystack where tasks hide things in prose
 * @param kv the format of keys and values
 * @param attention what a new token looks at
 * @param seed of the samples
 */
public record RulerOptions(
        List<Integer> lengths,
        List<String> tasks,
        int samples,
        Protocol protocol,
        Haystack haystack,
        String kv,
        String attention,
        long seed) {
    /** 2048 tokens, every task, 20 samples of each, question read exactly, generated prose. */
    public static final RulerOptions DEFAULT =
            new RulerOptions(List.of(2048), List.of(), 20, Protocol.A, new Prose(), "f16", "dense", 1);

    private static final int LEAST = 256;
    private static final int MOST = 1 << 30;
    private static final int MOST_SAMPLES = 100_000;

    /** What the method under test reads. */
    public enum Protocol {
        /** The answer alone: text and question are read exactly. */
        A,
        /** Question and answer; the text is read exactly. */
        B
    }

    public RulerOptions {
        lengths = lengths.stream().distinct().sorted().toList();
        tasks = tasks.stream().distinct().toList();
        if (lengths.isEmpty()) {
            throw new LecternException(LecternException.Kind.BAD_OPTION, "--length names no length.");
        }
        for (int length : lengths) {
            requireBetween("--length", length, LEAST, MOST);
        }
        requireBetween("--samples", samples, 1, MOST_SAMPLES);
        List<String> known = Ruler.tasks(LEAST).stream().map(Task::name).toList();
        for (String task : tasks) {
            if (!known.contains(task)) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "--tasks: there is no task \"" + task + "\"; there are " + String.join(", ", known) + ".");
            }
        }
    }

    private static void requireBetween(String option, int value, int least, int most) {
        if (value < least || value > most) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    option + " is " + value + ", but it takes " + least + " to " + most + ".");
        }
    }

    /** The tasks, as they are at a length. */
    List<Task> tasks(int length) {
        return Ruler.tasks(length).stream()
                .filter(task -> tasks.isEmpty() || tasks.contains(task.name()))
                .toList();
    }

    /** What scores depend on besides the model and the sample. */
    String methods() {
        return List.of("attention=" + attention, "kv=" + kv, "protocol=" + protocol, "haystack=" + haystack.name())
                .stream()
                .collect(Collectors.joining(";"));
    }

    public RulerOptions withLengths(List<Integer> lengths) {
        return new RulerOptions(lengths, tasks, samples, protocol, haystack, kv, attention, seed);
    }

    public RulerOptions withTasks(List<String> tasks) {
        return new RulerOptions(lengths, tasks, samples, protocol, haystack, kv, attention, seed);
    }

    public RulerOptions withSamples(int samples) {
        return new RulerOptions(lengths, tasks, samples, protocol, haystack, kv, attention, seed);
    }

    public RulerOptions withProtocol(Protocol protocol) {
        return new RulerOptions(lengths, tasks, samples, protocol, haystack, kv, attention, seed);
    }

    public RulerOptions withHaystack(Haystack haystack) {
        return new RulerOptions(lengths, tasks, samples, protocol, haystack, kv, attention, seed);
    }

    public RulerOptions withKv(String kv) {
        return new RulerOptions(lengths, tasks, samples, protocol, haystack, kv, attention, seed);
    }

    public RulerOptions withAttention(String attention) {
        return new RulerOptions(lengths, tasks, samples, protocol, haystack, kv, attention, seed);
    }

    public RulerOptions withSeed(long seed) {
        return new RulerOptions(lengths, tasks, samples, protocol, haystack, kv, attention, seed);
    }
}
