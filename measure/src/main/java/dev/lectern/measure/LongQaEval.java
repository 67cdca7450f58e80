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
import dev.lectern.Traffic;
import dev.lectern.measure.tasks.AnswerMetric;
import dev.lectern.measure.tasks.Question;
import dev.lectern.measure.tasks.QuestionFile;
import dev.lectern.text.Thinking;
import dev.lectern.text.ThinkingSplitter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How well a model answers the questions of a file, each about a long text, by one method or by several. The text stands first, so that it is read once, with exact attention, for all questions about it
 * and for all methods over a format of the cache, and each goes on from that reading. Answers are greedy. Each finished answer is kept, and scores are computed from it.
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
    private final Map<Method, String> learned = new HashMap<>();
    private final FinishedSamples finished;
    private final Provenance provenance;

    /** Questions about one text. */
    private record Group(FittedContext context, List<Question> questions) {}

    private LongQaEval(
            Model model,
            ModelOptions modelOptions,
            LongQaOptions options,
            QuestionFile file,
            String digest,
            FinishedSamples finished,
            Provenance provenance,
            Work work,
            Cancellation cancellation) {
        this.model = model;
        this.modelOptions = modelOptions;
        this.options = options;
        this.file = file;
        this.digest = digest;
        this.finished = finished;
        this.provenance = provenance;
        this.length = options.length() == 0 ? model.context() : options.length();
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
        Provenance provenance = Provenance.here(options.command(subject, file.name()), modelOptions);
        String name = AtomicFile.plain(subject.name());
        try (FinishedSamples finished = new FinishedSamples(folder.resolve("longqa-" + name + ".jsonl"));
                Model model = subject.open(modelOptions)) {
            LongQaEval eval = new LongQaEval(
                    model, modelOptions, options, file, digest, finished, provenance, new Work(progress), cancellation);
            eval.requireRoom(subject.name());
            List<Group> groups = eval.groups();
            groups.forEach(eval::plan);
            groups.forEach(eval::answer);
            return new LongQaResults(
                    new Evaluated(subject.name(), digest, model.threads(), provenance),
                    options,
                    file,
                    eval.length,
                    eval.answers(groups));
        }
    }

    private void requireRoom(String name) {
        TaskEval.requireRoom(model, name, length);
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

    /** Those of some methods that have not answered a question. */
    private List<Method> unfinished(Question question, List<Method> methods) {
        return methods.stream()
                .filter(method -> finished.get(key(question, method)).isEmpty())
                .toList();
    }

    /** The methods over each format of the cache. */
    private List<List<Method>> byFormat() {
        return options.kv().stream()
                .map(kv -> options.methods().stream()
                        .filter(method -> method.kv().equals(kv))
                        .toList())
                .toList();
    }

    private void plan(Group group) {
        for (List<Method> methods : byFormat()) {
            int answers = group.questions().stream()
                    .mapToInt(question -> unfinished(question, methods).size())
                    .sum();
            if (answers > 0) {
                work.plan(Work.reading(0, group.context().tokens()) + answers * units(group.context()));
            }
        }
    }

    /** Of a question after its text, by one method. */
    private double units(FittedContext context) {
        int asked = context.longest() - context.tokens();
        double reading = options.protocol() == Protocol.A
                ? Work.reading(context.tokens(), asked)
                : Work.decoding(context.tokens(), asked);
        return reading + Work.decoding(context.longest(), options.maxTokens());
    }

    private void answer(Group group) {
        for (List<Method> methods : byFormat()) {
            List<Question> questions = group.questions().stream()
                    .filter(question -> !unfinished(question, methods).isEmpty())
                    .toList();
            if (!questions.isEmpty()) {
                answer(group.context(), questions, methods);
            }
        }
    }

    /** @param methods over one format of the cache */
    private void answer(FittedContext context, List<Question> questions, List<Method> methods) {
        SessionOptions exact = SessionOptions.DEFAULT
                .withContext(context.longest() + options.maxTokens())
                .withKv(methods.getFirst().kv());
        try (Session text = model.newSession(exact)) {
            int[] shared = Arrays.copyOf(prompt(context, questions.getFirst()), context.tokens());
            text.read(shared, work.reading(0), cancellation);
            work.did(Work.reading(0, context.tokens()));
            for (Question question : questions) {
                int[] prompt = prompt(context, question);
                try (Session asked = text.fork()) {
                    if (options.protocol() == Protocol.A) {
                        asked.read(rest(prompt, asked), Progress.NONE, cancellation);
                    }
                    for (Method method : unfinished(question, methods)) {
                        try (Session answering = asked.fork(method.attention())) {
                            finished.add(key(question, method), answered(answering, question, prompt), provenance);
                        }
                        work.did(units(context));
                    }
                }
            }
        }
    }

    /** What a session has not read of a prompt. */
    private static int[] rest(int[] prompt, Session session) {
        return Arrays.copyOfRange(prompt, session.length(), prompt.length);
    }

    private FinishedSamples.Finished answered(Session session, Question question, int[] prompt) {
        Traffic before = model.traffic();
        int[] alone = rest(prompt, session);
        for (int token : alone) {
            // A token alone is what the method of attention sees.
            model.step(List.of(session), new int[] {token}, cancellation);
        }
        GenerateOptions generate = GenerateOptions.DEFAULT.withMaxTokens(options.maxTokens());
        Answer answer = session.generate(generate, (n, token, text) -> {}, cancellation);
        Traffic traffic = model.traffic().since(before);
        int steps = alone.length + answer.tokens().size() - 1; // the first comes from the last token that was read
        return new FinishedSamples.Finished(
                AnswerMetric.F1.score(said(answer.text()), question),
                prompt.length,
                answer.text(),
                (double) traffic.bytes() / Math.max(1, steps),
                traffic.density());
    }

    /** By the methods in their order, of each in the order of the file. */
    private List<LongQaResults.Answered> answers(List<Group> groups) {
        List<LongQaResults.Answered> answers = new ArrayList<>();
        for (Method method : options.methods()) {
            List<LongQaResults.Answered> byOne = new ArrayList<>();
            for (Group group : groups) {
                for (Question question : group.questions()) {
                    FinishedSamples.Finished end =
                            finished.get(key(question, method)).orElseThrow();
                    byOne.add(new LongQaResults.Answered(
                            question,
                            method,
                            end.tokens(),
                            group.context().cut(),
                            said(end.answer()),
                            end.bytesRead(),
                            end.density()));
                }
            }
            byOne.sort(Comparator.comparingInt(answer -> answer.question().line()));
            answers.addAll(byOne);
        }
        return answers;
    }

    private FinishedSamples.Key key(Question question, Method method) {
        String methods = String.join(
                ";",
                "attention=" + method.attention() + learned.computeIfAbsent(method, of -> of.learned(model)),
                "kv=" + method.kv(),
                "protocol=" + options.protocol(),
                "rope=" + modelOptions.ropeScaling().orElse(""),
                "max-tokens=" + options.maxTokens(),
                "instruction=" + options.instruction());
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
        ThinkingSplitter splitter = new ThinkingSplitter(Thinking.POSSIBLE);
        return (splitter.accept(answer).answer() + splitter.finish().answer()).strip();
    }
}
