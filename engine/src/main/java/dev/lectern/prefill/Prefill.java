package dev.lectern.prefill;

import dev.lectern.Cancellation;
import dev.lectern.Progress;
import dev.lectern.attention.DecodeAttention;
import dev.lectern.kv.LayerCache;
import java.util.List;

/** How a text is read into a sequence. */
public interface Prefill {
    /** What options and results call it. */
    String name();

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
     * @param attention for a part that is a single token
     * @param progress in tokens
     */
    void read(
            Forward forward,
            Sequence sequence,
            int[] tokens,
            Slice.Logits logits,
            LogitSink sink,
            DecodeAttention attention,
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
