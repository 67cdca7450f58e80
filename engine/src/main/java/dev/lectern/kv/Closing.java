package dev.lectern.kv;

/**
 * When tokens are closed: until then they stand in a page exactly (as f16), from then on as codes. Tokens close from the first on, and stay closed.
 *
 * <p>Law: never more than the tokens that are there, and never fewer than before.
 */
public sealed interface Closing {
    /**
     * How many tokens from the first on are closed after some were stored.
     *
     * @param closed those before
     * @param callStart where the call began: the reading of one text, or one step of an answer
     * @param tokens all that are stored
     * @param ended whether the call is over
     */
    int after(int closed, int callStart, int tokens, boolean ended);

    /**
     * How many tokens from the first on are still closed when all from one on were forgotten; the others are exact again, and are closed anew with those that follow.
     *
     * @param closed those before
     * @param tokens that are left
     */
    default int left(int closed, int tokens) {
        return Math.min(closed, tokens);
    }

    /** How many tokens can follow before more are closed: rows of one step, which see the same, may not be more where a token is to see what it sees in decoding. */
    default int steady(int tokens) {
        return Integer.MAX_VALUE;
    }

    /** Every token as it is stored. */
    record AtOnce() implements Closing {
        @Override
        public int after(int closed, int callStart, int tokens, boolean ended) {
            return tokens;
        }
    }

    /**
     * Whole pages, once they are full and so many tokens more have come.
     *
     * @param window tokens that stay exact at least
     */
    record Pages(int window) implements Closing {
        @Override
        public int after(int closed, int callStart, int tokens, boolean ended) {
            return Math.max(closed, Math.max(0, tokens - window) / Page.TOKENS * Page.TOKENS);
        }

        @Override
        public int steady(int tokens) {
            int next = (Math.max(0, tokens - window) / Page.TOKENS + 1) * Page.TOKENS + window;
            return next - tokens;
        }
    }

    /**
     * Blocks, each once it is full: KIVI's keys (Liu et al., arXiv 2402.02750, algorithm 1), of which 0 … R − 1 stay exact.
     *
     * @param residual R, the tokens of a block: whole groups
     * @param group tokens that share a scale, so that none of them is closed without the others
     */
    record Blocks(int residual, int group) implements Closing {
        @Override
        public int after(int closed, int callStart, int tokens, boolean ended) {
            return Math.max(closed, tokens / residual * residual);
        }

        @Override
        public int left(int closed, int tokens) {
            return Math.min(closed, tokens / group * group);
        }
    }

    /**
     * All but the last ones: KIVI's values (algorithm 1).
     *
     * @param residual R, the tokens that stay exact
     */
    record Sliding(int residual) implements Closing {
        @Override
        public int after(int closed, int callStart, int tokens, boolean ended) {
            return Math.max(closed, tokens - residual);
        }
    }

    /**
     * Everything at the end of the first call, whatever its length; then everything at the end of the call before which the exact ones and one more reach the residual length. So does the quantised
     * cache of Hugging Face transformers ({@code cache_utils.py}).
     *
     * @param residual the residual length
     */
    record Calls(int residual) implements Closing {
        @Override
        public int after(int closed, int callStart, int tokens, boolean ended) {
            return ended && (callStart == 0 || callStart - closed + 1 >= residual) ? tokens : closed;
        }
    }
}
