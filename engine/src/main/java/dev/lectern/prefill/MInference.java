package dev.lectern.prefill;

import dev.lectern.LecternException;
import dev.lectern.attention.CalibrationSource;
import dev.lectern.attention.Heads;
import dev.lectern.kv.LayerCache;
import dev.lectern.options.NamedOptions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * MInference: every query head has one of three patterns, known beforehand, and finds its places in each text anew (Jiang et al., "MInference 1.0: Accelerating Pre-filling for Long-Context LLMs via Dynamic Sparse Attention",
 * NeurIPS 2024, arXiv 2407.02490, section 3 and algorithms 2 and 3).
 *
 * <ul>
 *   <li>A-shape: the first tokens of a text and the last before each query.
 *   <li>Vertical-slash: the softmax of the last 64 queries over all keys is summed for each token and for each distance. The tokens with the largest sums (verticals; the first 30 always) are looked at one by one, the distances with the largest
 *       sums (slashes; the nearest 100 always) in whole strips of 64 tokens: those that hold any key at such a distance from any of 64 queries.
 *   <li>Block-sparse: for the mean of 64 queries, the strips of the largest products with the mean of their keys.
 * </ul>
 *
 * <p>Deviations. A text is read in chunks, and the last 64 queries are those of each chunk, as in Qwen2.5-1M (Yang et al., arXiv 2501.15383, section 4.2.1): with the last of the text alone, all layers would have to hold all of it at once; so the places
 * are found for nearby queries, {@value Chunkwise#CHUNK} of them at a time, at the price of a thirty-second of the scores. (Formats that close pages have shorter chunks; then the places serve those of {@value Full#CHUNK} tokens.) Strips lie at multiples of 64, where the authors' windows lie anywhere, so that a lone slash costs two strips and not one, and a strip is unpacked once for all heads.
 * The published budgets are for texts of {@value HeadPattern#PAPER_TOKENS} tokens, and shorter ones get less in proportion ({@code vertical=paper}, {@code slash=paper}); a number is taken as it is.
 *
 * <p>Unless those are asked for that {@link MInferenceSearch} finds for a model ({@code calibrated}), all heads are vertical-slash with the budgets that the authors' code has for heads that it does not know, 1000 and 6096; nearly all heads of the tables that it comes with are of that pattern.
 */
final class MInference extends Chunkwise {
    private static final HeadPattern.VerticalSlash UNKNOWN = new HeadPattern.VerticalSlash(1000, 6096);
    private static final int LONGEST = 1 << 24;
    private static final int PAPER = -1;
    private static final String CALIBRATED = "calibrated";
    private static final String NO = "no";

    private final String calibrated; // no, yes or a file
    private final Optional<Patterns> patterns; // where they are asked for, and are there
    private final int vertical;
    private final int slash;

    /** @param sum a checksum of the file that they are from */
    private record Patterns(HeadPatterns heads, long sum) {}

    MInference(NamedOptions options, CalibrationSource source) {
        this(
                options,
                source,
                options.text(CALIBRATED).orElse(NO),
                options.whole("vertical", "paper", PAPER, 1, LONGEST),
                options.whole("slash", "paper", PAPER, 1, LONGEST));
    }

    private MInference(NamedOptions options, CalibrationSource source, String calibrated, int vertical, int slash) {
        super(
                options,
                calibrated.equals(NO)
                        ? "vertical=" + described(vertical) + ":slash=" + described(slash)
                        : CALIBRATED + "=" + calibrated);
        if (!calibrated.equals(NO) && (vertical != PAPER || slash != PAPER)) {
            throw options.bad(
                    "what is calibrated has budgets of its own, so vertical and slash cannot be given beside it");
        }
        this.calibrated = calibrated;
        patterns = calibrated.equals(NO)
                ? Optional.empty()
                : source.find(MInferenceSearch.METHOD, calibrated)
                        .map(kept -> new Patterns(HeadPatterns.of(kept), kept.sum()));
        this.vertical = vertical;
        this.slash = slash;
    }

    private static String described(int budget) {
        return budget == PAPER ? "paper" : Integer.toString(budget);
    }

    @Override
    public void requireFit(List<LayerCache> layers) {
        super.requireFit(layers);
        if (patterns.isPresent()) {
            List<List<HeadPattern>> of = patterns.get().heads.layers();
            int heads = of.getFirst().size();
            if (of.size() != layers.size() || heads % layers.getFirst().kvHeads() != 0) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "--prefill " + name() + ": the file has " + of.size() + " layers of " + heads
                                + " heads, so it was made for another model; this one has " + layers.size()
                                + " layers.");
            }
        }
    }

    @Override
    public Map<String, String> dependsOn(int tokens) {
        Map<String, String> fields = new LinkedHashMap<>(super.dependsOn(tokens));
        // By what they are, not by the file's name.
        patterns.ifPresent(of -> fields.put("patterns", Long.toHexString(of.sum)));
        return fields;
    }

    @Override
    public long scratch(Heads heads, long tokens) {
        return PatternChooser.bytes(heads, tokens);
    }

    @Override
    Chooser chooser(int tokens) {
        if (!calibrated.equals(NO)) {
            HeadPatterns of = patterns.orElseThrow(
                            () -> new IllegalStateException("made without what was learned of a model"))
                    .heads;
            return new PatternChooser((layer, head) -> of.of(layer, head).of(tokens));
        }
        HeadPattern.VerticalSlash scaled = (HeadPattern.VerticalSlash) UNKNOWN.of(tokens);
        HeadPattern all = new HeadPattern.VerticalSlash(
                vertical == PAPER ? scaled.vertical() : vertical, slash == PAPER ? scaled.slash() : slash);
        return new PatternChooser((layer, head) -> all);
    }
}
