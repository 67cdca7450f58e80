package dev.lectern.measure;

import dev.lectern.Answer;
import dev.lectern.AttentionObserver;
import dev.lectern.Cancellation;
import dev.lectern.Estimate;
import dev.lectern.GenerateOptions;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.Traffic;
import dev.lectern.kv.Closing;
import dev.lectern.kv.KvFormats;
import dev.lectern.measure.tasks.Task;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How well a model answers questions about texts of a given length, by one method or by several. A sample is written as a conversation by the model's own template; the answer's beginning is put into its
 * mouth, and it goes on greedily. A text is read once for all methods over a format of the cache that read it alike, with exact attention where they do not say otherwise, and each method goes on from that reading; a question is never read but with attention to the whole text. Some samples are answered together, by all methods, so that
 * the weights are read once for all; that changes no answer. Each finished sample is kept, and not computed again.
 */
public final class TaskEval {
    /** Samples read before they are answered together, where their texts are short. */
    private static final int TOGETHER = 8;

    /** Answers written together, of all samples and methods. More gain little: a step is then as long as their attention. */
    private static final int ANSWERS_TOGETHER = 32;

    /** Tokens of samples that are answered together, so that an interruption costs no more than minutes. */
    private static final int TOKENS_TOGETHER = 32_768;

    /** The share of free memory that sessions may take. */
    private static final double MEMORY = 0.5;

    private final Model model;
    private final String digest;
    private final TaskOptions options;
    private final FinishedSamples finished;
    private final String rope;
    private final Provenance provenance;
    private final Work work;
    private final Cancellation cancellation;
    private final Map<Method, String> learned = new HashMap<>();

    private TaskEval(
            Model model,
            String digest,
            TaskOptions options,
            FinishedSamples finished,
            String rope,
            Provenance provenance,
            Work work,
            Cancellation cancellation) {
        this.model = model;
        this.digest = digest;
        this.options = options;
        this.finished = finished;
        this.rope = rope;
        this.provenance = provenance;
        this.work = work;
        this.cancellation = cancellation;
    }

    /** A sample that some methods have not answered. */
    private record Open(Task task, int length, int index, List<Method> methods) {}

    /** A sample whose text is read, and then its question too. */
    private record Reading(Open open, TaskPrompt prompt, Session session) {
        /** What is not read of it. */
        int[] question() {
            return Arrays.copyOfRange(prompt.tokens(), session.length(), prompt.tokens().length);
        }
    }

    /**
     * Evaluates.
     *
     * @param folder keeps finished samples, in a file for each suite and model
     * @param progress in units of about the same time each
     * @throws LecternException of kind {@code TOO_LONG} if the model cannot hold the longest; {@code BAD_OPTION} if a length is too short for a task; {@code CANCELLED}, and then all
     *     finished samples are kept
     */
    public static TaskResults run(
            BenchModel subject,
            ModelOptions modelOptions,
            TaskOptions options,
            Path folder,
            Progress progress,
            Cancellation cancellation) {
        String digest = ModelDigest.of(subject, cancellation);
        Provenance provenance = Provenance.here(options.command(subject), modelOptions);
        Path file = folder.resolve(options.suite().name() + "-" + AtomicFile.plain(subject.name()) + ".jsonl");
        try (FinishedSamples finished = new FinishedSamples(file);
                Model model = subject.open(modelOptions)) {
            requireRoom(model, subject.name(), options.lengths().getLast());
            String rope = modelOptions
                    .ropeScaling()
                    .map(scaling -> ";rope=" + scaling)
                    .orElse("");
            TaskEval eval =
                    new TaskEval(model, digest, options, finished, rope, provenance, new Work(progress), cancellation);
            eval.answerAll();
            return new TaskResults(
                    new Evaluated(subject.name(), digest, model.threads(), provenance),
                    options,
                    eval.rows(),
                    eval.origins());
        }
    }

    /** Refuses a length that a model does not hold. */
    static void requireRoom(Model model, String name, int longest) {
        if (longest > model.context()) {
            throw new LecternException(
                    LecternException.Kind.TOO_LONG,
                    "--length " + longest + " is more than " + name + " holds, which is " + model.context()
                            + ": ask for less, or stretch it with --rope-scaling (linear:factor=2 doubles it).");
        }
    }

    private void answerAll() {
        List<List<Open>> groups = new ArrayList<>();
        for (int length : options.lengths()) {
            for (Task task : options.tasks(length)) {
                groups.addAll(groups(task, length));
            }
        }
        groups.forEach(group -> group.forEach(open -> work.plan(units(open))));
        groups.forEach(this::answer);
    }

    /** The samples of a task that are open, in groups that are answered together. */
    private List<List<Open>> groups(Task task, int length) {
        int most = together(length);
        List<List<Open>> groups = new ArrayList<>();
        List<Open> group = new ArrayList<>();
        for (int index = 0; index < options.samples(); index++) {
            int sample = index;
            List<Method> methods = options.methods().stream()
                    .filter(method ->
                            finished.get(key(method, task, length, sample)).isEmpty())
                    .toList();
            if (methods.isEmpty()) {
                continue;
            }
            // Samples that lack the same methods go together.
            if (group.size() == most
                    || (!group.isEmpty() && !group.getFirst().methods().equals(methods))) {
                groups.add(List.copyOf(group));
                group.clear();
            }
            group.add(new Open(task, length, index, methods));
        }
        if (!group.isEmpty()) {
            groups.add(List.copyOf(group));
        }
        return groups;
    }

    private int together(int length) {
        int most = Math.clamp(TOKENS_TOGETHER / length, 1, TOGETHER);
        long each = 0, beside = 0, available = 0;
        for (Method method : options.methods()) {
            Estimate estimate = model.estimate(session(method, length), most);
            // What stays of a text is a copy; else there is one for all methods over a format.
            each = method.keepsAll() ? Math.max(each, estimate.kv()) : Math.addExact(each, estimate.kv());
            beside = Math.addExact(beside, estimate.besideCache());
            available = estimate.available();
        }
        long room = (long) (MEMORY * available) - beside;
        return (int) Math.clamp(room / Math.max(1, each), 1, most);
    }

    private static SessionOptions session(Method method, int length) {
        return SessionOptions.DEFAULT
                .withContext(length)
                .withKv(method.kv())
                .withPrefill(method.prefill())
                .withAttention(method.attention())
                .withKeep(method.keep());
    }

    private FinishedSamples.Key key(Method method, Task task, int length, int index) {
        String methods = options.described(method) + learned.computeIfAbsent(method, of -> of.learned(model)) + rope;
        return new FinishedSamples.Key(digest, methods, task.name(), length, options.seed(), index);
    }

    private static double units(Open open) {
        int answer = open.task.answerTokens(), prompt = Math.max(1, open.length - answer);
        int readings = bySource(open.methods).size();
        return readings * Work.reading(0, prompt) + open.methods.size() * Work.decoding(prompt, answer);
    }

    private void answer(List<Open> group) {
        for (List<Method> methods : bySource(group.getFirst().methods)) {
            boolean questions =
                    methods.stream().allMatch(method -> method.protocol() == Protocol.A && method.readsExactly());
            List<Reading> readings = new ArrayList<>();
            try {
                for (Open open : group) {
                    Reading reading = read(open, methods, questions);
                    readings.add(reading);
                    work.did(Work.reading(0, reading.prompt.tokens().length));
                }
                answer(readings, methods, Protocol.B);
                if (methods.stream().anyMatch(method -> method.protocol() == Protocol.A)) {
                    readings.forEach(this::readQuestion);
                    answer(readings, methods, Protocol.A);
                }
            } finally {
                readings.forEach(reading -> reading.session.close());
            }
        }
    }

    /** Methods that can go on from one reading of a text, together. */
    private static List<List<Method>> bySource(List<Method> methods) {
        Map<String, List<Method>> sources = new LinkedHashMap<>();
        for (Method method : methods) {
            // Where codes depend on which tokens came in one call, a question that is read apart is another reading.
            String source =
                    method.prefill() + ";" + method.kv() + (storesAtOnce(method.kv()) ? "" : ";" + method.protocol());
            sources.computeIfAbsent(source, s -> new ArrayList<>()).add(method);
        }
        return List.copyOf(sources.values());
    }

    private static boolean storesAtOnce(String kv) {
        KvFormats formats = KvFormats.named(kv);
        return formats.keys().closing() instanceof Closing.AtOnce
                && formats.values().closing() instanceof Closing.AtOnce;
    }

    private void answer(List<Reading> readings, List<Method> methods, Protocol protocol) {
        List<Method> asked =
                methods.stream().filter(method -> method.protocol() == protocol).toList();
        int together = Math.max(1, ANSWERS_TOGETHER / readings.size());
        for (int from = 0; from < asked.size(); from += together) {
            answer(readings, asked.subList(from, Math.min(asked.size(), from + together)));
        }
    }

    /** Reads a question exactly, where it is not read yet. */
    private void readQuestion(Reading reading) {
        if (reading.question().length > 0) {
            reading.session.read(reading.question(), Progress.NONE, cancellation);
        }
    }

    /**
     * Reads a sample.
     *
     * @param methods that go on from it, over one format, and read it alike
     * @param question whether its question too
     */
    private Reading read(Open open, List<Method> methods, boolean question) {
        TaskPrompt prompt = TaskPrompt.of(model, options, open.task, open.length, open.index);
        int read = question ? prompt.tokens().length : prompt.context();
        Session session = model.newSession(Method.reading(methods.getFirst().kv(), open.length, methods)
                .withQuestion(prompt.question(model.tokenizer())));
        try {
            session.read(Arrays.copyOf(prompt.tokens(), read), work.reading(0), cancellation);
            return new Reading(open, prompt, session);
        } catch (RuntimeException | Error e) {
            session.close();
            throw e;
        }
    }

    /** A sample that is answered by a method. */
    private record Answering(Reading reading, Session session) {}

    /** Adds up what a method has read for its samples. */
    private static final class Looked implements AttentionObserver {
        private Traffic traffic = Traffic.NONE;
        private int steps;

        @Override
        public void looked(int layer, Traffic more) {
            traffic = traffic.plus(more);
        }
    }

    /** Answers samples together by some methods, and keeps them. */
    private void answer(List<Reading> readings, List<Method> methods) {
        Task task = readings.getFirst().open.task;
        List<Answering> all = new ArrayList<>();
        try {
            List<Looked> looked = new ArrayList<>();
            for (Method method : methods) {
                looked.add(new Looked());
                for (Reading reading : readings) {
                    Answering answering = new Answering(reading, method.from(reading.session, cancellation));
                    all.add(answering);
                    answering.session.observe(looked.getLast());
                    looked.getLast().steps += reading.question().length;
                }
            }
            readQuestions(all);
            List<Answer> answers = model.generate(
                    all.stream().map(Answering::session).toList(),
                    GenerateOptions.DEFAULT.withMaxTokens(task.answerTokens()),
                    (n, token, text) -> {},
                    cancellation);
            for (int i = 0; i < answers.size(); i++) {
                // The first token comes from the last that was read.
                looked.get(i / readings.size()).steps += answers.get(i).tokens().size() - 1;
            }
            for (int i = 0; i < answers.size(); i++) {
                Looked of = looked.get(i / readings.size());
                Method method = methods.get(i / readings.size());
                Reading reading = all.get(i).reading;
                String text = answers.get(i).text();
                finished.add(
                        key(method, task, reading.open.length, reading.open.index),
                        new FinishedSamples.Finished(
                                task.scoring().score(text, reading.prompt.sample()),
                                reading.prompt.tokens().length,
                                text,
                                (double) of.traffic.bytes() / Math.max(1, of.steps),
                                of.traffic.density()),
                        provenance);
                work.did(Work.decoding(reading.prompt.tokens().length, task.answerTokens()));
            }
        } finally {
            all.forEach(answering -> answering.session.close());
        }
    }

    /** Reads what is left of the prompts, token by token, as the method of attention sees tokens. */
    private void readQuestions(List<Answering> all) {
        int longest =
                all.stream().mapToInt(of -> of.reading.question().length).max().orElseThrow();
        for (int t = 0; t < longest; t++) {
            List<Session> going = new ArrayList<>();
            List<Integer> tokens = new ArrayList<>();
            for (Answering answering : all) {
                int[] question = answering.reading.question();
                if (t < question.length) {
                    going.add(answering.session);
                    tokens.add(question[t]);
                }
            }
            model.step(going, tokens.stream().mapToInt(Integer::intValue).toArray(), cancellation);
        }
    }

    /** Of all samples, the one with the most first. */
    private List<TaskResults.Origin> origins() {
        Map<FinishedSamples.Origin, Integer> counts = new LinkedHashMap<>();
        for (int length : options.lengths()) {
            for (Method method : options.methods()) {
                for (Task task : options.tasks(length)) {
                    for (int index = 0; index < options.samples(); index++) {
                        counts.merge(finished.origin(key(method, task, length, index)), 1, Integer::sum);
                    }
                }
            }
        }
        return counts.entrySet().stream()
                .map(of ->
                        new TaskResults.Origin(of.getKey().commit(), of.getKey().machine(), of.getValue()))
                .sorted(Comparator.comparingInt(TaskResults.Origin::samples).reversed())
                .toList();
    }

    private List<TaskResults.Row> rows() {
        List<TaskResults.Row> rows = new ArrayList<>();
        for (int length : options.lengths()) {
            for (Method method : options.methods()) {
                for (Task task : options.tasks(length)) {
                    List<FinishedSamples.Finished> samples = new ArrayList<>();
                    for (int index = 0; index < options.samples(); index++) {
                        samples.add(
                                finished.get(key(method, task, length, index)).orElseThrow());
                    }
                    rows.add(TaskResults.Row.of(task.name(), method, length, samples));
                }
            }
        }
        return rows;
    }
}
