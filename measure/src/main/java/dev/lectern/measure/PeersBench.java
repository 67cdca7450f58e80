package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.SessionOptions;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/**
 * Lectern and llama.cpp on the same model file, the same tokens, the same number of threads, and an f16 cache on both sides, but for the rows about caches of fewer bits.
 *
 * <p>They take turns, so that a slower hour of the machine meets both: a pair is Lectern and, just after, llama.cpp, and what counts is the
 * median of the pairs' ratios. While one works the other waits and does nothing. Each reads its depth once; after a measurement it is cut
 * back to it. One turn of each before the first pair is not timed.
 *
 * <p>llama.cpp runs in a process of its own, with flash attention, 512 tokens at a time, and takes its own times. Lectern runs in this one,
 * but for the rows about fresh processes and memory.
 */
public final class PeersBench {
    /** Tokens of the prompt where only decoding counts. */
    private static final int SHORT = 16;

    private static final String LECTERN = "lectern";
    private static final String PEER = "llama.cpp";

    /** Seconds that it takes to start a process, in tokens read. */
    private static final double START = 500;

    /** The system's load is a mean of that long. */
    private static final double LOAD_SECONDS = 60;

    private final BenchModel subject;
    private final PeersOptions options;
    private final Model model;
    private final Work work;
    private final Cancellation cancellation;
    private final int[] text;
    private final List<PeersResult.EngineSpeed> speeds = new ArrayList<>();
    private final List<Comparison> comparisons = new ArrayList<>();
    private final List<String> leftOut = new ArrayList<>();
    private String version = "";
    private String system = "";
    private final long began = System.nanoTime();
    private double load = Double.NaN;
    private boolean loadWithin;

    private PeersBench(
            BenchModel subject, Model model, PeersOptions options, Progress progress, Cancellation cancellation) {
        this.subject = subject;
        this.model = model;
        this.options = options;
        this.cancellation = cancellation;
        work = new Work(progress);
        text = BenchText.tokens(
                model, Math.max(options.depth(), Math.max(SHORT, options.promptTokens()) + options.decodeTokens()));
    }

    /**
     * Measures one model, and keeps the result in {@link PeersOptions#file}.
     *
     * @param progress in units of about the same time each
     * @throws LecternException of kind {@code BAD_OPTION} if the model is not a GGUF file, or Python has no llama.cpp; {@code TOO_LONG} if the
     *     model cannot hold the depth; {@code CANCELLED}, and then nothing is kept
     */
    public static PeersResult run(
            BenchModel subject, PeersOptions options, Progress progress, Cancellation cancellation) {
        if (!Files.isRegularFile(subject.path())) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    subject.path() + " is not a GGUF file, and llama.cpp reads no other: name one with --model.");
        }
        ModelOptions modelOptions = ModelOptions.DEFAULT.withThreads(options.threads());
        PeersResult result;
        try (Model model = subject.open(modelOptions)) {
            result = new PeersBench(subject, model, options, progress, cancellation).measure();
        }
        AtomicFile.write(options.file(result), result.toIndentedJson().getBytes(StandardCharsets.UTF_8));
        return result;
    }

    private PeersResult measure() {
        requireRoom();
        plan();
        if (has(PeerRow.PREFILL, PeerRow.DECODE, PeerRow.PREFILL_DEEP, PeerRow.DECODE_DEEP)) {
            speeds();
        }
        if (has(PeerRow.DECODE_DEEP_8_BIT)) {
            quantised(PeerRow.DECODE_DEEP_8_BIT, "int8", "q8_0");
        }
        if (has(PeerRow.DECODE_DEEP_4_BIT)) {
            quantised(PeerRow.DECODE_DEEP_4_BIT, "chl-4", "q4_0");
        }
        if (has(PeerRow.BATCH)) {
            batch();
        }
        if (has(PeerRow.FIRST_TOKEN, PeerRow.FIRST_ANSWER)) {
            first();
        }
        if (has(PeerRow.MEMORY)) {
            memory();
        }
        if (version.isEmpty()) {
            askVersion();
        }
        PeersResult.Setting setting = new PeersResult.Setting(
                subject.name(),
                subject.sha256(),
                model.estimate(SessionOptions.DEFAULT.withContext(1), 1).weights(),
                model.threads(),
                options.pairs(),
                options.depth(),
                options.promptTokens(),
                options.decodeTokens(),
                subject.repack().isPresent(),
                options.version(),
                version,
                system);
        return new PeersResult(
                setting,
                Provenance.here(setting.command(options.rows().stream().sorted().toList())),
                speeds,
                comparisons,
                leftOut,
                load);
    }

    private boolean has(PeerRow... any) {
        return options.has(any);
    }

    private int deepest() {
        return has(PeerRow.PREFILL_DEEP, PeerRow.DECODE_DEEP)
                        || !quantisedRows().isEmpty()
                ? options.depth()
                : 0;
    }

    private int context() {
        return deepest() + Math.max(SHORT, options.promptTokens()) + options.decodeTokens();
    }

    private void requireRoom() {
        if (context() > model.context()) {
            throw new LecternException(
                    LecternException.Kind.TOO_LONG,
                    "--depth " + options.depth() + " needs " + context() + " tokens, but " + subject.name() + " holds "
                            + model.context() + ": ask for a smaller --depth, or leave the deep rows out with --rows.");
        }
    }

    private List<Integer> depths() {
        List<Integer> depths = new ArrayList<>();
        if (has(PeerRow.PREFILL, PeerRow.DECODE)) {
            depths.add(0);
        }
        if (has(PeerRow.PREFILL_DEEP, PeerRow.DECODE_DEEP)) {
            depths.add(options.depth());
        }
        return depths;
    }

    private List<PeerRow> quantisedRows() {
        return Stream.of(PeerRow.DECODE_DEEP_8_BIT, PeerRow.DECODE_DEEP_4_BIT)
                .filter(this::has)
                .toList();
    }

    private int freshTokens() {
        return Math.min(PeersOptions.FIRST_TOKENS, model.context() - 1);
    }

    private int memoryContext() {
        return Math.min(PeersOptions.MEMORY_TOKENS, model.context());
    }

    private void plan() {
        for (int depth : depths()) {
            int after = depth + options.promptTokens();
            double run = Work.reading(depth, options.promptTokens()) + Work.decoding(after, options.decodeTokens());
            work.plan(2 * (Work.reading(0, depth) + (1 + options.pairs()) * run));
        }
        double deep = Work.decoding(options.depth(), options.decodeTokens());
        work.plan(quantisedRows().size() * 2 * (Work.reading(0, options.depth()) + (1 + options.pairs()) * deep));
        if (has(PeerRow.BATCH)) {
            int depth = options.promptTokens();
            double alone = Work.decoding(depth, options.decodeTokens());
            work.plan(PeersOptions.BATCH * Work.reading(0, depth)
                    + (1 + options.pairs()) * (1 + PeersOptions.BATCH) * alone);
        }
        if (has(PeerRow.FIRST_TOKEN, PeerRow.FIRST_ANSWER)) {
            work.plan(options.pairs() * 2 * (START + Work.reading(0, freshTokens())));
        }
        if (has(PeerRow.MEMORY)) {
            work.plan(2 * (START + Work.reading(0, memoryContext())));
        }
    }

    /** Prefill and decode, at the beginning and at the depth. */
    private void speeds() {
        SessionOptions session = SessionOptions.DEFAULT.withKv("f16").withContext(context());
        try (Sequences lectern = new Sequences(model, session, 1, cancellation);
                LlamaCpp peer = new LlamaCpp(options.python(), cancellation)) {
            peer.open(subject.path(), context(), model.threads());
            version = peer.version();
            system = peer.system();
            for (int depth : depths()) {
                int[] before = Arrays.copyOf(text, depth);
                if (depth > 0) {
                    Turn.rest();
                    lectern.read(before, work);
                    Turn.rest();
                    peer.read(before, work);
                }
                at(
                        depth,
                        lectern,
                        peer,
                        model.estimate(session.withContext(256), 1).kv() / 256);
            }
        }
    }

    private void at(int depth, Sequences lectern, LlamaCpp peer, long bytesPerToken) {
        int[] prompt = Arrays.copyOf(text, options.promptTokens());
        int[] after = Arrays.copyOfRange(text, prompt.length, prompt.length + options.decodeTokens());
        Turn.warmUp(lectern, prompt, after, work);
        Turn.take(peer, prompt, after, work);
        List<Turn> ours = new ArrayList<>();
        List<Turn> theirs = new ArrayList<>();
        for (int pair = 0; pair < options.pairs(); pair++) {
            ours.add(Turn.take(lectern, prompt, after, work));
            theirs.add(Turn.take(peer, prompt, after, work));
            noteLoad();
        }
        speeds.add(
                speed(LECTERN, depth, "f16", lectern.method("attention"), options.promptTokens(), ours, bytesPerToken));
        speeds.add(speed(PEER, depth, "f16", "dense", options.promptTokens(), theirs, bytesPerToken));
        PeerRow prefill = depth == 0 ? PeerRow.PREFILL : PeerRow.PREFILL_DEEP;
        PeerRow decode = depth == 0 ? PeerRow.DECODE : PeerRow.DECODE_DEEP;
        String read = "prefill of " + options.promptTokens() + " tokens at depth " + depth;
        String decoded = String.format(
                Locale.ROOT, "decode at depth %d, %d tokens", depth + options.promptTokens(), options.decodeTokens());
        compare(prefill, read, rates(ours, true), rates(theirs, true));
        compare(decode, decoded, rates(ours, false), rates(theirs, false));
    }

    /** Decode at the depth, with caches of few bits. */
    private void quantised(PeerRow row, String kv, String peerKv) {
        int depth = options.depth();
        int[] before = Arrays.copyOf(text, depth), prompt = Arrays.copyOf(text, SHORT);
        int[] after = Arrays.copyOfRange(text, SHORT, SHORT + options.decodeTokens());
        SessionOptions session = SessionOptions.DEFAULT.withKv(kv).withContext(context());
        List<Turn> ours = new ArrayList<>(), theirs = new ArrayList<>();
        String attention;
        try (Sequences lectern = new Sequences(model, session, 1, cancellation);
                LlamaCpp peer = new LlamaCpp(options.python(), cancellation)) {
            peer.open(subject.path(), context(), model.threads(), peerKv.toUpperCase(Locale.ROOT));
            attention = lectern.method("attention");
            for (Engine engine : List.of(lectern, peer)) {
                Turn.rest();
                engine.read(before, work);
            }
            Turn.warmUp(lectern, prompt, after, work);
            Turn.take(peer, prompt, after, work);
            for (int pair = 0; pair < options.pairs(); pair++) {
                ours.add(Turn.take(lectern, prompt, after, work));
                theirs.add(Turn.take(peer, prompt, after, work));
                noteLoad();
            }
        }
        long bytes = model.estimate(session.withContext(depth), 1).kv() / depth;
        speeds.add(speed(LECTERN, depth, kv, attention, SHORT, ours, bytes));
        speeds.add(speed(PEER, depth, peerKv, "dense", SHORT, theirs, bytes(peerKv)));
        compare(
                row,
                String.format(
                        Locale.ROOT,
                        "decode at depth %d, %d tokens, %s beside %s",
                        depth + SHORT,
                        options.decodeTokens(),
                        kv,
                        peerKv),
                rates(ours, false),
                rates(theirs, false));
    }

    /** Bytes of a token in llama.cpp's cache: blocks of 32 with a scale of 2 bytes. */
    private long bytes(String kv) {
        int block = kv.equals("q8_0") ? 34 : 18;
        long f16 = model.estimate(SessionOptions.DEFAULT.withKv("f16").withContext(256), 1)
                        .kv()
                / 256;
        return f16 / 2 * block / 32;
    }

    private List<Double> rates(List<Turn> turns, boolean prefill) {
        return turns.stream()
                .map(turn -> prefill ? options.promptTokens() / turn.prefill() : options.decodeTokens() / turn.decode())
                .toList();
    }

    private PeersResult.EngineSpeed speed(
            String engine,
            int depth,
            String kv,
            String attention,
            int promptTokens,
            List<Turn> turns,
            long bytesPerToken) {
        return new PeersResult.EngineSpeed(
                engine,
                new SpeedResult(
                        subject.name(),
                        depth,
                        kv,
                        attention,
                        1,
                        new SpeedResult.Phase(
                                promptTokens, turns.stream().map(Turn::prefill).toList()),
                        new SpeedResult.Phase(
                                options.decodeTokens(),
                                turns.stream().map(Turn::decode).toList()),
                        bytesPerToken,
                        Optional.empty(),
                        Optional.empty()));
    }

    private void compare(PeerRow row, String what, List<Double> ours, List<Double> theirs) {
        if (options.rows().contains(row)) {
            boolean promised = options.usualSizes(model.threads());
            comparisons.add(new Comparison(
                    row,
                    what,
                    ours,
                    theirs,
                    promised ? row.target(subject.name(), Machine.here().vectorBits()) : OptionalDouble.empty()));
        }
    }

    /** Lectern beside itself: several sequences decoded together, and one after another. */
    private void batch() {
        int depth = options.promptTokens();
        int[] prompt = Arrays.copyOf(text, depth);
        int[] after = Arrays.copyOfRange(text, depth, depth + options.decodeTokens());
        SessionOptions session = SessionOptions.DEFAULT.withKv("f16").withContext(depth + after.length);
        List<Double> together = new ArrayList<>();
        List<Double> apart = new ArrayList<>();
        try (Sequences sequences = new Sequences(model, session, PeersOptions.BATCH, cancellation)) {
            sequences.read(prompt, work);
            double tokens = (double) PeersOptions.BATCH * after.length;
            for (int pair = -1; pair < options.pairs(); pair++) {
                Turn.rest();
                double one = tokens / sequences.decode(after, work);
                sequences.truncate(depth);
                Turn.rest();
                double other = tokens / sequences.decodeApart(after, work);
                sequences.truncate(depth);
                if (pair >= 0) {
                    together.add(one);
                    apart.add(other);
                }
                noteLoad();
            }
        }
        compare(
                PeerRow.BATCH,
                PeersOptions.BATCH + " sequences decoded together against one after another, depth " + depth
                        + " (Lectern beside itself)",
                together,
                apart);
    }

    private void first() {
        FreshProcesses processes = new FreshProcesses(options, subject, model.threads(), cancellation);
        FreshProcesses.Prompt prompt = FreshProcesses.Prompt.upTo(model, freshTokens());
        int context = prompt.tokens().length + 1;
        List<FreshProcesses.Run> ours = new ArrayList<>();
        List<FreshProcesses.Run> theirs = new ArrayList<>();
        double units = START + Work.reading(0, freshTokens());
        for (int pair = 0; pair < options.pairs(); pair++) {
            Turn.rest();
            ours.add(processes.lectern(prompt, context));
            work.did(units);
            Turn.rest();
            theirs.add(processes.llamaCpp(prompt, context));
            work.did(units);
            noteLoad();
        }
        String what = "first token of a fresh process after " + prompt.tokens().length + " tokens, from ";
        compare(
                PeerRow.FIRST_TOKEN,
                what + "the model being ready",
                ours.stream().map(FreshProcesses.Run::firstToken).toList(),
                theirs.stream().map(FreshProcesses.Run::firstToken).toList());
        compare(
                PeerRow.FIRST_ANSWER,
                what + "the start of the process",
                ours.stream().map(FreshProcesses.Run::firstAnswer).toList(),
                theirs.stream().map(FreshProcesses.Run::firstAnswer).toList());
    }

    private void memory() {
        FreshProcesses processes = new FreshProcesses(options, subject, model.threads(), cancellation);
        int context = memoryContext();
        FreshProcesses.Prompt prompt = FreshProcesses.Prompt.upTo(model, context - 1);
        double units = START + Work.reading(0, context);
        FreshProcesses.Run ours = processes.lectern(prompt, context);
        work.did(units);
        FreshProcesses.Run theirs = processes.llamaCpp(prompt, context);
        work.did(units);
        if (ours.peak().isEmpty() || theirs.peak().isEmpty()) {
            leftOut.add("Peak memory is left out: this system does not tell it (there is no /proc/self/status).");
            return;
        }
        double bare = processes.bare().orElse(0) / 1e6;
        compare(
                PeerRow.MEMORY,
                String.format(
                        Locale.ROOT,
                        "peak resident memory of a process that read %d tokens, context %d, f16 cache (a bare Python takes"
                                + " %.0f MB)",
                        prompt.tokens().length,
                        context,
                        bare),
                List.of((double) ours.peak().getAsLong()),
                List.of((double) theirs.peak().getAsLong()));
    }

    /** For a run without a row that has llama.cpp at hand. */
    private void askVersion() {
        try (LlamaCpp peer = new LlamaCpp(options.python(), cancellation)) {
            peer.open(subject.path(), 256, model.threads());
            version = peer.version();
            system = peer.system();
        }
    }

    /** The highest load, but of a minute that lies within the bench, if it lasts that long. */
    private void noteLoad() {
        double now = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
        if (now < 0) {
            return;
        }
        boolean within = (System.nanoTime() - began) / 1e9 > LOAD_SECONDS;
        load = within && loadWithin ? Math.max(load, now) : now;
        loadWithin = within;
    }
}
