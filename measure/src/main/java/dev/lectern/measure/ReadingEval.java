package dev.lectern.measure;

import dev.lectern.Answer;
import dev.lectern.Cancellation;
import dev.lectern.GenerateOptions;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Passage;
import dev.lectern.PassageReading;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.measure.tasks.Fitting;
import dev.lectern.measure.tasks.Prose;
import dev.lectern.measure.tasks.Sample;
import dev.lectern.measure.tasks.Task;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Whether what {@code ask --show-reading} names is what an answer comes from: texts that hold one needle are asked for it as {@code ask} does, and where the answer is right, the passage that was read most
 * is to be the one with the needle.
 */
public final class ReadingEval {
    private static final long SEED = 1;

    /** A number and some words around it. */
    private static final int ANSWER_TOKENS = 48;

    private static final String KV = "f16";

    private ReadingEval() {}

    /**
     * Evaluates.
     *
     * @param options of which the tasks of one needle, their first length, the samples and the methods count
     * @param progress in samples
     * @throws dev.lectern.LecternException of kind {@code TOO_LONG} if the model cannot hold such a text
     */
    public static ReadingResult run(
            BenchModel subject,
            ModelOptions modelOptions,
            ReadingOptions options,
            Progress progress,
            Cancellation cancellation) {
        String digest = ModelDigest.of(subject, cancellation);
        try (Model model = subject.open(modelOptions)) {
            TaskEval.requireRoom(model, subject.name(), options.length());
            Map<String, ReadingResult.Row> rows = new LinkedHashMap<>();
            options.attention().forEach(method -> rows.put(method, new ReadingResult.Row(method, 0, 0, 0)));
            List<Task> tasks = options.tasks();
            int all = tasks.size() * options.samples();
            for (int i = 0; i < all; i++) {
                sample(model, tasks.get(i % tasks.size()), i / tasks.size(), options, rows, cancellation);
                progress.report(i + 1, all);
            }
            Provenance provenance = Provenance.here("lectern eval reproduce --full reading", modelOptions);
            Evaluated evaluated = new Evaluated(subject.name(), digest, model.threads(), provenance);
            return new ReadingResult(evaluated, options, KV, SEED, List.copyOf(rows.values()));
        }
    }

    /** Asks one sample by every method. */
    private static void sample(
            Model model,
            Task task,
            int index,
            ReadingOptions options,
            Map<String, ReadingResult.Row> rows,
            Cancellation cancellation) {
        Sample sample = Fitting.sample(
                task, SEED, index, options.length(), new Prose(), candidate -> prompt(model, candidate).length);
        int[] prompt = prompt(model, sample);
        int begin = same(prompt, model.chat("", List.of("?"), sample.question()));
        int end = same(prompt, model.chat("", List.of(sample.context()), "?"));
        List<Passage> passages = Passage.of(model.tokenizer(), prompt, begin, end);
        SessionOptions exactly =
                SessionOptions.DEFAULT.withContext(options.length()).withKv(KV);
        try (Session read = model.newSession(exactly)) {
            read.read(Arrays.copyOf(prompt, end), Progress.NONE, cancellation);
            for (String method : options.attention()) {
                try (Session session = read.fork(method)) {
                    PassageReading reading = new PassageReading(model.attentionShape(), passages);
                    session.observe(reading);
                    session.read(Arrays.copyOfRange(prompt, end, prompt.length), Progress.NONE, cancellation);
                    GenerateOptions generate = GenerateOptions.DEFAULT.withMaxTokens(
                            Math.min(ANSWER_TOKENS, options.length() - prompt.length));
                    Answer answer = session.generate(generate, (n, token, text) -> {}, cancellation);
                    boolean right = task.scoring().score(answer.text(), sample) == 1;
                    boolean found = passages.get(most(reading.masses()))
                            .text()
                            .contains(sample.references().getFirst());
                    rows.computeIfPresent(method, (name, row) -> row.plus(right, found));
                }
            }
        }
    }

    private static int[] prompt(Model model, Sample sample) {
        return model.chat("", List.of(sample.context()), sample.question());
    }

    /** How many tokens two prompts begin with alike. */
    private static int same(int[] prompt, int[] other) {
        int mismatch = Arrays.mismatch(prompt, other);
        return mismatch < 0 ? prompt.length : mismatch;
    }

    private static int most(double[] masses) {
        int most = 0;
        for (int i = 1; i < masses.length; i++) {
            most = masses[i] > masses[most] ? i : most;
        }
        return most;
    }
}
