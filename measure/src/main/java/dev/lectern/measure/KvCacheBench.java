package dev.lectern.measure;

import com.sun.management.OperatingSystemMXBean;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The classical demonstration of the KV cache: generates the same tokens with and without it, and compares the times.
 *
 * <p>With the cache, the prompt is read once and every further step reads one token. Without it, every step reads the prompt and all tokens
 * generated so far from nothing, as one text. Both ways are timed from the prompt's first token to the choice of the last token, with the same
 * code around the steps, and take turns, so that a slower hour of the machine meets both. Greedy; end tokens are passed over.
 *
 * <p>Before the clock starts, the tokens are generated once with the cache: these are the reference, and they warm the machine up together
 * with a few texts read whole. Timed runs with the cache have to choose exactly the reference's tokens. Those without it follow the reference,
 * and at each step their likeliest token has to be the reference's, or one that ties with it within rounding.
 */
public final class KvCacheBench {
    /** Texts that are read whole before the clock starts, of lengths spread over those to come. */
    private static final int WARM_UPS = 8;

    /** Points of a curve: more than a figure shows. */
    private static final int MOST_POINTS = 100;

    private final KvCacheOptions options;
    private final Progress progress;
    private final Cancellation cancellation;
    private final Session session;
    private final int[] prompt;
    private long readSoFar; // tokens: the unit of the progress
    private final long readInAll;

    private KvCacheBench(
            Session session,
            int[] prompt,
            KvCacheOptions options,
            int runsLeft,
            Progress progress,
            Cancellation cancellation) {
        this.session = session;
        this.prompt = prompt;
        this.options = options;
        this.progress = progress;
        this.cancellation = cancellation;
        long with = prompt.length + options.tokens() - 1;
        long without = IntStream.range(0, options.tokens())
                .mapToLong(i -> prompt.length + i)
                .sum();
        long warmUp = warmUpLengths().stream().mapToLong(Integer::longValue).sum();
        readInAll = with + warmUp + runsLeft * (with + without);
    }

    /**
     * Measures.
     *
     * @param progress in tokens read, warming up included
     * @return the result, which is also in the folder of the options, as {@code kv-cache-MODEL-TOKENS.json}
     * @throws LecternException of kind {@code TOO_LONG} if the model cannot hold prompt and tokens; {@code INTERNAL} if both ways differ by
     *     more than rounding; {@code CANCELLED}, and then the finished runs are in the folder
     */
    public static KvCacheResult run(
            BenchModel subject, KvCacheOptions options, Progress progress, Cancellation cancellation) {
        ModelOptions modelOptions = ModelOptions.DEFAULT.withThreads(options.threads());
        try (Model model = Model.open(subject.path(), modelOptions)) {
            int[] prompt = model.tokenize(options.prompt());
            long needed = (long) prompt.length + options.tokens() - 1;
            if (prompt.length == 0 || needed > model.context()) {
                throw prompt.length == 0 ? noTokens(subject) : tooLong(subject, model, prompt.length, options);
            }
            SessionOptions sessionOptions =
                    SessionOptions.DEFAULT.withKv(options.kv()).withContext((int) needed);
            KvCacheResult.Setting setting = new KvCacheResult.Setting(
                    subject.name(),
                    subject.sha256(),
                    model.estimate(sessionOptions, 1).weights(),
                    options.prompt(),
                    prompt.length,
                    options.tokens(),
                    options.kv(),
                    model.threads());
            Provenance provenance = Provenance.here(setting.command(options.runs()));
            Optional<KvCacheResult> earlier =
                    options.resume() ? earlier(setting, provenance, options) : Optional.empty();
            int done = earlier.map(result -> result.withCache().runs()).orElse(0);
            if (earlier.isPresent() && done >= options.runs()) {
                return earlier.get();
            }
            try (Session session = model.newSession(sessionOptions)) {
                return new KvCacheBench(session, prompt, options, options.runs() - done, progress, cancellation)
                        .measure(setting, provenance, earlier);
            }
        }
    }

    private static LecternException noTokens(BenchModel subject) {
        return new LecternException(
                LecternException.Kind.BAD_OPTION,
                "--prompt has no tokens in the vocabulary of " + subject.name() + ": write another one.");
    }

    private static LecternException tooLong(BenchModel subject, Model model, int promptTokens, KvCacheOptions options) {
        return new LecternException(
                LecternException.Kind.TOO_LONG,
                "--tokens is " + options.tokens() + ", after a prompt of " + promptTokens + " tokens, but "
                        + subject.name() + " holds " + model.context() + ": ask for at most "
                        + Math.max(0, model.context() - promptTokens + 1) + ".");
    }

    private static Path file(KvCacheResult.Setting setting, KvCacheOptions options) {
        return options.folder().resolve(KvCacheResult.name(setting) + ".json");
    }

    private static Optional<KvCacheResult> earlier(
            KvCacheResult.Setting setting, Provenance provenance, KvCacheOptions options) {
        try {
            Path file = file(setting, options);
            return Files.exists(file)
                    ? KvCacheResult.fromJson(Files.readAllBytes(file))
                            .filter(result -> result.setting().equals(setting)
                                    && result.provenance().isLike(provenance))
                    : Optional.empty();
        } catch (IOException e) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--resume: " + file(setting, options) + " cannot be read (" + e.getMessage() + "): leave it out.",
                    e);
        }
    }

    private KvCacheResult measure(
            KvCacheResult.Setting setting, Provenance provenance, Optional<KvCacheResult> earlier) {
        Path file = file(setting, options);
        Optional<KvCacheResult> finished = earlier;
        try {
            Reference reference = reference();
            long kvBytes = session.bytes();
            warmUp(reference);
            int before = earlier.map(result -> result.withCache().runs()).orElse(0);
            for (int run = before; run < options.runs(); run++) {
                Run with = withCache(reference);
                Run without = withoutCache(reference);
                KvCacheResult result = joined(setting, provenance, finished, reference, kvBytes, with, without);
                AtomicFile.write(file, result.toIndentedJson().getBytes(StandardCharsets.UTF_8));
                finished = Optional.of(result);
            }
        } catch (LecternException e) {
            if (e.kind() != LecternException.Kind.CANCELLED) {
                throw e;
            }
            throw new LecternException(LecternException.Kind.CANCELLED, stopped(finished, provenance, file), e);
        }
        return finished.orElseThrow();
    }

    private String stopped(Optional<KvCacheResult> finished, Provenance provenance, Path file) {
        int runs = finished.map(result -> result.withCache().runs()).orElse(0);
        return runs == 0
                ? "Stopped on request before the first run with and without the cache was finished."
                : "Stopped on request after " + runs + " of " + options.runs() + " runs; they are in " + file
                        + (provenance.isChanged()
                                ? "; --resume does not count them, since files were changed after the commit."
                                : ", and --resume goes on from them.");
    }

    /** The tokens that every run has to choose, and the beginning of what the model thought of others. */
    private Reference reference() {
        Reference reference = new Reference(options.tokens(), Reference.allowed(options.kv()));
        session.truncate(0);
        for (int i = 0; i < options.tokens(); i++) {
            read(i == 0 ? prompt : new int[] {reference.token(i - 1)});
            reference.add(session.logits());
        }
        return reference;
    }

    private List<Integer> warmUpLengths() {
        int n = Math.min(WARM_UPS, options.tokens());
        return IntStream.rangeClosed(1, n)
                .mapToObj(i -> prompt.length + (int) ((long) i * (options.tokens() - 1) / n))
                .toList();
    }

    private void warmUp(Reference reference) {
        for (int length : warmUpLengths()) {
            session.truncate(0);
            read(text(reference, length - prompt.length));
        }
    }

    /**
     * A timed run.
     *
     * @param seconds from the beginning until each token was chosen
     */
    private record Run(double[] seconds, double cpuSeconds) {}

    /** Adds up what passes between its start and its stop: checks in between do not count. */
    private static final class Clock {
        private double seconds;
        private double cpuSeconds;
        private long wallStart;
        private long cpuStart;

        void start() {
            cpuStart = cpuNanos();
            wallStart = System.nanoTime();
        }

        /** Seconds so far. */
        double stop() {
            seconds += (System.nanoTime() - wallStart) / 1e9;
            cpuSeconds += (cpuNanos() - cpuStart) / 1e9;
            return seconds;
        }

        private static long cpuNanos() {
            return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class)
                    .getProcessCpuTime();
        }
    }

    private Run withCache(Reference reference) {
        double[] seconds = new double[options.tokens()];
        session.truncate(0);
        Clock clock = new Clock();
        for (int i = 0; i < seconds.length; i++) {
            int[] next = i == 0 ? prompt : new int[] {reference.token(i - 1)};
            clock.start();
            read(next);
            int token = likeliest(session.logits());
            seconds[i] = clock.stop();
            reference.requireSame(i, token);
        }
        return new Run(seconds, clock.cpuSeconds);
    }

    private Run withoutCache(Reference reference) {
        double[] seconds = new double[options.tokens()];
        Clock clock = new Clock();
        for (int i = 0; i < seconds.length; i++) {
            int[] whole = text(reference, i);
            clock.start();
            session.truncate(0);
            read(whole);
            float[] logits = session.logits();
            int token = likeliest(logits);
            seconds[i] = clock.stop();
            reference.compare(i, token, logits);
        }
        return new Run(seconds, clock.cpuSeconds);
    }

    /** The prompt and the first generated tokens. */
    private int[] text(Reference reference, int generated) {
        int[] text = Arrays.copyOf(prompt, prompt.length + generated);
        for (int i = 0; i < generated; i++) {
            text[prompt.length + i] = reference.token(i);
        }
        return text;
    }

    private void read(int[] tokens) {
        session.read(tokens, Progress.NONE, cancellation);
        readSoFar += tokens.length;
        progress.report(readSoFar, readInAll);
    }

    static int likeliest(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[best]) {
                best = i;
            }
        }
        return best;
    }

    private KvCacheResult joined(
            KvCacheResult.Setting setting,
            Provenance provenance,
            Optional<KvCacheResult> earlier,
            Reference reference,
            long kvBytes,
            Run with,
            Run without) {
        KvCacheResult.Times none = new KvCacheResult.Times(List.of(), List.of());
        KvCacheResult.Times timesWith = earlier.map(KvCacheResult::withCache).orElse(none);
        KvCacheResult.Times timesWithout =
                earlier.map(KvCacheResult::withoutCache).orElse(none);
        int runs = timesWith.runs();
        int last = options.tokens() - 1;
        int points = Math.min(MOST_POINTS, options.tokens());
        List<Integer> tokens = IntStream.rangeClosed(1, points)
                .mapToObj(i -> (int) ((long) i * options.tokens() / points))
                .toList();
        List<Double> curveWith =
                earlier.map(result -> result.curve().withCache()).orElse(List.of());
        List<Double> curveWithout =
                earlier.map(result -> result.curve().withoutCache()).orElse(List.of());
        return new KvCacheResult(
                setting,
                provenance.now(),
                options.runs(),
                timesWith.with(with.seconds[last], with.cpuSeconds),
                timesWithout.with(without.seconds[last], without.cpuSeconds),
                reference.agreement(earlier.map(KvCacheResult::agreement)),
                kvBytes,
                new KvCacheResult.Curve(
                        tokens,
                        mean(curveWith, runs, tokens, with.seconds),
                        mean(curveWithout, runs, tokens, without.seconds)),
                highest(earlier.map(KvCacheResult::load).orElse(Double.NaN), load()));
    }

    private static double load() {
        double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
        return load < 0 ? Double.NaN : load;
    }

    private static double highest(double a, double b) {
        return Double.isNaN(a) ? b : Double.isNaN(b) ? a : Math.max(a, b);
    }

    /** The mean of some runs, and of one more. */
    private static List<Double> mean(List<Double> old, int runs, List<Integer> tokens, double[] seconds) {
        List<Double> mean = new ArrayList<>();
        for (int i = 0; i < tokens.size(); i++) {
            double before = runs == 0 ? 0 : old.get(i);
            mean.add((before * runs + seconds[tokens.get(i) - 1]) / (runs + 1));
        }
        return mean;
    }
}
