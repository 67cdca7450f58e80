package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.Estimate;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Sequences of one length in Lectern, each with pages of its own: read one after another, decoded together or one after another. */
final class Sequences implements Engine {
    /** Tokens that are really read where a depth is made of copies: four pages. */
    static final int READ_BEFORE_COPIES = 1024;

    private final Model model;
    private final List<Session> sessions = new ArrayList<>();
    private final Cancellation cancellation;

    private Sequences(Model model, List<Session> sessions, Cancellation cancellation) {
        this.model = model;
        this.sessions.addAll(sessions);
        this.cancellation = cancellation;
    }

    /**
     * @param options with a context
     * @throws LecternException of kind {@code NO_MEMORY} if all of them could not fit
     */
    Sequences(Model model, SessionOptions options, int count, Cancellation cancellation) {
        this.model = model;
        this.cancellation = cancellation;
        requireMemory(model, options, count);
        for (int i = 0; i < count; i++) {
            sessions.add(model.newSession(options));
        }
    }

    /**
     * Checks that so many sequences could be made.
     *
     * @throws LecternException of kind {@code NO_MEMORY} if all of them could not fit
     */
    static void requireMemory(Model model, SessionOptions options, int count) {
        long available = model.estimate(options, count).available();
        if (bytes(model, options, count) > available) {
            int fit = mostThatFit(model, options, count - 1, available);
            throw new LecternException(
                    LecternException.Kind.NO_MEMORY,
                    "--batch " + count + " needs " + bytes(model, options, count) + " bytes for sequences of "
                            + options.context() + " tokens (" + options.kv() + ", " + options.attention()
                            + "), but only " + available + " are available: "
                            + (fit == 0
                                    ? "not even one fits, so ask for a smaller --depth."
                                    : "at most --batch " + fit + " fits, or a smaller --depth."));
        }
    }

    /** The most sequences for which some memory is enough, up to a number of them; 0 if it is too little for one. */
    static int mostThatFit(Model model, SessionOptions options, int most, long memory) {
        int low = 0, high = most;
        while (low < high) {
            int middle = high - (high - low) / 2;
            if (bytes(model, options, middle) <= memory) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }

    /** Bytes of so many sequences: caches, indexes and scratch. */
    static long bytes(Model model, SessionOptions options, int count) {
        Estimate estimate = model.estimate(options, count);
        return Math.addExact(Math.multiplyExact(estimate.kv(), (long) count), estimate.besideCache());
    }

    /** What one of them runs. */
    String method(String kind) {
        return String.valueOf(sessions.getFirst().methods().get(kind));
    }

    @Override
    public int length() {
        return sessions.getFirst().length();
    }

    /** Of native memory, in pages of all of them. */
    long bytes() {
        return sessions.stream().mapToLong(Session::bytes).sum();
    }

    @Override
    public void truncate(int length) {
        sessions.forEach(session -> session.truncate(length));
    }

    /** Reads the same tokens in each, one sequence after another; returns the seconds. */
    @Override
    public double read(int[] tokens, Work work) {
        int from = length();
        long began = System.nanoTime();
        for (Session session : sessions) {
            session.read(tokens, work.reading(from), cancellation);
            work.did(Work.reading(from, tokens.length));
        }
        return seconds(began);
    }

    /** Decodes the same tokens in each, a step for all sequences together; returns the seconds. */
    @Override
    public double decode(int[] tokens, Work work) {
        int from = length();
        int[] step = new int[sessions.size()];
        long began = System.nanoTime();
        for (int i = 0; i < tokens.length; i++) {
            Arrays.fill(step, tokens[i]);
            model.step(sessions, step, cancellation);
            work.did(Work.decoding(from + i, 1));
        }
        return seconds(began);
    }

    /** Decodes the same tokens in each, one sequence after another; returns the seconds. */
    double decodeApart(int[] tokens, Work work) {
        int from = length();
        long began = System.nanoTime();
        for (Session session : sessions) {
            List<Session> alone = List.of(session);
            for (int i = 0; i < tokens.length; i++) {
                model.step(alone, new int[] {tokens[i]}, cancellation);
                work.did(Work.decoding(from + i, 1));
            }
        }
        return seconds(began);
    }

    /** Others that have read the same, and of which methods of attention keep nothing that these have not. */
    Sequences fork() {
        return new Sequences(model, sessions.stream().map(Session::fork).toList(), cancellation);
    }

    /** Bytes of what the method of attention keeps of the first. */
    long indexBytes() {
        return sessions.getFirst().indexBytes();
    }

    /** Makes each sequence longer, up to a depth, with the first tokens of a text. */
    void fill(int[] text, int depth, SpeedOptions.Fill fill, Work work) {
        int from = length();
        int read = fill == SpeedOptions.Fill.READ ? depth : Math.min(depth, Math.max(from, READ_BEFORE_COPIES));
        if (read > from) {
            read(Arrays.copyOfRange(text, from, read), work);
        }
        if (depth > read) {
            for (Session session : sessions) {
                session.repeat(depth, work.copying(), cancellation);
                work.did(Work.copying(depth - read));
            }
        }
    }

    /** The work of {@link #fill}. */
    static double filling(int from, int depth, SpeedOptions.Fill fill, int count) {
        int read = fill == SpeedOptions.Fill.READ ? depth : Math.min(depth, Math.max(from, READ_BEFORE_COPIES));
        return count * (Work.reading(from, read - from) + Work.copying(depth - read));
    }

    private static double seconds(long began) {
        return (System.nanoTime() - began) / 1e9;
    }

    @Override
    public void close() {
        sessions.forEach(Session::close);
    }
}
