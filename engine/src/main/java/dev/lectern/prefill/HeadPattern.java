package dev.lectern.prefill;

/**
 * Where a query head looks, as MInference sees it (Jiang et al., arXiv 2407.02490, section 3): heads keep their pattern from text to text, though not the places.
 *
 * <p>Budgets are those for a text of {@value #PAPER_TOKENS} tokens, for which the paper chose them, until they are {@linkplain #of scaled}.
 */
sealed interface HeadPattern {
    /** Tokens of the texts that the paper's budgets are for. */
    int PAPER_TOKENS = 131_072;

    /** The first tokens and the last before each: the same for every text. */
    record AShape(int sinks, int window) implements HeadPattern {
        @Override
        public HeadPattern of(int tokens) {
            return new AShape(scaled(sinks, tokens), scaled(window, tokens));
        }
    }

    /** Some tokens, and all tokens at some distances. */
    record VerticalSlash(int vertical, int slash) implements HeadPattern {
        @Override
        public HeadPattern of(int tokens) {
            return new VerticalSlash(scaled(vertical, tokens), scaled(slash, tokens));
        }
    }

    /** Some blocks of 64 tokens, others for each block of 64 queries. */
    record BlockSparse(int blocks) implements HeadPattern {
        @Override
        public HeadPattern of(int tokens) {
            return new BlockSparse(scaled(blocks, tokens));
        }
    }

    /** The same with the budgets that a text of so many tokens gets: in proportion, but no more than the paper's. */
    HeadPattern of(int tokens);

    private static int scaled(int budget, int tokens) {
        return tokens >= PAPER_TOKENS ? budget : (int) Math.ceilDiv((long) budget * tokens, (long) PAPER_TOKENS);
    }
}
