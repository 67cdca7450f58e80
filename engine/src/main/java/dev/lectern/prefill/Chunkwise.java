package dev.lectern.prefill;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import dev.lectern.attention.LayerSet;
import dev.lectern.attention.Segments;
import dev.lectern.attention.StripChoice;
import dev.lectern.options.NamedOptions;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What methods have in common that read a text in chunks as {@link Full} does, though in longer ones, and have each query head look at chosen tokens of those before. All take the option {@code dense}: layers that read exactly.
 */
abstract class Chunkwise extends Approximate {
    /** Tokens of a step, unless formats of keys and values want shorter ones: what is looked up for a step, and unpacked for it, serves four times as many queries as in {@link Full}. */
    static final int CHUNK = 4 * Full.CHUNK;

    private final LayerSet dense;
    private final String name;

    /** @param described the method's own options, as they are named in results */
    Chunkwise(NamedOptions options, String described) {
        dense = LayerSet.of(options, "dense", LayerSet.NONE);
        name = options.name() + ":" + described + (dense.isEmpty() ? "" : ":dense=" + dense);
    }

    /** Chooses for the chunks of one reading. Called by the thread that takes the step. */
    interface Chooser {
        /** What the query heads of a chunk look at in a layer; the keys of the chunk are stored. */
        StripChoice choose(RowAttention.Rows rows);
    }

    /**
     * One for a reading.
     *
     * @param tokens of the text
     */
    abstract Chooser chooser(int tokens);

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final int rows(long tokens) {
        return CHUNK;
    }

    @Override
    final boolean isWhole(Sequence sequence, int tokens) {
        return false;
    }

    @Override
    final void readText(
            Forward forward,
            Sequence sequence,
            int[] tokens,
            Slice.Logits logits,
            LogitSink sink,
            Progress progress,
            Cancellation cancellation) {
        if (sequence.hosts() != null) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--prefill " + name() + " reads a text on one host: share it among several with star, apb, ring or"
                            + " ulysses.");
        }
        Chooser chooser = chooser(tokens.length);
        RowAttention chosen = rows -> attend(rows, dense.contains(rows.layer()) ? null : chooser.choose(rows));
        readChunks(forward, sequence, tokens, logits, sink, chosen, progress, cancellation);
    }

    /**
     * Reads a text in chunks of {@value #CHUNK} tokens.
     *
     * @param rows how the queries of a chunk attend
     */
    static void readChunks(
            Forward forward,
            Sequence sequence,
            int[] tokens,
            Slice.Logits logits,
            LogitSink sink,
            RowAttention rows,
            Progress progress,
            Cancellation cancellation) {
        for (int from = 0, to; from < tokens.length; from = to) {
            cancellation.check();
            to = from + Math.min(Math.min(CHUNK, sequence.cache().steady()), tokens.length - from);
            boolean last = to == tokens.length;
            Slice.Logits wanted = last ? logits : Slice.Logits.NONE;
            Slice slice = new Slice(sequence, Arrays.copyOfRange(tokens, from, to), wanted, !last, rows);
            Forward.Result result = forward.step(List.of(slice), cancellation);
            if (wanted == Slice.Logits.LAST) {
                sink.accept(to - 1, 1, result.values(), result.at(0, 0));
            }
            progress.report(to, tokens.length);
        }
    }

    /** Attends to the tokens of the sequence that were chosen; null for all. */
    private static void attend(RowAttention.Rows rows, @Nullable StripChoice choice) {
        int before = rows.cache().length();
        rows.exact()
                .chunk(
                        rows.heads(),
                        rows.q(),
                        rows.first(),
                        rows.count(),
                        before,
                        Segments.of(rows.cache(), rows.layer(), before + rows.count()),
                        rows.out(),
                        null,
                        choice,
                        rows.cancellation());
    }
}
