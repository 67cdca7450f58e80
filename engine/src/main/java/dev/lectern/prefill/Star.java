package dev.lectern.prefill;

import dev.lectern.Question;
import dev.lectern.options.NamedOptions;
import java.util.Optional;

/**
 * Star Attention: every block sees itself and, as its anchor, the first block (Acharya, Jia and Ginsburg, "Star Attention: Efficient LLM Inference over Long Sequences", arXiv 2411.17116, section 2.1). The paper's blocks are a
 * quarter of the text, so there are four unless told otherwise.
 *
 * <p>Its hosts each compute the first block; on one machine that is done once, and {@code anchor=again} does it for each block all the same, to be compared with.
 */
final class Star extends Blockwise {
    private static final int HOSTS = 4;

    private final boolean again;

    Star(NamedOptions options) {
        super(hosts(options, HOSTS));
        again = options.word("anchor", "once", "again").equals("again");
    }

    @Override
    public String name() {
        return "star:hosts=" + hosts() + (again ? ":anchor=again" : "");
    }

    @Override
    Optional<Question> dependsOnQuestion() {
        return Optional.empty();
    }

    @Override
    BlockRecipe recipe(Division division) {
        return new BlockRecipe(
                division, division.end(0), null, again, 0, (layers, workers, cancellation) -> new RecentTokens(), null);
    }
}
