package dev.lectern.prefill;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import dev.lectern.attention.Calibration;
import dev.lectern.attention.Heads;
import dev.lectern.attention.Segments;
import dev.lectern.kv.LayerCache;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The search for the pattern of each head that {@link MInference} wants to know beforehand: a text is read exactly, and beside it each head tries patterns of about the same cost. The one wins that keeps the most of the softmax,
 * on average over the queries behind the first quarter of the text; of equals the first.
 *
 * <p>Source: Jiang et al., "MInference 1.0" (arXiv 2407.02490), section 3.2, algorithm 1, and the search space of appendix B, whose budgets equal those of 1024 first and 4096 last tokens. The paper says that the output decides; its code takes the
 * kept softmax, as is done here: exp(lse of the chosen − lse of all). The authors' code then makes every winner a vertical-slash; here it stays what it is.
 */
public final class MInferenceSearch implements Calibration, Prefill {
    /** The method that it is for. */
    public static final String METHOD = "minference";

    private static final List<HeadPattern> CANDIDATES = List.of(
            new HeadPattern.AShape(1024, 4096),
            new HeadPattern.VerticalSlash(30, 2048),
            new HeadPattern.VerticalSlash(100, 1800),
            new HeadPattern.VerticalSlash(500, 1500),
            new HeadPattern.VerticalSlash(3000, 200),
            new HeadPattern.BlockSparse(100));

    /** Tokens of a text at least: of fewer no chunk would lie behind the first quarter. */
    private static final int LEAST = 2 * Chunkwise.CHUNK;

    private final List<double[][]> kept = new ArrayList<>(); // [layers][heads][candidates]: sums over queries
    private int from; // of the text being read
    private PatternChooser[] choosers = {}; // [candidates], likewise
    private float[] out = {};
    private float[] all = {};
    private float[] chosen = {};

    @Override
    public String method() {
        return METHOD;
    }

    @Override
    public int leastTokens() {
        return LEAST;
    }

    @Override
    public String name() {
        return METHOD + "-search";
    }

    @Override
    public boolean isExact() {
        return true;
    }

    @Override
    public int rows(long tokens) {
        return Chunkwise.CHUNK;
    }

    @Override
    public long scratch(Heads heads, long tokens) {
        return CANDIDATES.size() * PatternChooser.bytes(heads, tokens);
    }

    @Override
    public boolean resumes() {
        return true;
    }

    @Override
    public int[] stops(List<LayerCache> layers, int tokens) {
        return new int[0];
    }

    /** Reads exactly, and learns from it if it is a whole text, long enough to show patterns; the paper takes one of 30,000 tokens, of a task that makes the model look things up. */
    @Override
    public void read(
            Forward forward,
            Sequence sequence,
            int[] tokens,
            Slice.Logits logits,
            LogitSink sink,
            Progress progress,
            Cancellation cancellation) {
        if (sequence.cache().position() > 0 || tokens.length < LEAST || logits == Slice.Logits.ALL) {
            new Full().read(forward, sequence, tokens, logits, sink, progress, cancellation);
            return;
        }
        begin(tokens.length);
        Chunkwise.readChunks(forward, sequence, tokens, logits, sink, this::attend, progress, cancellation);
    }

    /** @param tokens of the text that is read next */
    void begin(int tokens) {
        from = tokens / 4;
        choosers = CANDIDATES.stream()
                .map(pattern -> pattern.of(tokens))
                .map(pattern -> new PatternChooser((layer, head) -> pattern))
                .toArray(PatternChooser[]::new);
    }

    void attend(RowAttention.Rows rows) {
        Heads heads = rows.heads();
        int before = rows.cache().length(), end = (rows.first() + rows.count()) * heads.heads();
        Segments segments = Segments.of(rows.cache(), rows.layer(), before + rows.count());
        if (kept.size() == rows.layer()) {
            kept.add(new double[heads.heads()][CANDIDATES.size()]);
        }
        all = all.length < end ? new float[end] : all;
        chosen = chosen.length < end ? new float[end] : chosen;
        out = out.length < end * heads.headDim() ? new float[end * heads.headDim()] : out;
        rows.exact()
                .chunk(
                        heads,
                        rows.q(),
                        rows.first(),
                        rows.count(),
                        before,
                        segments,
                        rows.out(),
                        all,
                        rows.cancellation());
        for (int candidate = 0; candidate < choosers.length && before >= from; candidate++) {
            rows.exact()
                    .chunk(
                            heads,
                            rows.q(),
                            rows.first(),
                            rows.count(),
                            before,
                            segments,
                            out,
                            chosen,
                            choosers[candidate].choose(rows),
                            rows.cancellation());
            for (int i = rows.first() * heads.heads(); i < end; i++) {
                kept.get(rows.layer())[i % heads.heads()][candidate] += Math.exp((double) chosen[i] - all[i]);
            }
        }
    }

    @Override
    public List<Calibration.Table> tables() {
        if (kept.isEmpty()) {
            throw new LecternException(
                    LecternException.Kind.BAD_DOCUMENT,
                    "No text has as many as " + LEAST
                            + " tokens, in which patterns of heads show: give one that is longer.");
        }
        return patterns().tables();
    }

    HeadPatterns patterns() {
        return new HeadPatterns(kept.stream()
                .map(layer -> Arrays.stream(layer).map(MInferenceSearch::best).toList())
                .toList());
    }

    private static HeadPattern best(double[] kept) {
        int best = 0;
        for (int candidate = 1; candidate < kept.length; candidate++) {
            best = kept[candidate] > kept[best] ? candidate : best;
        }
        return CANDIDATES.get(best);
    }
}
