package dev.lectern.prefill;

import dev.lectern.Cancellation;
import dev.lectern.Progress;
import dev.lectern.attention.Heads;
import dev.lectern.kv.LayerCache;
import java.util.List;
import java.util.Map;

/** How a text is read into a sequence. */
public interface Prefill {
    /** What options and results call it. */
    String name();

    /**
     * Checks that it can read for such layers.
     *
     * @throws dev.lectern.LecternException of kind {@code BAD_OPTION} that says why not
     */
    default void requireFit(List<LayerCache> layers) {}

    /** Whether every token attends to all before it, so that what it looked at can be summed up and what it left out is nothing. */
    default boolean isExact() {
        return false;
    }

    /** Whether several hosts can share a text that it reads. */
    default boolean isShared() {
        return false;
    }

    /** Rows of its largest step, of a text of so many tokens. */
    default int rows(long tokens) {
        return Full.CHUNK;
    }

    /** Bytes that it holds while it reads so many tokens, beside the cache and the scratch of a step. */
    default long bytes(List<LayerCache> layers, long tokens) {
        return 0;
    }

    /** Bytes that it holds beside for choosing what the queries of a layer look at, while it reads so many tokens. */
    default long scratch(Heads heads, long tokens) {
        return 0;
    }

    /**
     * The most rows of a step of one of several hosts that share a text.
     *
     * @param tokens of the text
     */
    default int rowsOfHost(int tokens, int hosts) {
        throw new IllegalStateException(name() + " is for one host");
    }

    /**
     * Of a text that several hosts share, the tokens whose keys and values one of them has in the end, in their order; none for a host for which the text is too short.
     *
     * @param tokens of the text
     */
    default int[] ofHost(int[] tokens, int hosts, int host) {
        throw new IllegalStateException(name() + " is for one host");
    }

    /** Bytes that one of several hosts holds at most while it reads its part of a text, beside the cache and the scratch of a step. */
    default long bytesOfHost(List<LayerCache> layers, Heads heads, int tokens, int hosts) {
        throw new IllegalStateException(name() + " is for one host");
    }

    /**
     * On what keys and values depend beside the tokens before them and the options that the name tells, as fields for people.
     *
     * @param tokens of the text
     */
    default Map<String, String> dependsOn(int tokens) {
        return Map.of();
    }

    /** Whether a reading that was stopped half-way has left a whole sequence of the tokens read so far, to go on from. */
    boolean resumes();

    /**
     * Where a reading from the beginning can be taken up so that everything after is as if it had not been stopped, bit for bit: where its steps end.
     *
     * @param tokens to read in one call
     * @return ascending, all below {@code tokens}; empty if there is no such place
     */
    int[] stops(List<LayerCache> layers, int tokens);

    /**
     * Reads tokens after what the sequence holds.
     *
     * @param logits for which of the tokens logits are wanted
     * @param sink told the logits of each part, in order
     * @param progress in tokens
     */
    void read(
            Forward forward,
            Sequence sequence,
            int[] tokens,
            Slice.Logits logits,
            LogitSink sink,
            Progress progress,
            Cancellation cancellation);

    /** Takes logits before the next step overwrites them. */
    @FunctionalInterface
    interface LogitSink {
        /**
         * @param firstToken index in the tokens being read of the first row
         * @param rows how many
         * @param logits {@code [rows][vocabulary]} from at
         */
        void accept(int firstToken, int rows, float[] logits, int at);
    }
}
