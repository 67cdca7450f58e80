package dev.lectern.prefill;

import dev.lectern.Cancellation;
import dev.lectern.Progress;
import dev.lectern.attention.DecodeAttention;
import java.util.Arrays;
import java.util.List;

/**
 * Reads everything, in chunks, each through all layers; a chunk attends to all tokens before it, as the cache stores them. A chunk ends where the cache closes a page, so that the result does not depend
 * on how a text was cut.
 */
public final class Full implements Prefill {
    /** Enough rows to make the matrix products efficient, few enough to stop soon and to bound scratch. */
    public static final int CHUNK = 512;

    /** Rows of logits at a time, where all are wanted: a row is as long as the vocabulary. */
    private static final int LOGIT_CHUNK = 64;

    private final int chunk;

    public Full() {
        this(CHUNK);
    }

    /** @param chunk tokens in a step */
    public Full(int chunk) {
        if (chunk < 1) {
            throw new IllegalArgumentException("chunks of " + chunk + " tokens");
        }
        this.chunk = chunk;
    }

    @Override
    public String name() {
        return "full";
    }

    @Override
    public boolean resumes() {
        return true;
    }

    @Override
    public void read(
            Forward forward,
            Sequence sequence,
            int[] tokens,
            Slice.Logits logits,
            LogitSink sink,
            DecodeAttention attention,
            Progress progress,
            Cancellation cancellation) {
        int size = logits == Slice.Logits.ALL ? Math.min(chunk, LOGIT_CHUNK) : chunk;
        for (int from = 0, to; from < tokens.length; from = to) {
            cancellation.check();
            to = Math.min(tokens.length, from + Math.min(size, sequence.cache().steady()));
            boolean last = to == tokens.length;
            Slice.Logits wanted = logits == Slice.Logits.LAST && !last ? Slice.Logits.NONE : logits;
            Slice slice = new Slice(sequence, Arrays.copyOfRange(tokens, from, to), wanted, !last);
            Forward.Result result = forward.step(List.of(slice), attention, cancellation);
            int rows = slice.logitRows();
            if (rows > 0) {
                sink.accept(to - rows, rows, result.values(), result.at(0, 0));
            }
            progress.report(to, tokens.length);
        }
    }
}
