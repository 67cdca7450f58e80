package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.GenerateOptions;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.measure.tasks.Fitting;
import dev.lectern.measure.tasks.Sample;
import dev.lectern.measure.tasks.Task;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How well a model answers questions about texts of a given length, with RULER-like tasks. A sample is written as a conversation by the model's own template; the answer's beginning is put into its
 * mouth, and it goes on greedily. Each finished sample is kept, and not computed again.
 *
 * <p>Source: Hsieh et al., "RULER" (arXiv 2404.06654); see {@link dev.lectern.measure.tasks.Ruler}.
 */
public final class RulerEval {
    private final Model model;
    private final RulerOptions options;
    private final Work work;
    private final Cancellation cancellation;

    private RulerEval(Model model, RulerOptions options, Work work, Cancellation cancellation) {
        this.model = model;
        this.options = options;
        this.work = work;
        this.cancellation = cancellation;
    }

    /**
     * Evaluates.
     *
     * @param folder keeps finished samples, in a file for each model
     * @param progress in units of about the same time each
     * @throws LecternException of kind {@code TOO_LONG} if the model cannot hold the longest; {@code BAD_OPTION} if a length is too short for a task; {@code CANCELLED}, and then all
     *     finished samples are kept
     */
    public static RulerResults run(
            BenchModel subject,
            ModelOptions modelOptions,
            RulerOptions options,
            Path folder,
            Progress progress,
            Cancellation cancellation) {
        String digest = ModelDigest.of(subject, cancellation);
        Work work = new Work(progress);
        Machine machine = Machine.here();
        String name = AtomicFile.plain(subject.name());
        List<RulerResults.Row> rows = new ArrayList<>();
        try (FinishedSamples finished = new FinishedSamples(folder.resolve("ruler-" + name + ".jsonl"));
                Model model = subject.open(modelOptions)) {
            RulerEval eval = new RulerEval(model, options, work, cancellation);
            eval.requireRoom(subject.name());
            for (int length : options.lengths()) {
                for (Task task : options.tasks(length)) {
                    for (int index = 0; index < options.samples(); index++) {
                        if (finished.get(eval.key(digest, task, length, index)).isEmpty()) {
                            work.plan(units(task, length));
                        }
                    }
                }
            }
            for (int length : options.lengths()) {
                for (Task task : options.tasks(length)) {
                    List<Double> scores = new ArrayList<>();
                    for (int index = 0; index < options.samples(); index++) {
                        FinishedSamples.Key key = eval.key(digest, task, length, index);
                        if (finished.get(key).isEmpty()) {
                            finished.add(key, eval.answered(task, length, index), machine);
                            work.did(units(task, length));
                        }
                        scores.add(finished.get(key).orElseThrow().score());
                    }
                    rows.add(new RulerResults.Row(task.name(), length, scores));
                }
            }
            return new RulerResults(new Evaluated(subject.name(), digest, model.threads(), machine), options, rows);
        }
    }

    private void requireRoom(String name) {
        int longest = options.lengths().getLast();
        if (longest > model.context()) {
            throw new LecternException(
                    LecternException.Kind.TOO_LONG,
                    "--length " + longest + " is more than " + name + " holds, which is " + model.context()
                            + ": ask for less, or stretch it with --rope-scaling (linear:factor=2 doubles it).");
        }
    }

    private FinishedSamples.Key key(String digest, Task task, int length, int index) {
        return new FinishedSamples.Key(digest, options.methods(), task.name(), length, options.seed(), index);
    }

    private static double units(Task task, int length) {
        int prompt = Math.max(1, length - task.answerTokens());
        return Work.reading(0, prompt) + Work.decoding(prompt, task.answerTokens());
    }

    private FinishedSamples.Finished answered(Task task, int length, int index) {
        Sample sample = Fitting.sample(
                task, options.seed(), index, length, options.haystack(), candidate -> prompt(candidate).length);
        int[] prompt = prompt(sample);
        SessionOptions session =
                SessionOptions.DEFAULT.withContext(length).withKv(options.kv()).withAttention(options.attention());
        try (Session reading = model.newSession(session)) {
            int exact = options.protocol() == RulerOptions.Protocol.A ? prompt.length : contextTokens(sample, prompt);
            reading.read(Arrays.copyOf(prompt, exact), work.reading(0), cancellation);
            for (int i = exact; i < prompt.length; i++) {
                // A token alone is what the method of attention sees.
                model.step(List.of(reading), new int[] {prompt[i]}, cancellation);
            }
            GenerateOptions generate = GenerateOptions.DEFAULT.withMaxTokens(task.answerTokens());
            String answer = reading.generate(generate, (n, token, text) -> {}, cancellation)
                    .text();
            return new FinishedSamples.Finished(task.scoring().score(answer, sample), prompt.length, answer);
        }
    }

    private int[] prompt(Sample sample) {
        int[] chat = model.chat("", List.of(sample.context()), sample.question());
        int[] begin = model.tokenize(sample.answerBegin());
        int[] prompt = Arrays.copyOf(chat, chat.length + begin.length);
        System.arraycopy(begin, 0, prompt, chat.length, begin.length);
        return prompt;
    }

    /** Where the question begins: up to there the tokens are the same whatever is asked. */
    private int contextTokens(Sample sample, int[] prompt) {
        int[] other = model.chat("", List.of(sample.context()), "?");
        int same = Arrays.mismatch(prompt, other);
        return Math.max(1, same < 0 ? prompt.length : same);
    }
}
