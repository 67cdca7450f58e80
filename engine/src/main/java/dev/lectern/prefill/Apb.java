package dev.lectern.prefill;

import dev.lectern.LecternException;
import dev.lectern.Question;
import dev.lectern.attention.Calibrated;
import dev.lectern.attention.CalibrationSource;
import dev.lectern.attention.Heads;
import dev.lectern.kv.LayerCache;
import dev.lectern.options.NamedOptions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * APB: every block sees itself, an anchor that is the beginning of the text with the question in it, and the tokens of each block before it that a compressor finds most worth passing on (Huang et al., "APB: Accelerating
 * Distributed Long-Context Inference by Passing Compressed Context Blocks across GPUs", arXiv 2502.12085, sections 3.2 to 3.5).
 *
 * <p>Lengths are the paper's ({@link PaperLengths}) unless given, with 8 hosts a quarter and an eighth of a block. The question is added to the anchor's tokens, as the
 * paper says; its code takes it off them, and then keeps tokens from being passed on that the anchor does not hold. Here just what is in the anchor is not passed on.
 */
final class Apb extends Blockwise {
    private static final int HOSTS = 8;
    private static final int LONGEST = 1 << 24;
    private static final int PAPER = -1;
    private static final String RANDOM = "random";
    private static final String HEADS = "heads";

    private final Optional<Question> question;
    private final int anchor;
    private final int passing;
    private final boolean embeds;
    private final boolean again;
    private final String scorer;
    private final long seed;
    private final String headsFile;
    private final Optional<RetainingHeads> heads; // where they score, and are there

    Apb(NamedOptions options, Optional<Question> question, CalibrationSource source) {
        super(hosts(options, HOSTS));
        this.question = question;
        anchor = options.whole("anchor", "paper", PAPER, 0, LONGEST);
        passing = options.whole("passing", "paper", PAPER, 0, LONGEST);
        embeds = options.word("question", "anchor", "apart").equals("anchor");
        again = options.word("hosts-share", "anchor", "nothing").equals("nothing");
        scorer = options.word("compressor", "query", RANDOM, "recent", HEADS);
        seed = options.whole("seed", 0, 0, Integer.MAX_VALUE);
        // With another compressor it is no option.
        headsFile = scorer.equals(HEADS) ? options.text(HEADS).orElse(CalibrationSource.OWN) : CalibrationSource.OWN;
        heads = scorer.equals(HEADS)
                ? source.find(Calibrated.RETAINING_HEADS, headsFile).map(RetainingHeads::of)
                : Optional.empty();
    }

    @Override
    public void requireFit(List<LayerCache> layers) {
        super.requireFit(layers);
        heads.ifPresent(networks -> networks.requireFit(layers));
        if (question.isEmpty() && needsQuestion()) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--prefill " + name() + " reads a text with one question in view, and here is none: ask it together"
                            + " with the document, or read for any question, with question=apart and compressor=recent.");
        }
    }

    private boolean needsQuestion() {
        return embeds || scorer.equals("query");
    }

    @Override
    public String name() {
        Map<String, Object> parts = new LinkedHashMap<>();
        parts.put("hosts", hosts());
        parts.put("anchor", anchor == PAPER ? "paper" : anchor);
        parts.put("passing", passing == PAPER ? "paper" : passing);
        parts.put("question", embeds ? "anchor" : "apart");
        parts.put("compressor", scorer);
        StringBuilder name = new StringBuilder("apb");
        parts.forEach(
                (option, value) -> name.append(':').append(option).append('=').append(value));
        name.append(again ? ":hosts-share=nothing" : "");
        name.append(scorer.equals(RANDOM) ? ":seed=" + seed : "");
        boolean named = scorer.equals(HEADS) && !headsFile.equals(CalibrationSource.OWN);
        return name.append(named ? ":heads=" + headsFile : "").toString();
    }

    @Override
    public Map<String, String> dependsOn(int tokens) {
        Map<String, String> fields = new TreeMap<>(super.dependsOn(tokens));
        // By what they say, not by the file's name: other heads choose other tokens.
        heads.ifPresent(networks -> fields.put(HEADS, Long.toHexString(networks.sum())));
        return fields;
    }

    @Override
    public long bytes(List<LayerCache> layers, long tokens) {
        long beside = super.bytes(layers, tokens);
        if (!scorer.equals(HEADS)) {
            return beside;
        }
        Division division = Division.of(Math.toIntExact(tokens), hosts());
        return Math.addExact(beside, HeadScores.bytes(layers, division.length()));
    }

    @Override
    public long bytesOfHost(List<LayerCache> layers, Heads heads, int tokens, int hosts) {
        long beside = super.bytesOfHost(layers, heads, tokens, hosts);
        boolean scores = scorer.equals(HEADS);
        int block = Division.of(tokens, hosts).length();
        return scores ? Math.addExact(beside, HeadScores.bytes(layers, block)) : beside;
    }

    @Override
    Optional<Question> dependsOnQuestion() {
        return needsQuestion() ? question : Optional.empty();
    }

    @Override
    BlockRecipe recipe(Division division) {
        PaperLengths lengths = PaperLengths.of(division.tokens());
        int inAnchor = Math.min(anchor == PAPER ? lengths.anchor() : anchor, division.end(0));
        return new BlockRecipe(
                division,
                inAnchor,
                embeds ? question.orElse(null) : null,
                again,
                passing == PAPER ? lengths.passing() : passing,
                compressor(),
                question.orElse(null));
    }

    private Compressor.Maker compressor() {
        return switch (scorer) {
            case "query" -> (layers, workers, cancellation) -> new QueryMean();
            case RANDOM -> (layers, workers, cancellation) -> new RandomTokens(seed);
            case HEADS ->
                (layers, workers, cancellation) -> new HeadScores(heads.orElseThrow(), layers, workers, cancellation);
            default -> (layers, workers, cancellation) -> new RecentTokens();
        };
    }
}
