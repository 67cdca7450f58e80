package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.Traffic;
import dev.lectern.measure.tasks.Task;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How far methods of attention lead a model away from itself in answers about long texts: after the last token of a prompt, and after each of the first {@value #TOLD} tokens of the answer that dense attention
 * gives greedily and that all are told, the Kullback–Leibler divergence of what the model expects by a method from what it expects by dense attention over the same cache.
 *
 * <p>A text is read once, exactly, and once more by each method of reading that is not exact. By protocol A the question is read exactly but for its last token; by protocol B it goes through the method too.
 */
public final class AnswerDivergenceEval {
    /** Tokens of the answer that methods are told. */
    static final int TOLD = ToldAnswer.TOLD;

    private final Model model;
    private final TaskOptions options;
    private final List<AnswerDivergenceResult.Row> rows = new ArrayList<>();
    private final Work work;
    private final Cancellation cancellation;

    private AnswerDivergenceEval(Model model, TaskOptions options, Work work, Cancellation cancellation) {
        this.model = model;
        this.options = options;
        this.work = work;
        this.cancellation = cancellation;
    }

    /** A method that waits for the answer that it is told. */
    private record Waiting(Method method, Session session) {}

    /** What is found of one method in the samples of one task. */
    private static final class Found {
        final List<Double> divergences = new ArrayList<>();
        int same;
        Traffic traffic = Traffic.NONE;
        int steps;
    }

    /**
     * Evaluates.
     *
     * @param progress in units of about the same time each
     * @throws LecternException of kind {@code TOO_LONG} if the model cannot hold the longest; {@code BAD_OPTION} if a length is too short for a task, or several formats are asked for
     */
    public static AnswerDivergenceResult run(
            BenchModel subject,
            ModelOptions modelOptions,
            TaskOptions options,
            Progress progress,
            Cancellation cancellation) {
        if (options.kv().size() > 1) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--kv names " + String.join(", ", options.kv())
                            + ", but here methods are compared over one format: name one of them.");
        }
        String digest = ModelDigest.of(subject, cancellation);
        try (Model model = subject.open(modelOptions)) {
            TaskEval.requireRoom(model, subject.name(), options.lengths().getLast());
            AnswerDivergenceEval eval = new AnswerDivergenceEval(model, options, new Work(progress), cancellation);
            eval.all();
            Provenance provenance = Provenance.here(options.command("answer-kld", subject), modelOptions);
            Evaluated evaluated = new Evaluated(subject.name(), digest, model.threads(), provenance);
            return new AnswerDivergenceResult(evaluated, options, eval.rows);
        }
    }

    private void all() {
        for (int length : options.lengths()) {
            int tasks = options.tasks(length).size();
            work.plan(tasks * options.samples() * (readings() * Work.reading(0, length) + answers() * told(length)));
        }
        for (int length : options.lengths()) {
            for (Task task : options.tasks(length)) {
                List<Found> found =
                        options.methods().stream().map(m -> new Found()).toList();
                for (int index = 0; index < options.samples(); index++) {
                    sample(TaskPrompt.of(model, options, task, length, index), length, found);
                }
                for (int i = 0; i < found.size(); i++) {
                    rows.add(row(task, options.methods().get(i), length, found.get(i)));
                }
            }
        }
    }

    private long readings() {
        return 1
                + options.methods().stream()
                        .filter(method -> !method.readsExactly())
                        .count();
    }

    private int answers() {
        return options.methods().size() + 1; // and that of dense attention, which the others are told
    }

    private static double told(int length) {
        return Work.decoding(length, 1 + TOLD);
    }

    private static AnswerDivergenceResult.Row row(Task task, Method method, int length, Found found) {
        return new AnswerDivergenceResult.Row(
                task.name(),
                method,
                length,
                found.divergences,
                (double) found.same / found.divergences.size(),
                (double) found.traffic.bytes() / found.steps,
                found.traffic.density());
    }

    /** One prompt, by all methods. */
    private void sample(TaskPrompt prompt, int length, List<Found> found) {
        int[] tokens = prompt.tokens();
        int last = tokens.length - 1, context = Math.min(prompt.context(), last);
        List<Waiting> waiting = new ArrayList<>();
        List<Method> exactReaders =
                options.methods().stream().filter(Method::readsExactly).toList();
        SessionOptions exactly = Method.reading(options.kv().getFirst(), tokens.length + TOLD, exactReaders);
        try (Session exact = model.newSession(exactly)) {
            exact.read(Arrays.copyOf(tokens, context), work.reading(0), cancellation);
            work.did(Work.reading(0, length));
            fork(exact, Protocol.B, waiting);
            if (last > context) {
                exact.read(Arrays.copyOfRange(tokens, context, last), Progress.NONE, cancellation);
            }
            fork(exact, Protocol.A, waiting);
            ToldAnswer told = ToldAnswer.of(model, exact, tokens[last], cancellation);
            work.did(told(length));
            for (Waiting one : waiting) {
                tell(told, one, prompt, found.get(options.methods().indexOf(one.method)));
                work.did(told(length));
            }
            for (Method method : options.methods()) {
                if (!method.readsExactly()) {
                    Waiting one = new Waiting(method, read(method, prompt));
                    waiting.add(one);
                    work.did(Work.reading(0, length));
                    tell(told, one, prompt, found.get(options.methods().indexOf(method)));
                    work.did(told(length));
                }
            }
        } finally {
            waiting.forEach(one -> one.session.close());
        }
    }

    /** Tells a method the rest of the question and the answer. */
    private void tell(ToldAnswer told, Waiting one, TaskPrompt prompt, Found of) {
        int[] tokens = prompt.tokens();
        int last = tokens.length - 1, from = one.session.length();
        Traffic before = model.traffic();
        for (int i = from; i < last; i++) {
            model.step(List.of(one.session), new int[] {tokens[i]}, cancellation);
        }
        of.same += told.tell(model, one.session, of.divergences, cancellation);
        of.traffic = of.traffic.plus(model.traffic().since(before));
        of.steps += last - from + told.tokens().length;
        one.session.close();
    }

    /** What a method of reading has made of a text, and, where the question is read exactly, of that but for its last token. */
    private Session read(Method method, TaskPrompt prompt) {
        int[] tokens = prompt.tokens();
        int last = tokens.length - 1, context = Math.min(prompt.context(), last);
        Session session = model.newSession(Method.reading(method.kv(), tokens.length + TOLD, List.of(method))
                .withQuestion(prompt.question(model.tokenizer())));
        try {
            session.read(Arrays.copyOf(tokens, context), work.reading(0), cancellation);
            if (method.protocol() == Protocol.A && last > context) {
                session.read(Arrays.copyOfRange(tokens, context, last), Progress.NONE, cancellation);
            }
            return session;
        } catch (RuntimeException | Error e) {
            session.close();
            throw e;
        }
    }

    private void fork(Session session, Protocol protocol, List<Waiting> waiting) {
        for (Method method : options.methods()) {
            if (method.protocol() == protocol && method.readsExactly()) {
                waiting.add(new Waiting(method, method.from(session, cancellation)));
            }
        }
    }
}
