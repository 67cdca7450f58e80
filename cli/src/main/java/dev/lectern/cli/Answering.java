package dev.lectern.cli;

import dev.lectern.Answer;
import dev.lectern.Estimate;
import dev.lectern.GenerateOptions;
import dev.lectern.Kept;
import dev.lectern.KeptReadings;
import dev.lectern.LecternException;
import dev.lectern.Memory;
import dev.lectern.Model;
import dev.lectern.PassageReading;
import dev.lectern.Progress;
import dev.lectern.Recall;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.TextIndex;
import dev.lectern.Traffic;
import dev.lectern.comm.Communicator;
import dev.lectern.kernel.Kernels;
import dev.lectern.text.ThinkingSplitter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Reads prompts and answers them; keeps the times and writes them down. */
final class Answering {
    private final Surroundings surroundings;
    private final Model model;
    private final ModelChoice.Located located;
    private final double load;
    private String begun = "";
    private Optional<Recall> recall = Optional.empty();
    private double recalling; // seconds
    private Kept written = new Kept(0, 0, Optional.empty());
    private Optional<TextIndex> index = Optional.empty();
    private Optional<Passages> passages = Optional.empty();

    /** @param load seconds that it took to open the model */
    Answering(Surroundings surroundings, Model model, ModelChoice.Located located, double load) {
        this.surroundings = surroundings;
        this.model = model;
        this.located = located;
        this.load = load;
    }

    /** An empty session with room for a prompt and {@code n} answers, if there is the memory for it. */
    Session open(SessionOptions options, Lengths lengths, int n) {
        requireMemory(options, lengths, n, 0, 1);
        return model.newSession(options.withContext(lengths.context()));
    }

    /**
     * The same, with what is kept of the text that prompts begin with.
     *
     * @param kept empty to keep and use nothing
     */
    Session open(SessionOptions options, Lengths lengths, int n, int[] text, Optional<KeptReadings> kept) {
        if (kept.isEmpty() || text.length == 0) {
            return open(options, lengths, n);
        }
        long began = System.nanoTime();
        Session session = model.newSession(options.withContext(lengths.context()), text, kept.get());
        recalling = seconds(began);
        try {
            requireMemory(options, lengths, n, session.mappedBytes(), 1);
            return session;
        } catch (RuntimeException e) {
            session.close();
            throw e;
        }
    }

    /** A session that hosts share, of which the last has the answers, with what is kept of a text. */
    Session open(
            SessionOptions options,
            Lengths lengths,
            int n,
            int[] text,
            Optional<KeptReadings> kept,
            Communicator hosts) {
        // What a host reads of the text is looked after where the session is opened.
        SessionOptions part = options.withContext(Math.ceilDiv(lengths.context(), hosts.size()))
                .withPrefill(SessionOptions.DEFAULT.prefill());
        requireMemory(part, lengths, n, 0, hosts.ranksHere());
        SessionOptions whole = options.withContext(lengths.context());
        if (kept.isEmpty() || text.length == 0) {
            return model.newSession(whole, hosts);
        }
        long began = System.nanoTime();
        Session session = model.newSession(whole, text, kept.get(), hosts);
        recalling = seconds(began);
        return session;
    }

    /**
     * @param mapped bytes of the cache that are files, which do not have to stay in memory
     * @param sharers ranks that have this machine's memory together
     */
    private void requireMemory(SessionOptions options, Lengths lengths, int n, long mapped, int sharers) {
        long answers = Math.multiplyExact((long) (n - 1), lengths.maxTokens());
        if (n > 1) {
            int text = options.context() == 0 ? lengths.context() : options.context();
            long tokens = Math.min(Integer.MAX_VALUE, text + answers);
            Estimate estimate = model.estimate(options.withContext((int) tokens), n);
            long needed = estimate.kv() - mapped + estimate.besideCache(), available = estimate.available() / sharers;
            if (needed > available) {
                throw new LecternException(
                        LecternException.Kind.NO_MEMORY,
                        n + " answers of up to " + lengths.maxTokens() + " tokens need " + needed
                                + " bytes beside the weights, but only " + available
                                + " are available: ask for fewer or shorter ones.");
            }
        }
    }

    /**
     * Reads the text that prompts begin with, as a call of its own, so that what follows is the same whether it was kept or is read now; keeps it.
     *
     * @param kept whether the session was opened with what is kept
     * @param told whether a line says how much that was
     * @return seconds
     */
    double readText(Session session, int[] text, boolean kept, boolean told) {
        if (text.length == 0) {
            return 0;
        }
        if (!kept) {
            double reading = read(session, text, text.length);
            return reading + index(session, told);
        }
        Recall recall = session.recalled();
        Console console = surroundings.console();
        if (told) {
            console.note("kept: " + recall.outcome().name().toLowerCase(Locale.ROOT) + ", " + recall.tokens() + " of "
                    + text.length + " tokens; " + recall.why() + ".");
        }
        long began = System.nanoTime();
        Kept written;
        if (recall.tokens() == text.length) {
            written = session.readRest(Progress.NONE, surroundings.cancellation());
        } else {
            try (ProgressLine line = new ProgressLine(
                    console, "reading", ProgressLine.Unit.TOKENS, recall.tokens(), text.length - recall.tokens())) {
                written = session.readRest(line, surroundings.cancellation());
            }
        }
        this.recall = Optional.of(recall);
        this.written = written;
        double reading = seconds(began);
        return reading + index(session, told);
    }

    /** Has the method's index of the text there, for all questions; returns seconds. */
    private double index(Session session, boolean told) {
        long began = System.nanoTime();
        TextIndex index;
        try (ProgressLine line = new ProgressLine(surroundings.console(), "indexing", ProgressLine.Unit.WORK, 0, -1)) {
            index = session.index(line, surroundings.cancellation());
        }
        this.index = Optional.of(index);
        boolean isThere = index.outcome() != TextIndex.Outcome.NONE;
        if (told && isThere) {
            surroundings
                    .console()
                    .note("index: " + index.outcome().name().toLowerCase(Locale.ROOT) + ", "
                            + Units.bytes(index.bytes()) + "; " + index.why() + ".");
        }
        index.failure()
                .filter(failure -> written.failure().isEmpty())
                .ifPresent(failure -> surroundings.console().warn(String.valueOf(failure.getMessage())));
        return seconds(began);
    }

    /** What the last text that was read has for the method of attention. */
    TextIndex index() {
        return index.orElseThrow();
    }

    /** What the last reading of a text has left on the disk. */
    Kept written() {
        return written;
    }

    /**
     * Reads what the session does not hold of a prompt.
     *
     * @param to where to stop
     * @return seconds
     */
    double read(Session session, int[] tokens, int to) {
        int from = session.length();
        if (from == to) {
            return 0;
        }
        long began = System.nanoTime();
        try (ProgressLine line =
                new ProgressLine(surroundings.console(), "reading", ProgressLine.Unit.TOKENS, from, to - from)) {
            session.read(Arrays.copyOfRange(tokens, from, to), line, surroundings.cancellation());
        }
        return seconds(began);
    }

    /** Has every answer from now on tell which of these passages it read. */
    void watch(Passages passages) {
        this.passages = Optional.of(passages);
    }

    /**
     * Reads the rest of a prompt and answers it.
     *
     * @param cached tokens of the prompt that were there already
     * @param n how many answers
     * @param shown whether the first answer is printed while it grows
     * @param ready when the model was ready for this prompt, as {@link System#nanoTime} tells it
     * @param earlier seconds that were spent on reading this prompt before
     */
    Outcome answer(
            Session session,
            Prompt prompt,
            int cached,
            int n,
            GenerateOptions options,
            boolean shown,
            long ready,
            double earlier) {
        Optional<PassageReading> question = passages.map(known -> known.unread(model.attentionShape()));
        session.observe(question.orElse(null));
        Traffic before = model.traffic();
        double prefill = earlier + read(session, prompt.tokens(), prompt.length());
        List<Growing> growing = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            growing.add(new Growing(prompt, shown && i == 0));
        }
        long[] firstAt = new long[1];
        List<Answer> answers;
        List<Session> sessions = new ArrayList<>(List.of(session));
        List<PassageReading> readings = new ArrayList<>();
        try {
            while (sessions.size() < n) {
                sessions.add(session.fork());
            }
            question.ifPresent(read -> sessions.forEach(one -> {
                readings.add(read.copy());
                one.observe(readings.getLast());
            }));
            answers = model.generate(
                    sessions,
                    options.withThinking(prompt.thinking()),
                    (number, token, text) -> {
                        if (firstAt[0] == 0) {
                            firstAt[0] = System.nanoTime();
                        }
                        growing.get(number).add(text);
                    },
                    surroundings.cancellation());
        } catch (LecternException e) {
            begun = growing.getFirst().answer.toString();
            throw e;
        } finally {
            sessions.stream().skip(1).forEach(Session::close);
        }
        double decode = seconds(firstAt[0]);
        growing.forEach(Growing::finish);
        return new Outcome(
                growing.stream().map(g -> g.answer.toString()).toList(),
                growing.stream().map(g -> g.thinking.toString()).toList(),
                answers.stream().map(Answer::finishReason).toList(),
                prompt.length(),
                cached,
                answers.stream().mapToInt(answer -> answer.tokens().size()).sum(),
                prefill,
                (firstAt[0] - ready) / 1e9,
                decode,
                session.bytes(),
                session.indexBytes(),
                model.traffic().since(before).bounded(),
                session.methods(),
                readings.stream().map(read -> passages.orElseThrow().most(read)).toList());
    }

    /** The text of an answer, thought and said, while it grows. */
    private final class Growing {
        private final boolean shown;
        private final ThinkingSplitter splitter;
        final StringBuilder thinking = new StringBuilder();
        final StringBuilder answer = new StringBuilder();

        Growing(Prompt prompt, boolean shown) {
            splitter = new ThinkingSplitter(prompt.thinking());
            this.shown = shown;
        }

        void add(String text) {
            take(splitter.accept(text));
        }

        void finish() {
            take(splitter.finish());
        }

        private void take(ThinkingSplitter.Split part) {
            thinking.append(part.thinking());
            if (shown) {
                show(part);
            }
            answer.append(part.answer());
        }

        private void show(ThinkingSplitter.Split part) {
            Console console = surroundings.console();
            if (console.terminals().err()) {
                if (!part.thinking().isEmpty()) {
                    console.aside(part.thinking());
                }
                if (answer.isEmpty() && !part.answer().isEmpty() && !thinking.isEmpty()) {
                    console.note("\n");
                }
            }
            console.print(part.answer());
        }
    }

    /** What the first answer had come to when it was stopped; empty if nothing was answered. */
    String begun() {
        return begun;
    }

    /** The object that the contract of the command line describes. */
    Map<String, Object> json(Outcome outcome, boolean several) {
        Map<String, Object> object = outcome.answerMembers(several);
        object.put("model", modelMembers());
        Map<String, Object> tokens = new LinkedHashMap<>();
        tokens.put("prompt", outcome.prompt());
        tokens.put("cached", outcome.cached());
        tokens.put("generated", outcome.generated());
        object.put("tokens", tokens);
        Map<String, Object> seconds = new LinkedHashMap<>();
        seconds.put("load", rounded(load));
        seconds.put("prefill", rounded(outcome.prefill()));
        seconds.put("firstToken", rounded(outcome.firstToken()));
        seconds.put("decode", rounded(outcome.decode()));
        seconds.put("total", rounded(surroundings.uptime().getAsDouble()));
        object.put("seconds", seconds);
        Map<String, Object> bytes = new LinkedHashMap<>();
        bytes.put("weights", model.estimate(SessionOptions.DEFAULT, 1).weights());
        bytes.put("kv", outcome.kv());
        bytes.put("index", outcome.index());
        bytes.put("peakRss", Memory.peakResident());
        object.put("bytes", bytes);
        Map<String, Object> methods = new LinkedHashMap<>();
        for (String kind : List.of("prefill", "attention", "kv", "retention")) {
            methods.put(kind, outcome.methods().get(kind));
        }
        object.put("methods", methods);
        if (outcome.bounded().choices() > 0) {
            object.put("bounded", members(outcome.bounded()));
        }
        recall.ifPresent(known -> object.put("kept", members(known)));
        index.ifPresent(known -> object.put("index", members(known)));
        object.put("threads", model.threads());
        object.put("vectorBits", Kernels.vectorBits());
        return object;
    }

    /** The model, as an object. */
    Map<String, Object> modelMembers() {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("name", located.name());
        members.put("sha256", located.sha256());
        members.put("context", model.context());
        return members;
    }

    /** What there is for the method of attention, as an object. */
    static Map<String, Object> members(TextIndex index) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("outcome", index.outcome().name().toLowerCase(Locale.ROOT));
        members.put("bytes", index.bytes());
        members.put("written", index.written());
        members.put("why", index.why());
        return members;
    }

    /** What became of a bound on the error of attention, as an object. */
    private static Map<String, Object> members(Traffic.Bounded bounded) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("choices", bounded.choices());
        members.put("enlarged", bounded.enlarged());
        members.put("dense", bounded.dense());
        members.put("meanError", bounded.meanError());
        return members;
    }

    /** How much was kept, as an object. */
    Map<String, Object> members(Recall recall) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("outcome", recall.outcome().name().toLowerCase(Locale.ROOT));
        members.put("tokens", recall.tokens());
        members.put("why", recall.why());
        members.put("seconds", rounded(recalling));
        return members;
    }

    static double seconds(long since) {
        return (System.nanoTime() - since) / 1e9;
    }

    /** Microseconds are as fine as makes sense. */
    static double rounded(double seconds) {
        return Math.round(seconds * 1e6) / 1e6;
    }
}
