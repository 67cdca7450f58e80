package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.SessionOptions;
import dev.lectern.Traffic;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How fast a model reads and decodes, at given depths.
 *
 * <p>At each depth: {@code promptTokens} tokens are read after what is cached, in one go, and {@code decodeTokens} are decoded after these,
 * one by one, each looking at all before it. This is done once to warm up, and then as often as it is
 * timed. The tokens are those of a text, so nothing is sampled; the logits of each decoded token are computed.
 *
 * <p>Each of these is done in a fork, so that what a method of attention keeps of the sequence is made anew, from all of it: in the first step after the prompt, which is taken back and done again.
 * The time that it takes longer than others is that of making it.
 *
 * <p>Several sequences are read one after another, and decoded together: their rates are of all their tokens. No two share a page.
 */
public final class SpeedBench {
    /** The compiler needs that long to find out what matters. */
    private static final double FIRST_WARM_UP_SECONDS = 3;

    private final SpeedOptions options;
    private final Model model;
    private final String name;
    private final Cancellation cancellation;
    private final Work work;
    private final int[] text;
    private boolean warm;

    private SpeedBench(Model model, String name, SpeedOptions options, Work work, Cancellation cancellation) {
        this.model = model;
        this.name = name;
        this.options = options;
        this.cancellation = cancellation;
        this.work = work;
        int read = options.fill() == SpeedOptions.Fill.READ
                ? options.deepest()
                : Math.min(options.deepest(), Sequences.READ_BEFORE_COPIES);
        text = BenchText.tokens(model, Math.max(read, options.promptTokens() + options.decodeTokens()));
    }

    /**
     * Measures.
     *
     * @param progress in units of about the same time each
     * @throws LecternException of kind {@code TOO_LONG} if the model cannot hold the deepest; {@code NO_MEMORY}; {@code CANCELLED}
     */
    public static SpeedResults run(
            List<BenchModel> subjects,
            ModelOptions modelOptions,
            SpeedOptions options,
            Progress progress,
            Cancellation cancellation) {
        List<SpeedResult> results = new ArrayList<>();
        int threads = 0;
        Work work = new Work(progress);
        for (BenchModel subject : subjects) {
            try (Model model = subject.open(modelOptions)) {
                requireRoom(subject.name(), model, options);
                options.kvs()
                        .forEach(kv -> options.attentions()
                                .forEach(attention -> options.batches()
                                        .forEach(batch -> Sequences.requireMemory(
                                                model, session(options, kv, attention), batch))));
            }
            plan(options, work);
        }
        // Open all the time, so that the recorder is warm when what counts is recorded.
        StepRecording recorder = options.profile() ? StepRecording.start() : null;
        try (recorder) {
            for (BenchModel subject : subjects) {
                try (Model model = subject.open(modelOptions)) {
                    threads = model.threads();
                    results.addAll(new SpeedBench(model, subject.name(), options, work, cancellation).measure());
                }
            }
        }
        return new SpeedResults(results, options.fill(), threads, Machine.here());
    }

    private static void requireRoom(String name, Model model, SpeedOptions options) {
        long needed = options.context();
        if (needed > model.context()) {
            throw new LecternException(
                    LecternException.Kind.TOO_LONG,
                    "--depth " + options.deepest() + " with " + options.promptTokens() + " tokens to read and "
                            + options.decodeTokens() + " to decode after it needs " + needed + " tokens, but " + name
                            + " holds " + model.context()
                            + ": ask for less, or stretch it with --rope-scaling (linear:factor=2 doubles it).");
        }
    }

    private static void plan(SpeedOptions options, Work work) {
        for (int batch : options.batches()) {
            double each = 0;
            int from = 0;
            for (int depth : options.depths()) {
                int after = depth + options.promptTokens();
                each += Sequences.filling(from, depth, options.fill(), batch);
                each += (1 + options.runs())
                        * (batch * Work.reading(depth, options.promptTokens())
                                + Work.decoding(after, options.decodeTokens()));
                from = depth;
            }
            work.plan(options.kvs().size() * options.attentions().size() * each);
        }
    }

    private List<SpeedResult> measure() {
        List<SpeedResult> results = new ArrayList<>();
        for (String kv : options.kvs()) {
            for (String attention : options.attentions()) {
                for (int batch : options.batches()) {
                    results.addAll(measure(session(options, kv, attention), batch));
                }
            }
        }
        return results;
    }

    private static SessionOptions session(SpeedOptions options, String kv, String attention) {
        return SessionOptions.DEFAULT
                .withKv(kv)
                .withAttention(attention)
                .withContext(Math.toIntExact(options.context()));
    }

    private List<SpeedResult> measure(SessionOptions session, int batch) {
        List<SpeedResult> results = new ArrayList<>();
        try (Sequences sequences = new Sequences(model, session, batch, cancellation)) {
            for (int depth : options.depths()) {
                sequences.fill(text, depth, options.fill(), work);
                results.add(at(depth, batch, sequences, bytesPerToken(session, depth)));
            }
        }
        return results;
    }

    /** Of a session that has read the depth and the prompt, in whole pages. */
    private long bytesPerToken(SessionOptions session, int depth) {
        int page = 256;
        int tokens = Math.max(1, (depth + options.promptTokens()) / page) * page;
        return model.estimate(session.withContext(tokens), 1).kv() / tokens;
    }

    /** What a run took: seconds of reading, of decoding, and of making what the method keeps of a sequence; what decoding read, and the bytes that the method keeps. */
    private record Run(double prefill, double decode, double making, Traffic read, long indexBytes) {}

    private Run once(
            Sequences filled, int batch, int[] prompt, int[] after, Work did, @Nullable StepRecording recording) {
        try (Sequences sequences = filled.fork()) {
            double prefill = sequences.read(prompt, did);
            int length = sequences.length();
            Instant began = Instant.now();
            double first = sequences.decode(Arrays.copyOf(after, 1), new Work(Progress.NONE));
            long indexBytes = sequences.indexBytes();
            sequences.truncate(length);
            if (recording != null) {
                recording.leaveOut(began, Instant.now());
            }
            Traffic before = model.traffic();
            double decode = sequences.decode(after, did);
            Traffic read = model.traffic().since(before);
            double making = indexBytes == 0 ? 0 : Math.max(0, first - decode / after.length) / batch;
            return new Run(prefill, decode, making, read, indexBytes);
        }
    }

    private SpeedResult at(int depth, int batch, Sequences filled, long bytesPerToken) {
        int[] prompt = Arrays.copyOf(text, options.promptTokens());
        int[] after = Arrays.copyOfRange(text, prompt.length, prompt.length + options.decodeTokens());
        long began = System.nanoTime();
        do {
            once(filled, batch, prompt, after, warm ? work : new Work(Progress.NONE), null);
        } while (!warm && (System.nanoTime() - began) / 1e9 < FIRST_WARM_UP_SECONDS);
        if (!warm) {
            work.did(batch * Work.reading(depth, prompt.length) + Work.decoding(depth + prompt.length, after.length));
        }
        warm = true;
        List<Run> runs = new ArrayList<>();
        StepRecording recording = options.profile() ? StepRecording.start() : null;
        try (recording) {
            for (int run = 0; run < options.runs(); run++) {
                runs.add(once(filled, batch, prompt, after, work, recording));
            }
            Optional<StepProfile> profile = Optional.ofNullable(recording).map(StepRecording::stop);
            long decoded = (long) batch * after.length;
            double making =
                    Statistics.of(runs.stream().map(Run::making).toList()).median();
            Traffic read = runs.stream().map(Run::read).reduce(Traffic.NONE, Traffic::plus);
            return new SpeedResult(
                    name,
                    depth,
                    filled.method("kv"),
                    filled.method("attention"),
                    batch,
                    new SpeedResult.Phase(
                            (long) batch * prompt.length,
                            runs.stream().map(Run::prefill).toList()),
                    new SpeedResult.Phase(
                            decoded, runs.stream().map(Run::decode).toList()),
                    bytesPerToken,
                    Optional.of(new SpeedResult.Lookup(
                            read.bytes() / (double) (runs.size() * decoded),
                            new SpeedResult.Index(runs.getLast().indexBytes(), making),
                            read.bounded())),
                    profile);
        }
    }
}
