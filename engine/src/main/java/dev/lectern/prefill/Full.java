package dev.lectern.prefill;

import dev.lectern.Cancellation;
import dev.lectern.Progress;
import dev.lectern.kv.CacheSizes;
import dev.lectern.kv.LayerCache;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

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
    public boolean isExact() {
        return true;
    }

    @Override
    public boolean resumes() {
        return true;
    }

    @Override
    public int[] stops(List<LayerCache> layers, int tokens) {
        if (CacheSizes.closesByCalls(layers)) {
            return new int[0];
        }
        IntStream.Builder stops = IntStream.builder();
        for (int at = step(chunk, CacheSizes.steady(layers, 0), 0, tokens); at < tokens; ) {
            stops.add(at);
            at += step(chunk, CacheSizes.steady(layers, at), at, tokens);
        }
        return stops.build().toArray();
    }

    /** Tokens of the next step. */
    static int step(int chunk, int steady, int from, int tokens) {
        int step = Math.min(Math.min(chunk, steady), tokens - from);
        // A lone token is computed as in decoding, and by the method of decoding: a text's last one is not to depend on
        // its
        // length.
        return step > 2 && tokens - from - step == 1 ? step - 1 : step;
    }

    @Override
    public void read(
            Forward forward,
            Sequence sequence,
            int[] tokens,
            Slice.Logits logits,
            LogitSink sink,
            Progress progress,
            Cancellation cancellation) {
        int size = logits == Slice.Logits.ALL ? Math.min(chunk, LOGIT_CHUNK) : chunk;
        for (int from = 0, to; from < tokens.length; from = to) {
            cancellation.check();
            // Of what hosts share only one stores what is read here, so that it knows how many tokens a step may have.
            int steady = sequence.decided(sequence.cache().steady())[0];
            to = from + step(size, steady, from, tokens.length);
            boolean last = to == tokens.length;
            Slice.Logits wanted = logits == Slice.Logits.LAST && !last ? Slice.Logits.NONE : logits;
            Slice slice = new Slice(sequence, Arrays.copyOfRange(tokens, from, to), wanted, !last);
            Forward.Result result = forward.step(List.of(slice), cancellation);
            int rows = slice.logitRows();
            if (rows > 0) {
                sink.accept(to - rows, rows, result.values(), result.at(0, 0));
            }
            progress.report(to, tokens.length);
        }
    }
}
