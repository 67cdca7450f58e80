package dev.lectern.measure;

import dev.lectern.LecternException;
import dev.lectern.attention.DecodeAttentions;
import dev.lectern.attention.Retentions;
import dev.lectern.measure.tasks.Haystack;
import dev.lectern.measure.tasks.Prose;
import dev.lectern.measure.tasks.Task;
import dev.lectern.prefill.Prefill;
import dev.lectern.prefill.Prefills;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What {@link TaskEval} measures.
 *
 * @param suite the tasks that there are
 * @param lengths tokens of prompt and answer; ascending
 * @param tasks names of the suite's; all of them where it is empty
 * @param samples of each task at each length
 * @param protocols how questions are read; by each of them all methods answer, from one reading of the text
 * @param haystack where tasks hide things in prose
 * @param kv formats of keys and values
 * @param attention methods, each over each format; all are asked the same, and the first over the first is what the others of a protocol are compared with
 * @param keep ways to drop tokens before the answer, or with protocol B before the question, each with dense attention to what stays; methods as those of attention are; may be empty
 * @param prefill ways to read the text that are not exact, each with dense attention to what was read, the question exactly; methods as those of attention are; may be empty
 * @param seed of the samples
 */
public record TaskOptions(
        Suite suite,
        List<Integer> lengths,
        List<String> tasks,
        int samples,
        List<Protocol> protocols,
        Haystack haystack,
        List<String> kv,
        List<String> attention,
        List<String> keep,
        List<String> prefill,
        long seed) {
    private static final String DENSE = "dense";

    /** RULER's tasks at 2048 tokens, 20 samples of each, question read exactly, generated prose. */
    public static final TaskOptions DEFAULT = new TaskOptions(
            Suite.RULER,
            List.of(2048),
            List.of(),
            20,
            List.of(Protocol.A),
            new Prose(),
            List.of("f16"),
            List.of(DENSE),
            List.of(),
            List.of(),
            1);

    /** Those of prompts to learn from: with seeds from 0 on, an evaluation asks none of them. */
    static TaskOptions learning(long seed) {
        return DEFAULT.withSeed(~seed);
    }

    /** The shortest length. */
    static final int LEAST = 256;

    private static final int MOST = 1 << 30;
    private static final int MOST_SAMPLES = 100_000;

    public TaskOptions {
        lengths = lengths.stream().distinct().sorted().toList();
        tasks = tasks.stream().distinct().toList();
        protocols = protocols.stream().distinct().toList();
        kv = kv.stream().distinct().toList();
        attention = attention.stream()
                .map(method -> DecodeAttentions.named(method).name())
                .distinct()
                .toList();
        keep = keep.stream().map(TaskOptions::dropping).distinct().toList();
        prefill = prefill.stream().map(TaskOptions::inexact).distinct().toList();
        requireSome("--length", lengths);
        requireSome("--protocol", protocols);
        requireSome("--kv", kv);
        requireSome("--attention", attention);
        for (int length : lengths) {
            requireBetween("--length", length, LEAST, MOST);
        }
        requireBetween("--samples", samples, 1, MOST_SAMPLES);
        for (String task : tasks) {
            if (!suite.names().contains(task)) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "There is no task \"" + task + "\"; there are " + String.join(", ", suite.names()) + ".");
            }
        }
    }

    private static String dropping(String keep) {
        return Retentions.named(keep)
                .orElseThrow(() -> new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "--keep " + keep + " drops nothing, so it is what --attention dense is: leave it out."))
                .name();
    }

    private static String inexact(String prefill) {
        Prefill method = Prefills.named(prefill, Optional.empty());
        if (method.isExact()) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--prefill " + prefill + " reads exactly, and so does --attention dense: leave it out.");
        }
        return method.name();
    }

    private static void requireSome(String option, List<?> values) {
        if (values.isEmpty()) {
            throw new LecternException(LecternException.Kind.BAD_OPTION, option + " names nothing.");
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
        return suite.tasks().apply(length).stream()
                .filter(task -> tasks.isEmpty() || tasks.contains(task.name()))
                .toList();
    }

    /** Every method over every format by every protocol, those by one protocol together, and of them those over one format. */
    List<Method> methods() {
        List<Method> methods = new ArrayList<>();
        for (Protocol protocol : protocols) {
            for (String format : kv) {
                for (String name : attention) {
                    methods.add(new Method(format, name, protocol));
                }
                for (String name : keep) {
                    methods.add(new Method(format, DENSE, name, Prefills.FULL, protocol));
                }
                for (String name : prefill) {
                    methods.add(Method.reading(format, name, protocol));
                }
            }
        }
        return methods;
    }

    /** What methods by a protocol are compared with. */
    Method first(Protocol protocol) {
        return new Method(kv.getFirst(), attention.getFirst(), protocol);
    }

    /** The command that scores answers. */
    String command(BenchModel subject) {
        return command(suite.name(), subject);
    }

    /** @param verb of {@code eval}, that asks the suite's tasks */
    String command(String verb, BenchModel subject) {
        StringBuilder command =
                new StringBuilder("lectern eval " + verb + suite.arguments() + " --model " + subject.name());
        command.append(" --length ")
                .append(lengths.stream().map(String::valueOf).collect(Collectors.joining(",")));
        command.append(tasks.isEmpty() ? "" : " --tasks " + String.join(",", tasks));
        command.append(" --samples ")
                .append(samples)
                .append(" --protocol ")
                .append(protocols.stream().map(Protocol::name).collect(Collectors.joining(",")));
        command.append(haystack instanceof Prose ? "" : " --haystack FILE");
        kv.forEach(format -> command.append(" --kv ").append(format));
        attention.forEach(method -> command.append(" --attention ").append(method));
        keep.forEach(method -> command.append(" --keep ").append(method));
        prefill.forEach(method -> command.append(" --prefill ").append(method));
        return command.append(" --seed ").append(seed).toString();
    }

    /** What scores depend on besides the model and the sample. */
    String described(Method method) {
        return String.join(
                ";",
                "attention=" + method.attention() + (method.keepsAll() ? "" : ";keep=" + method.keep())
                        + (method.readsExactly() ? "" : ";prefill=" + method.prefill()),
                "kv=" + method.kv(),
                "protocol=" + method.protocol(),
                "haystack=" + haystack.name());
    }

    public TaskOptions withSuite(Suite suite) {
        return new TaskOptions(suite, lengths, tasks, samples, protocols, haystack, kv, attention, keep, prefill, seed);
    }

    public TaskOptions withLengths(List<Integer> lengths) {
        return new TaskOptions(suite, lengths, tasks, samples, protocols, haystack, kv, attention, keep, prefill, seed);
    }

    public TaskOptions withTasks(List<String> tasks) {
        return new TaskOptions(suite, lengths, tasks, samples, protocols, haystack, kv, attention, keep, prefill, seed);
    }

    public TaskOptions withSamples(int samples) {
        return new TaskOptions(suite, lengths, tasks, samples, protocols, haystack, kv, attention, keep, prefill, seed);
    }

    public TaskOptions withProtocols(List<Protocol> protocols) {
        return new TaskOptions(suite, lengths, tasks, samples, protocols, haystack, kv, attention, keep, prefill, seed);
    }

    public TaskOptions withHaystack(Haystack haystack) {
        return new TaskOptions(suite, lengths, tasks, samples, protocols, haystack, kv, attention, keep, prefill, seed);
    }

    public TaskOptions withKv(List<String> kv) {
        return new TaskOptions(suite, lengths, tasks, samples, protocols, haystack, kv, attention, keep, prefill, seed);
    }

    public TaskOptions withAttention(List<String> attention) {
        return new TaskOptions(suite, lengths, tasks, samples, protocols, haystack, kv, attention, keep, prefill, seed);
    }

    public TaskOptions withKeep(List<String> keep) {
        return new TaskOptions(suite, lengths, tasks, samples, protocols, haystack, kv, attention, keep, prefill, seed);
    }

    public TaskOptions withPrefill(List<String> prefill) {
        return new TaskOptions(suite, lengths, tasks, samples, protocols, haystack, kv, attention, keep, prefill, seed);
    }

    public TaskOptions withSeed(long seed) {
        return new TaskOptions(suite, lengths, tasks, samples, protocols, haystack, kv, attention, keep, prefill, seed);
    }
}
