package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Question;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.measure.tasks.Task;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * How far ways of reading lead a model away from itself in answers about long texts, measured as {@link AnswerDivergenceEval} does: the text of a prompt is read by each of them, the question after it and the answer exactly.
 */
public final class PrefillDivergenceEval {
    private final Model model;
    private final TaskOptions options;
    private final List<String> prefill;
    private final Work work;
    private final Cancellation cancellation;

    private PrefillDivergenceEval(
            Model model, TaskOptions options, List<String> prefill, Work work, Cancellation cancellation) {
        this.model = model;
        this.options = options;
        this.prefill = prefill;
        this.work = work;
        this.cancellation = cancellation;
    }

    /**
     * Evaluates.
     *
     * @param options of which methods of attention and protocols play no part, and of formats the first
     * @param prefill ways of reading
     * @param progress in units of about the same time each
     * @throws dev.lectern.LecternException of kind {@code TOO_LONG} if the model cannot hold the longest; {@code BAD_OPTION} if a length is too short for a task, or there is no such way of reading; {@code NOT_FOUND} if something is
     *     missing that one needs
     */
    public static PrefillDivergenceResult run(
            BenchModel subject,
            ModelOptions modelOptions,
            TaskOptions options,
            List<String> prefill,
            Progress progress,
            Cancellation cancellation) {
        String digest = ModelDigest.of(subject, cancellation);
        try (Model model = subject.open(modelOptions)) {
            TaskEval.requireRoom(model, subject.name(), options.lengths().getLast());
            PrefillDivergenceEval eval =
                    new PrefillDivergenceEval(model, options, prefill, new Work(progress), cancellation);
            List<PrefillDivergenceResult.Row> rows = eval.rows();
            StringBuilder command = new StringBuilder(options.command("answer-kld", subject));
            prefill.forEach(method -> command.append(" --prefill ").append(method));
            Provenance provenance = Provenance.here(command.toString(), modelOptions);
            return new PrefillDivergenceResult(
                    new Evaluated(subject.name(), digest, model.threads(), provenance), options, rows);
        }
    }

    /** What is found of one way in the samples of one task. */
    private static final class Found {
        final List<Double> divergences = new ArrayList<>();
        int same;
    }

    private List<PrefillDivergenceResult.Row> rows() {
        for (int length : options.lengths()) {
            int samples = options.tasks(length).size() * options.samples();
            work.plan(samples * (prefill.size() + 1) * units(length));
        }
        List<PrefillDivergenceResult.Row> rows = new ArrayList<>();
        for (int length : options.lengths()) {
            for (Task task : options.tasks(length)) {
                List<Found> found = prefill.stream().map(way -> new Found()).toList();
                for (int index = 0; index < options.samples(); index++) {
                    sample(TaskPrompt.of(model, options, task, length, index), length, found);
                }
                for (int i = 0; i < found.size(); i++) {
                    List<Double> divergences = found.get(i).divergences;
                    rows.add(new PrefillDivergenceResult.Row(
                            task.name(),
                            prefill.get(i),
                            length,
                            divergences,
                            (double) found.get(i).same / divergences.size()));
                }
            }
        }
        return rows;
    }

    private static double units(int length) {
        return Work.reading(0, length) + Work.decoding(length, 1 + ToldAnswer.TOLD);
    }

    private void sample(TaskPrompt prompt, int length, List<Found> found) {
        int last = prompt.tokens()[prompt.tokens().length - 1];
        ToldAnswer told;
        try (Session exact = read("full", prompt)) {
            told = ToldAnswer.of(model, exact, last, cancellation);
        }
        work.did(units(length));
        for (int i = 0; i < found.size(); i++) {
            try (Session other = read(prefill.get(i), prompt)) {
                found.get(i).same += told.tell(model, other, found.get(i).divergences, cancellation);
            }
            work.did(units(length));
        }
    }

    /** A prompt but for its last token, its text by a way of reading. */
    private Session read(String way, TaskPrompt prompt) {
        int[] tokens = prompt.tokens();
        int last = tokens.length - 1, context = Math.min(prompt.context(), last);
        SessionOptions session = SessionOptions.DEFAULT
                .withContext(tokens.length + ToldAnswer.TOLD)
                .withKv(options.kv().getFirst())
                .withPrefill(way)
                .withQuestion(Optional.of(question(prompt)));
        Session read = model.newSession(session);
        try {
            read.read(Arrays.copyOf(tokens, context), work.reading(0), cancellation);
            if (last > context) {
                read.read(Arrays.copyOfRange(tokens, context, last), Progress.NONE, cancellation);
            }
            return read;
        } catch (RuntimeException | Error e) {
            read.close();
            throw e;
        }
    }

    /** What is asked, and where the text begins. */
    private Question question(TaskPrompt prompt) {
        String asked = prompt.sample().question();
        int begin = Arrays.mismatch(prompt.tokens(), model.chat("", List.of("?"), asked));
        return new Question(model.tokenize(asked), Math.max(0, begin));
    }
}
