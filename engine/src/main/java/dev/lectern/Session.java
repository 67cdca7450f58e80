package dev.lectern;

import dev.lectern.attention.AttentionSums;
import dev.lectern.attention.Calibration;
import dev.lectern.attention.DecodeAttention;
import dev.lectern.attention.Indexed;
import dev.lectern.attention.Retention;
import dev.lectern.attention.Retentions;
import dev.lectern.comm.Communicator;
import dev.lectern.generate.Generation;
import dev.lectern.generate.Sampler;
import dev.lectern.kept.Fingerprint;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormats;
import dev.lectern.kv.LayerCache;
import dev.lectern.kv.Page;
import dev.lectern.model.Rope;
import dev.lectern.prefill.Forward;
import dev.lectern.prefill.Prefill;
import dev.lectern.prefill.Sequence;
import dev.lectern.prefill.Slice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a model has read, and can go on from: tokens, their keys and values, and the expectation of the next token. Forks share what was
 * read; nothing is copied. Used by one thread at a time.
 */
public final class Session implements AutoCloseable {
    private static final String OF_STORED_KEYS = "of keys as they are stored, since the exact ones are gone";

    private final Model model;
    private Sequence sequence;
    private final int context;
    private Prefill prefill;
    private final Optional<Retention> retention;
    private int[] tokens; // those read, then room
    private float @Nullable [] logits; // after the last token; null when the last step did not ask for them
    private @Nullable Keeping keeping; // as long as the session holds the beginning of the text that it was opened for
    private @Nullable Keeping whole; // as long as it holds that text, and nothing more
    private int[] opened = {}; // the text that it was opened for
    private float @Nullable [] afterText; // the logits after a text that hosts share, which cannot be read again
    private int textLength; // of that text
    private Recall recall = new Recall(Recall.Outcome.MISS, 0, "nothing is kept");
    private List<String> keptFiles = List.of();

    Session(
            Model model,
            List<LayerCache> layers,
            Rope rope,
            int context,
            Prefill prefill,
            DecodeAttention attention,
            Optional<Retention> retention) {
        this(model, empty(layers, rope, attention), context, prefill, retention, new int[0], null);
        if (retention.isPresent() && retention.get().needsSums()) {
            AttentionSums.of(sequence.cache());
        }
    }

    private Session(
            Model model,
            Sequence sequence,
            int context,
            Prefill prefill,
            Optional<Retention> retention,
            int[] tokens,
            float @Nullable [] logits) {
        this.model = model;
        this.sequence = sequence;
        this.context = context;
        this.prefill = prefill;
        this.retention = retention;
        this.tokens = tokens;
        this.logits = logits;
    }

    private static Sequence empty(List<LayerCache> layers, Rope rope, DecodeAttention attention) {
        Sequence empty = new Sequence(new KvCache(layers), rope, attention);
        empty.cache().keepExactKeys(attention::wantsExactKeys);
        return empty;
    }

    /** Has a calibration learn from what this empty session reads. */
    void teach(Calibration calibration) {
        if (calibration instanceof Prefill reading) {
            prefill = reading;
        } else {
            observe(calibration);
        }
    }

    /** This empty session as the part of one host. */
    Session sharedAmong(Communicator hosts) {
        sequence = sequence.sharedAmong(hosts);
        return this;
    }

    public Model model() {
        return model;
    }

    /** Tokens read, also those that were dropped since. */
    public int length() {
        return sequence.cache().position();
    }

    /** What it keeps in each layer. */
    List<LayerCache> layers() {
        return sequence.cache().layers();
    }

    /** Tokens it may hold. */
    public int context() {
        return context;
    }

    /** The tokens read. */
    public int[] tokens() {
        return Arrays.copyOf(tokens, length());
    }

    /** Bytes of native memory in pages that it holds, alone or with forks. */
    public long bytes() {
        return sequence.cache().bytes();
    }

    /** What really runs: {@code prefill}, {@code attention}, {@code kv}, {@code retention}. */
    public Map<String, String> methods() {
        return Map.of(
                "prefill",
                prefill.name(),
                "attention",
                sequence.attention() instanceof Indexed indexed
                        ? indexed.ranAs(sequence.cache())
                        : sequence.attention().name(),
                "kv",
                KvFormats.described(sequence.cache().layers()),
                "retention",
                retention.map(Retention::name).orElse(Retentions.ALL));
    }

    /**
     * Reads tokens after those already read.
     *
     * @param more at least one, all in the vocabulary
     * @param progress in tokens
     * @throws LecternException of kind {@code TOO_LONG} before anything is read, if the context cannot hold them; of kind {@code CANCELLED}
     *     within a second of a request, and then the session holds what was read until then
     */
    public void read(int[] more, Progress progress, Cancellation cancellation) {
        leaveText();
        readOn(more, progress, cancellation);
    }

    private void readOn(int[] more, Progress progress, Cancellation cancellation) {
        int vocabulary = model.vocabulary();
        read(
                more,
                Slice.Logits.LAST,
                (first, rows, values, at) -> logits = Arrays.copyOfRange(values, at, at + vocabulary),
                progress,
                cancellation);
    }

    /**
     * Reads tokens after those already read, and tells how likely each was.
     *
     * @return one entry per token read; the first's log-probability is NaN where nothing was read before it
     * @throws LecternException as {@link #read} does
     */
    public Score score(int[] more, Progress progress, Cancellation cancellation) {
        leaveText();
        double[] logProbs = new double[more.length];
        int[] top1 = new int[more.length];
        int vocabulary = model.vocabulary();
        float[] before = logits;
        read(
                more,
                Slice.Logits.ALL,
                (first, rows, values, at) -> {
                    for (int row = 0; row < rows; row++) {
                        int rowAt = at + row * vocabulary, token = first + row;
                        top1[token] = Sampler.likeliest(values, rowAt, vocabulary);
                        if (token + 1 < more.length) {
                            logProbs[token + 1] = logProb(values, rowAt, vocabulary, more[token + 1]);
                        } else {
                            logits = Arrays.copyOfRange(values, rowAt, rowAt + vocabulary);
                        }
                    }
                },
                progress,
                cancellation);
        logProbs[0] = before == null ? Double.NaN : logProb(before, 0, vocabulary, more[0]);
        return new Score(more.clone(), logProbs, top1);
    }

    /**
     * Takes what is kept of a text into this empty session.
     *
     * @param fingerprint on which keys and values depend beside the tokens
     * @param how it is kept, to be told where it is found; may be empty
     */
    void recall(KeptReadings kept, Fingerprint fingerprint, int[] text, String how) {
        KvCache cache = sequence.cache();
        int[] stops = prefill.stops(cache.layers(), text.length);
        requireRoom(text.length);
        opened = text.clone();
        Keeping fresh = new Keeping(kept, fingerprint, cache.layers(), opened, stops);
        recall = fresh.recall(cache, model.vocabulary(), known -> logits = known, how);
        tokens = Arrays.copyOf(text, cache.length());
        keeping = fresh;
    }

    /**
     * Takes the part that this host has of a text into this empty session, if every host has its own on its disk. Called by all.
     *
     * @param fingerprint on which keys and values depend beside the tokens, and which host of how many this is
     */
    void recallTogether(KeptReadings kept, Fingerprint fingerprint, int[] text, Communicator hosts) {
        HostAgreement.requireSameTokens(hosts, text);
        requireRoom(text.length);
        opened = text.clone();
        int[] part = prefill.ofHost(opened, hosts.size(), hosts.rank());
        Keeping found = Keeping.ofPart(kept, fingerprint, layers(), part, hosts);
        String why = HostAgreement.hindrance(hosts, recallPart(found));
        if (why.isEmpty()) {
            keeping = found;
            sequence.cache().goOnAt(opened.length, hosts.rank() < hosts.size() - 1);
            tokens = opened.clone();
            afterText = logits;
            textLength = opened.length;
            recall = new Recall(Recall.Outcome.HIT, opened.length, "all of it is kept");
            return;
        }
        // What was taken here is of no use, and has left its marks.
        Sequence unread = empty(layers(), sequence.rope(), sequence.attention()).sharedAmong(hosts);
        sequence.close();
        sequence = unread;
        logits = null;
        keeping = Keeping.ofPart(kept, fingerprint, layers(), part, hosts);
        recall = new Recall(Recall.Outcome.MISS, 0, why);
    }

    /** Takes this host's part; returns why it cannot, as half a sentence, or nothing if it has. */
    private String recallPart(Keeping part) {
        try {
            Recall own = part.recall(sequence.cache(), model.vocabulary(), known -> logits = known, "");
            return own.outcome() == Recall.Outcome.HIT ? "" : own.why();
        } catch (LecternException | InternalError e) { // the latter of a file that was cut since it was checked
            return "what was kept cannot be used (" + e.getMessage() + ")";
        }
    }

    /** How much was there of the text that this session was opened for. */
    public Recall recalled() {
        return recall;
    }

    /**
     * Reads what was not kept of the text that this session was opened for, and keeps it: whole pages while it reads, so that a reading which is stopped or killed goes on from there another time, and
     * the rest at the end. The session is then as if it had read the text itself, bit for bit. Where hosts share the text, all call this, and each keeps its part once it is whole.
     *
     * @param progress in tokens, of those that are read now
     * @return what was written; that something could not be is told there, and changes nothing else
     * @throws IllegalStateException if the session was not opened for a text, or has gone on since
     * @throws LecternException as {@link #read} does
     */
    public Kept readRest(Progress progress, Cancellation cancellation) {
        Keeping going = keeping;
        if (going == null) {
            throw new IllegalStateException("the session was not opened for a text, or has gone on since");
        }
        KvCache cache = sequence.cache();
        if (length() < opened.length) {
            readOn(
                    Arrays.copyOfRange(opened, length(), opened.length),
                    (done, total) -> {
                        going.stepped(cache);
                        progress.report(done, total);
                    },
                    cancellation);
            // A reading that fails may be taken up by calling again; one that is whole has nothing left to keep.
            keeping = null;
            whole = going;
            keptFiles = going.files();
            Communicator hosts = sequence.hosts();
            return hosts == null
                    ? going.finished(cache, logits(), () -> {})
                    : going.finished(cache, logits(), hosts::barrier).together(hosts);
        }
        keeping = null;
        whole = going;
        keptFiles = going.files();
        return new Kept(0, 0, Optional.empty());
    }

    /** Notes that what it holds is no longer the text that it was opened for, or its beginning. */
    private void leaveText() {
        keeping = null;
        whole = null;
    }

    /**
     * Makes what the method of attention keeps of a text beside keys and values now, in place of when the first token is asked for: all forks share it then, and what is read afterwards is not in it. Of the text that
     * the session was opened for and has {@linkplain #readRest read to its end}, it is taken from the disk where it is kept, and kept where it is not; answers are the same, bit for bit. Where hosts share the text, all call this.
     *
     * @param progress in layers; not told anything where nothing is to be made
     * @throws LecternException of kind {@code NO_MEMORY}, or {@code CANCELLED} on request
     */
    public TextIndex index(Progress progress, Cancellation cancellation) {
        KvCache cache = sequence.cache();
        if (!(sequence.attention() instanceof Indexed indexed)) {
            return TextIndex.none(sequence.attention().name() + " has no index");
        }
        if (retention.isPresent() && cache.cutAt() == 0) {
            return TextIndex.none("--keep drops tokens first");
        }
        TextIndex own = index(indexed, cache, progress, cancellation);
        Communicator hosts = sequence.hosts();
        return hosts == null ? own : own.together(hosts, otherwise(indexed, cache));
    }

    /** Of which keys an index is, as half a sentence, if of others than were asked for. */
    private static String otherwise(Indexed indexed, KvCache cache) {
        return indexed.ranAs(cache).equals(indexed.name()) ? "" : OF_STORED_KEYS;
    }

    private static String behind(String more) {
        return more.isEmpty() ? "" : "; " + more;
    }

    private TextIndex index(Indexed indexed, KvCache cache, Progress progress, Cancellation cancellation) {
        long before = cache.indexBytes();
        boolean isThere = indexed.image(cache).isPresent();
        Keeping home = isThere ? null : whole;
        String why = isThere ? "it was there already" : "nothing is kept";
        if (home != null) {
            Optional<String> whyNot = home.loadIndex(indexed, cache);
            if (whyNot.isEmpty()) {
                return new TextIndex(
                        TextIndex.Outcome.LOADED,
                        cache.indexBytes() - before,
                        0,
                        "it is kept" + behind(otherwise(indexed, cache)),
                        Optional.empty());
            }
            why = whyNot.get();
        }
        compute(model, List.of(this), forward -> {
            forward.index(indexed, cache, progress, cancellation);
            return cache;
        });
        if (indexed.image(cache).isEmpty()) {
            return TextIndex.none("the text is too short for one");
        }
        String of = behind(otherwise(indexed, cache));
        Kept kept = home == null ? new Kept(0, 0, Optional.empty()) : home.keepIndex(indexed, cache);
        return new TextIndex(TextIndex.Outcome.MADE, cache.indexBytes(), kept.bytes(), why + of, kept.failure());
    }

    /** Names of the files without which nothing is left of the text that was read to its end. */
    List<String> keptFiles() {
        if (keptFiles.isEmpty()) {
            throw new IllegalStateException("the text was not read to its end");
        }
        return keptFiles;
    }

    /** Bytes of pages that are mapped files, which the system can take out of memory and read again. */
    public long mappedBytes() {
        return sequence.cache().mappedBytes();
    }

    /** Reads; whatever ends it early leaves the session with the tokens read until then, or as it was. */
    private void read(
            int[] more, Slice.Logits wanted, Prefill.LogitSink sink, Progress progress, Cancellation cancellation) {
        Communicator hosts = sequence.hosts();
        if (hosts != null) {
            HostAgreement.requireSameTokens(hosts, more);
        }
        int before = admit(more);
        float[] known = logits;
        logits = null;
        try {
            compute(model, List.of(this), forward -> {
                prefill.read(forward, sequence, more, wanted, sink, progress, cancellation);
                model.warnOfOffsets(sequence.cache());
                return more;
            });
        } catch (RuntimeException | Error e) {
            if (before == 0 && !prefill.resumes()) {
                cut(0); // what follows a text is read in steps by every method
            }
            if (length() == before) {
                logits = known;
            }
            throw e;
        }
        if (hosts != null && before == 0) {
            afterText = logits;
            textLength = length();
        }
    }

    /** Has the model compute for sessions. A file that was cut meanwhile, of what is kept or of the model, is a sentence. */
    private static <T> T compute(Model model, List<Session> sessions, Function<Forward, T> work) {
        try {
            return model.withForward(work);
        } catch (InternalError e) {
            // What the JVM makes of a read beyond the end of a mapped file.
            sessions.forEach(session -> session.sequence.cache().requireWholeFiles());
            throw new BadModelFileException(
                    model.path().toString(),
                    "it cannot be read any more, as if it had been cut while it was used; put it back and open it again.",
                    e);
        }
    }

    private static double logProb(float[] logits, int at, int vocabulary, int token) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < vocabulary; i++) {
            max = Math.max(max, logits[at + i]);
        }
        double sum = 0;
        for (int i = 0; i < vocabulary; i++) {
            sum += Math.exp(logits[at + i] - max);
        }
        return logits[at + token] - max - Math.log(sum);
    }

    /** Checks tokens and notes them; returns the length before. */
    private int admit(int[] more) {
        int before = length();
        if (more.length == 0) {
            throw new IllegalArgumentException("nothing to read");
        }
        requireRoom((long) before + more.length);
        for (int token : more) {
            if (token < 0 || token >= model.vocabulary()) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "Token " + token + " is not one of the model's " + model.vocabulary() + ".");
            }
        }
        tokens = Arrays.copyOf(tokens, before + more.length);
        System.arraycopy(more, 0, tokens, before, more.length);
        return before;
    }

    private void requireRoom(long length) {
        if (length > context) {
            throw new LecternException(
                    LecternException.Kind.TOO_LONG,
                    "This needs " + length + " tokens, but the context holds " + context + ".");
        }
    }

    /** The logits after the last token, {@code [vocabulary]}: a copy. */
    public float[] logits() {
        float[] known = logits;
        if (known == null) {
            if (length() == 0) {
                throw new IllegalStateException("nothing was read yet");
            }
            // The last token is read again, alone where it can be: its logits were not kept.
            int length = length(), kept = cutTogether(length - 1);
            read(Arrays.copyOfRange(tokens, kept, length), Progress.NONE, new Cancellation());
            return logits();
        }
        return known.clone();
    }

    /** One answer after what was read; the session then holds the answer too, up to the token before its last. */
    public Answer generate(GenerateOptions options, TokenListener listener, Cancellation cancellation) {
        return generate(1, options, listener, cancellation).getFirst();
    }

    /**
     * Several answers after what was read, decoded together. The first is the one that {@link #generate(GenerateOptions, TokenListener,
     * Cancellation)} gives, and the session goes on from it.
     *
     * @param n how many
     */
    public List<Answer> generate(int n, GenerateOptions options, TokenListener listener, Cancellation cancellation) {
        if (n < 1) {
            throw new LecternException(LecternException.Kind.BAD_OPTION, "-n is " + n + ", but it takes 1 or more.");
        }
        List<Session> sessions = new ArrayList<>(List.of(this));
        try {
            while (sessions.size() < n) {
                sessions.add(fork());
            }
            return generate(model, sessions, options, listener, cancellation);
        } finally {
            sessions.stream().skip(1).forEach(Session::close);
        }
    }

    /** An answer for each of several sessions; see {@link Model#generate}. */
    static List<Answer> generate(
            Model model,
            List<Session> sessions,
            GenerateOptions options,
            TokenListener listener,
            Cancellation cancellation) {
        requireTogether(model, sessions);
        Communicator hosts = sessions.getFirst().sequence.hosts();
        if (hosts != null) {
            HostAgreement.requireSameAnswers(hosts, options);
        }
        // Answers are written behind forks, so that a session is as it was if one fails.
        List<Generation.Start> starts = new ArrayList<>();
        try {
            for (Session session : sessions) {
                float[] logits = session.logits();
                Sequence fork = session.evicted(cancellation).observedBy(session.sequence.observer());
                starts.add(new Generation.Start(fork, logits, session.context));
            }
            List<Answer> answers = compute(
                    model,
                    sessions,
                    forward -> new Generation(forward, model.tokenizer())
                            .answers(starts, options, listener, cancellation));
            for (int i = 0; i < sessions.size(); i++) {
                sessions.get(i).goOn(starts.get(i).sequence(), answers.get(i).tokens());
            }
            return answers;
        } catch (RuntimeException | Error e) {
            starts.forEach(start -> start.sequence().close());
            throw e;
        }
    }

    /** Takes the place of what was read by a sequence that holds the first of some tokens beside. */
    private void goOn(Sequence longer, List<Integer> answer) {
        int before = length(), length = longer.cache().position();
        leaveText();
        tokens = Arrays.copyOf(tokens, length);
        for (int t = before; t < length; t++) {
            tokens[t] = answer.get(t - before);
        }
        sequence.close();
        sequence = longer;
        logits = length == before ? logits : null;
    }

    private static void requireTogether(Model model, List<Session> sessions) {
        if (sessions.isEmpty() || new HashSet<>(sessions).size() != sessions.size()) {
            throw new IllegalArgumentException("a step of " + sessions.size() + " sessions, or of one twice");
        }
        Communicator hosts = sessions.getFirst().sequence.hosts();
        if (sessions.stream().anyMatch(session -> session.model != model || session.sequence.hosts() != hosts)) {
            throw new IllegalArgumentException("sessions of different models or hosts in one step");
        }
    }

    /**
     * Has an observer told of every token that this session reads or generates from now on, on the thread that reads; null for none. A token
     * that is read again, after a truncation or by {@link #logits}, is told again; of a step that is cancelled or fails, some layers may have
     * been told. A fork is not observed.
     *
     * @throws LecternException of kind {@code BAD_OPTION} if hosts share the session, each of which sees some of the tokens alone
     */
    public void observe(@Nullable AttentionObserver observer) {
        if (observer != null && sequence.hosts() != null) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "What attention reads can be observed on one host alone, and several share this session.");
        }
        sequence = sequence.observedBy(observer);
    }

    /** Another session that has read the same, and that nobody observes; nothing is copied. */
    public Session fork() {
        return fork(sequence.attention(), retention);
    }

    /**
     * Another session that has read the same, and looks things up by another method from here on; nothing is copied.
     *
     * @param attention a method's name, as in {@link SessionOptions}
     * @throws LecternException of kind {@code BAD_OPTION} if there is no such method
     */
    public Session fork(String attention) {
        return fork(model.attention(attention), retention);
    }

    /**
     * The same, and it drops tokens another way.
     *
     * @param keep which tokens stay, as in {@link SessionOptions}; what it has to know, this session must have been opened to keep: an {@code h2o} that it was not opened for fails when it drops
     * @throws LecternException of kind {@code BAD_OPTION} if there is no such method, or hosts share the session
     */
    public Session fork(String attention, String keep) {
        Optional<Retention> dropping = Retentions.named(keep);
        Communicator hosts = sequence.hosts();
        if (dropping.isPresent() && hosts != null) {
            throw cannotDrop(keep, hosts);
        }
        return fork(model.attention(attention), dropping);
    }

    static LecternException cannotDrop(String keep, Communicator hosts) {
        return new LecternException(
                LecternException.Kind.BAD_OPTION,
                "--keep " + keep + " drops tokens of a text that is all in one place, and here " + hosts.size()
                        + " hosts share it: leave the option out.");
    }

    private Session fork(DecodeAttention attention, Optional<Retention> retention) {
        return new Session(model, sequence.fork().attending(attention), context, prefill, retention, tokens(), logits);
    }

    /**
     * Forgets all tokens from {@code length} on. Where that is within a page whose codes are final, the page's tokens before it are read again, up to 255.
     *
     * @throws LecternException of kind {@code NO_MEMORY} if there is none to read them again; then the session ends before them
     */
    public void truncate(int length) {
        if (length == length()) {
            return;
        }
        int kept = cutTogether(length);
        logits = length == textLength ? afterText : null;
        leaveText();
        if (kept < length) {
            int[] again = Arrays.copyOfRange(tokens, kept, length);
            read(again, Slice.Logits.NONE, (first, rows, values, at) -> {}, Progress.NONE, new Cancellation());
        }
    }

    /**
     * Cuts the cache to a length that all hosts can go back to: that of the last one, which has the tokens behind the text. Called by all.
     *
     * @return the tokens that are left, read ones
     */
    private int cutTogether(int length) {
        int own = cut(length), kept = sequence.decided(own)[0];
        return kept == own ? own : cut(kept);
    }

    /** Cuts the cache; returns the tokens that are left, read ones. */
    private int cut(int length) {
        KvCache cache = sequence.cache();
        int least = cache.leastPosition();
        if (length < least) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "A session cannot go back to " + length + " tokens: of the first " + least
                            + " only some are here, as --keep says, or because several hosts share them.");
        }
        return cache.truncateTo(length);
    }

    /**
     * Drops the tokens that do not stay, as {@link SessionOptions#keep} says, once: what is read afterwards stays. The first answer begins with that; who calls it before has the question read over
     * what is left.
     *
     * @throws LecternException of kind {@code BAD_OPTION} if the method does not know what it has to; {@code NO_MEMORY}; of kind {@code CANCELLED} on request, and then nothing is dropped
     */
    public void evict(Cancellation cancellation) {
        if (length() > 0) {
            AttentionObserver observer = sequence.observer();
            Sequence fewer = evicted(cancellation);
            leaveText();
            sequence.close();
            sequence = fewer.observedBy(observer);
        }
    }

    /** Another sequence, of what stays. */
    private Sequence evicted(Cancellation cancellation) {
        return retention.isEmpty() || sequence.cache().cutAt() > 0
                ? sequence.fork()
                : compute(model, List.of(this), forward -> forward.evict(retention.get(), sequence, cancellation));
    }

    /** Bytes of what the method of attention keeps beside keys and values; exact keys that this is to be made of count too. */
    public long indexBytes() {
        return sequence.cache().indexBytes();
    }

    /**
     * Makes the session longer without reading: copies the pages that it holds, from the first on and again, each into memory of its own. This
     * is for measuring at depths that would take hours to read. What follows then costs what it costs after a text of that length, with as many
     * bytes to look through; but copied keys stay rotated for the places where they were read, so what the model says means nothing. Tokens
     * after the last whole page (of 256) are forgotten first.
     *
     * @param length tokens that it holds in the end; no fewer than now
     * @param progress in tokens copied
     * @throws IllegalArgumentException if it does not hold a whole page
     * @throws LecternException of kind {@code TOO_LONG} or {@code NO_MEMORY}; of kind {@code CANCELLED} on request, and then the session holds
     *     what was copied until then
     */
    public void repeat(int length, Progress progress, Cancellation cancellation) {
        KvCache cache = sequence.cache();
        int pages = length() / Page.TOKENS, whole = pages * Page.TOKENS;
        if (pages == 0 || length < length() || cache.cutAt() > 0) {
            throw new IllegalArgumentException("a session of " + length() + " tokens cannot be repeated to " + length
                    + ": it needs " + Page.TOKENS + " at least, and gets no shorter");
        }
        requireRoom(length);
        int[] repeated = Arrays.copyOf(tokens, length);
        for (int i = whole; i < length; i++) {
            repeated[i] = tokens[i % whole];
        }
        tokens = repeated;
        truncate(whole);
        for (int page = pages; cache.length() < length; page++) {
            cancellation.check();
            logits = null;
            cache.repeatPage(page % pages);
            progress.report(Math.min(cache.length(), length) - whole, length - whole);
        }
        truncate(length);
    }

    /** One token more for each of several sessions, in one step; see {@link Model#step}. */
    static void step(Model model, List<Session> sessions, int[] next, Cancellation cancellation) {
        if (sessions.size() != next.length) {
            throw new IllegalArgumentException(next.length + " tokens for " + sessions.size() + " sessions");
        }
        requireTogether(model, sessions);
        List<Slice> slices = new ArrayList<>();
        for (int i = 0; i < next.length; i++) {
            Session session = sessions.get(i);
            int[] token = {next[i]};
            session.admit(token);
            session.leaveText();
            slices.add(new Slice(session.sequence, token, Slice.Logits.LAST));
        }
        compute(model, sessions, forward -> {
            Forward.Result result = forward.step(slices, cancellation);
            for (int i = 0; i < next.length; i++) {
                int at = result.at(i, 0);
                sessions.get(i).logits = Arrays.copyOfRange(result.values(), at, at + result.vocabulary());
            }
            return result;
        });
    }

    /** Frees its share of the pages. */
    @Override
    public void close() {
        sequence.close();
    }
}
