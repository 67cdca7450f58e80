package dev.lectern.prefill;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import dev.lectern.kv.LayerCache;
import java.util.List;
import java.util.Map;

/**
 * What methods have in common of which tokens of a text do not look at all before them. What is read after the text, a question, looks at everything.
 *
 * <p>The text is what an empty sequence is given first.
 */
abstract class Approximate implements Prefill {
    static final String KIND = "Prefill method";

    /** Whether a text of so many tokens is read exactly. */
    abstract boolean isWhole(Sequence sequence, int tokens);

    /** Reads a text into an empty sequence. */
    abstract void readText(
            Forward forward,
            Sequence sequence,
            int[] tokens,
            Slice.Logits logits,
            LogitSink sink,
            Progress progress,
            Cancellation cancellation);

    @Override
    public boolean resumes() {
        return false;
    }

    @Override
    public int[] stops(List<LayerCache> layers, int tokens) {
        return new int[0]; // what is kept of another text with the same beginning may have been read otherwise
    }

    @Override
    public Map<String, String> dependsOn(int tokens) {
        return Map.of("read", tokens + " tokens at once");
    }

    @Override
    public void requireFit(List<LayerCache> layers) {
        refuseWindows(this, layers);
    }

    @Override
    public final void read(
            Forward forward,
            Sequence sequence,
            int[] tokens,
            Slice.Logits logits,
            LogitSink sink,
            Progress progress,
            Cancellation cancellation) {
        if (sequence.cache().position() > 0 || isWhole(sequence, tokens.length)) {
            new Full().read(forward, sequence, tokens, logits, sink, progress, cancellation);
            return;
        }
        refuseLogitsOfAll(this, logits);
        readText(forward, sequence, tokens, logits, sink, progress, cancellation);
    }

    /** For methods that know of no windows. */
    static void refuseWindows(Prefill method, List<LayerCache> layers) {
        if (layers.stream().anyMatch(layer -> layer.window() > 0)) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--prefill " + method.name() + " is not for this model, whose layers look back through windows:"
                            + " leave the option out.");
        }
    }

    /** For methods that take steps of more rows than there is room for logits of. */
    static void refuseLogitsOfAll(Prefill method, Slice.Logits logits) {
        if (logits == Slice.Logits.ALL) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--prefill " + method.name()
                            + " gives no expectation for each token of a text: leave the option out.");
        }
    }
}
