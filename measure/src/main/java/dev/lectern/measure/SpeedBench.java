package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.SessionOptions;
import dev.lectern.Traffic;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * How fast a model reads and decodes, at given depths.
 *
 * <p>At each depth: {@code promptTokens} tokens are read after what is cached, in one go, and {@code decodeTokens} are decoded after these,
 * one by one, each looking at all before it. Then the sequence is cut back to the depth. This is done once to warm up, and then as often as it is
 * timed. The tokens are those of a text, so nothing is sampled; the logits of each decoded token are computed.
 *
 * <p>What a method of attention keeps beside keys and values is made anew in a fork, once to warm up and once more, each time for the tokens since the depth before; the seconds are added up.
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
        SpeedResult.Index index = SpeedResult.Index.NONE;
        try (Sequences sequences = new Sequences(model, session, batch, cancellation)) {
            for (int depth : options.depths()) {
                sequences.fill(text, depth, options.fill(), work);
                index = depth == 0 ? index : grown(index, sequences);
                results.add(at(depth, batch, sequences, bytesPerToken(session, depth), index));
            }
        }
        return results;
    }

    /** What is kept now, and the seconds of all that was made for it. */
    private SpeedResult.Index grown(SpeedResult.Index before, Sequences sequences) {
        if (sequences.index(text[0]).bytes() == 0) {
            return SpeedResult.Index.NONE;
        }
        SpeedResult.Index now = sequences.index(text[0]);
        return new SpeedResult.Index(now.bytes(), before.seconds() + now.seconds());
    }

    /** Of a session that has read the depth and the prompt, in whole pages. */
    private long bytesPerToken(SessionOptions session, int depth) {
        int page = 256;
        int tokens = Math.max(1, (depth + options.promptTokens()) / page) * page;
        return model.estimate(session.withContext(tokens), 1).kv() / tokens;
    }

    private SpeedResult at(int depth, int batch, Sequences sequences, long bytesPerToken, SpeedResult.Index index) {
        int[] prompt = Arrays.copyOf(text, options.promptTokens());
        int[] after = Arrays.copyOfRange(text, prompt.length, prompt.length + options.decodeTokens());
        long began = System.nanoTime();
        do {
            Work unplanned = warm ? work : new Work(Progress.NONE);
            sequences.read(prompt, unplanned);
            sequences.decode(after, unplanned);
            sequences.truncate(depth);
        } while (!warm && (System.nanoTime() - began) / 1e9 < FIRST_WARM_UP_SECONDS);
        if (!warm) {
            work.did(batch * Work.reading(depth, prompt.length) + Work.decoding(depth + prompt.length, after.length));
        }
        warm = true;
        List<Double> prefill = new ArrayList<>();
        List<Double> decode = new ArrayList<>();
        long bytesRead = 0;
        StepRecording recording = options.profile() ? StepRecording.start() : null;
        try (recording) {
            for (int run = 0; run < options.runs(); run++) {
                prefill.add(sequences.read(prompt, work));
                Traffic before = model.traffic();
                decode.add(sequences.decode(after, work));
                bytesRead += model.traffic().since(before).bytes();
                sequences.truncate(depth);
            }
            return new SpeedResult(
                    name,
                    depth,
                    sequences.method("kv"),
                    sequences.method("attention"),
                    batch,
                    new SpeedResult.Phase((long) batch * prompt.length, prefill),
                    new SpeedResult.Phase((long) batch * after.length, decode),
                    bytesPerToken,
                    Optional.of(new SpeedResult.Lookup(
                            (double) bytesRead / ((long) options.runs() * batch * after.length), index)),
                    Optional.ofNullable(recording).map(StepRecording::stop));
        }
    }
}
