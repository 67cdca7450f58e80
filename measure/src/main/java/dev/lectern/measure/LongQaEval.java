package dev.lectern.measure;

import dev.lectern.Answer;
import dev.lectern.Cancellation;
import dev.lectern.GenerateOptions;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.attention.Traffic;
import dev.lectern.measure.tasks.AnswerMetric;
import dev.lectern.measure.tasks.Question;
import dev.lectern.measure.tasks.QuestionFile;
import dev.lectern.text.ThinkingSplitter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How well a model answers the questions of a file, each about a long text. The text stands first, so that what several questions are about is read once, and forked for each. Answers are greedy.
 * Each finished answer is kept, and scores are computed from it.
 *
 * <p>Sources of the form of such files: Bai et al., "LongBench" (arXiv 2308.14508); Zhang et al., "InfiniteBench" (arXiv 2402.13718). Deviation: one wording for all data sets, put by the model's own
 * template, so scores are not those of their leaderboards.
 */
public final class LongQaEval {
    private final Model model;
    private final ModelOptions modelOptions;
    private final LongQaOptions options;
    private final QuestionFile file;
    private final String digest;
    private final int length;
    private final Work work;
    private final Cancellation cancellation;
    private final Provenance provenance;

    /** Questions about one text. */
    private record Group(FittedContext context, List<Question> questions) {}

    private LongQaEval(
            Model model,
            ModelOptions modelOptions,
            LongQaOptions options,
            QuestionFile file,
            String digest,
            Provenance provenance,
            Work work,
            Cancellation cancellation) {
        this.model = model;
        this.modelOptions = modelOptions;
        this.options = options;
        this.file = file;
        this.digest = digest;
        this.length = options.length() == 0 ? model.context() : options.length();
        this.provenance = provenance;
        this.work = work;
        this.cancellation = cancellation;
    }

    /**
     * Evaluates.
     *
     * @param folder keeps finished answers, in a file for each model
     * @param progress in units of about the same time each
     * @throws LecternException of kind {@code TOO_LONG} if the model cannot hold the length, or a question leaves no room for a text; {@code BAD_OPTION} if the model has no template; {@code CANCELLED},
     *     and then all finished answers are kept
     */
    public static LongQaResults run(
            BenchModel subject,
            ModelOptions modelOptions,
            LongQaOptions options,
            QuestionFile file,
            Path folder,
            Progress progress,
            Cancellation cancellation) {
        String digest = ModelDigest.of(subject, cancellation);
        String name = AtomicFile.plain(subject.name());
        try (FinishedSamples finished = new FinishedSamples(folder.resolve("longqa-" + name + ".jsonl"));
                Model model = subject.open(modelOptions)) {
            LongQaEval eval = new LongQaEval(
                    model,
                    modelOptions,
                    options,
                    file,
                    digest,
                    Provenance.here(options.command(subject, file)),
                    new Work(progress),
                    cancellation);
            eval.requireRoom(subject.name());
            List<Group> groups = eval.groups();
            for (Group group : groups) {
                eval.plan(group, finished);
            }
            for (Group group : groups) {
                eval.answer(group, finished);
            }
            return new LongQaResults(
                    new Evaluated(subject.name(), digest, model.threads(), eval.provenance),
                    options,
                    file,
                    eval.length,
                    eval.answers(groups, finished));
        }
    }

    private void requireRoom(String name) {
        if (length > model.context()) {
            throw new LecternException(
                    LecternException.Kind.TOO_LONG,
                    "--length " + length + " is more than " + name + " holds, which is " + model.context()
                            + ": ask for less, or stretch it with --rope-scaling (linear:factor=2 doubles it).");
        }
        if (options.maxTokens() >= length) {
            throw new LecternException(
                    LecternException.Kind.TOO_LONG,
                    "--max-tokens " + options.maxTokens() + " leaves nothing of " + length
                            + " tokens for the text: lower it, or raise --length.");
        }
    }

    /** All questions of the file, also those that are not asked: what a text is cut to must not depend on how many are. */
    private List<Group> groups() {
        Map<String, List<Question>> byContext = new LinkedHashMap<>();
        for (Question question : file.questions()) {
            byContext
                    .computeIfAbsent(question.context(), context -> new ArrayList<>())
                    .add(question);
        }
        int count = options.samples() == 0 ? file.questions().size() : options.samples();
        List<Question> asked = file.questions().stream().limit(count).toList();
        int last = asked.getLast().line();
        List<Group> groups = new ArrayList<>();
        byContext.forEach((context, questions) -> {
            cancellation.check();
            List<Question> chosen = questions.stream()
                    .filter(question -> question.line() <= last)
                    .toList();
            if (!chosen.isEmpty()) {
                List<String> texts = questions.stream().map(this::asked).toList();
                groups.add(new Group(FittedContext.of(model, context, texts, length - options.maxTokens()), chosen));
            }
        });
        return groups;
    }

    private List<Question> unfinished(Group group, FinishedSamples finished) {
        return group.questions().stream()
                .filter(question -> finished.get(key(question)).isEmpty())
                .toList();
    }

    private void plan(Group group, FinishedSamples finished) {
        int questions = unfinished(group, finished).size();
        if (questions > 0) {
            work.plan(Work.reading(0, group.context().tokens()) + questions * units(group.context()));
        }
    }

    /** Of a question after its text. */
    private double units(FittedContext context) {
        int asked = context.longest() - context.tokens();
        double reading = options.protocol() == Protocol.A
                ? Work.reading(context.tokens(), asked)
                : Work.decoding(context.tokens(), asked);
        return reading + Work.decoding(context.longest(), options.maxTokens());
    }

    private void answer(Group group, FinishedSamples finished) {
        List<Question> questions = unfinished(group, finished);
        if (questions.isEmpty()) {
            return;
        }
        FittedContext context = group.context();
        SessionOptions session = SessionOptions.DEFAULT
                .withContext(context.longest() + options.maxTokens())
                .withKv(options.kv())
                .withAttention(options.attention());
        try (Session text = model.newSession(session)) {
            int[] shared = Arrays.copyOf(prompt(context, questions.getFirst()), context.tokens());
            text.read(shared, work.reading(0), cancellation);
            work.did(Work.reading(0, context.tokens()));
            for (Question question : questions) {
                try (Session fork = text.fork()) {
                    finished.add(key(question), answered(fork, question, prompt(context, question)), provenance);
                }
                work.did(units(context));
            }
        }
    }

    private FinishedSamples.Finished answered(Session session, Question question, int[] prompt) {
        int from = session.length();
        Traffic before = model.traffic();
        int steps = -1; // the first token of an answer comes from the last that was read
        if (options.protocol() == Protocol.A) {
            session.read(Arrays.copyOfRange(prompt, from, prompt.length), Progress.NONE, cancellation);
        } else {
            for (int i = from; i < prompt.length; i++) {
                // A token alone is what the method of attention sees.
                model.step(List.of(session), new int[] {prompt[i]}, cancellation);
                steps++;
            }
        }
        GenerateOptions generate = GenerateOptions.DEFAULT.withMaxTokens(options.maxTokens());
        Answer answer = session.generate(generate, (n, token, text) -> {}, cancellation);
        steps += answer.tokens().size();
        Traffic traffic = model.traffic().since(before);
        return new FinishedSamples.Finished(
                AnswerMetric.F1.score(said(answer.text()), question),
                prompt.length,
                answer.text(),
                (double) traffic.bytes() / Math.max(1, steps),
                traffic.density());
    }

    private List<LongQaResults.Answered> answers(List<Group> groups, FinishedSamples finished) {
        List<LongQaResults.Answered> answers = new ArrayList<>();
        for (Group group : groups) {
            for (Question question : group.questions()) {
                FinishedSamples.Finished end = finished.get(key(question)).orElseThrow();
                answers.add(new LongQaResults.Answered(
                        question, end.tokens(), group.context().cut(), said(end.answer())));
            }
        }
        return answers;
    }

    private FinishedSamples.Key key(Question question) {
        String methods = "attention=" + options.attention() + ";kv=" + options.kv() + ";protocol=" + options.protocol()
                + ";rope=" + modelOptions.ropeScaling().orElse("") + ";max-tokens=" + options.maxTokens()
                + ";instruction=" + options.instruction();
        return new FinishedSamples.Key(
                digest, methods, "longqa " + file.sha256() + " " + question.id(), length, 0, question.line());
    }

    private int[] prompt(FittedContext context, Question question) {
        return model.chat("", List.of(context.text()), asked(question));
    }

    /** What follows the text. */
    private String asked(Question question) {
        String instruction = question.isChoice() ? LongQaOptions.LETTER : LongQaOptions.SHORT;
        StringBuilder asked =
                new StringBuilder("\n\n").append(options.instruction().isEmpty() ? instruction : options.instruction());
        if (!question.input().isBlank()) {
            asked.append("\n\nQuestion: ").append(question.input());
        }
        for (int option = 0; option < question.options().size(); option++) {
            asked.append('\n')
                    .append(Question.letter(option))
                    .append(". ")
                    .append(question.options().get(option));
        }
        return asked.toString();
    }

    /** An answer without what was thought aloud before it. */
    private static String said(String answer) {
        ThinkingSplitter splitter = new ThinkingSplitter(false);
        return (splitter.accept(answer).answer() + splitter.finish().answer()).strip();
    }
}
