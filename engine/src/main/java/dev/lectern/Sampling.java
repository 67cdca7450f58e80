package dev.lectern;

/**
 * How the next token is chosen. The order is that of Hugging Face's generate: repetition penalty, temperature, top-k, top-p, min-p.
 *
 * @param temperature divides the logits; 0 takes the likeliest token (greedy), and then only the repetition penalty matters
 * @param topK keep only so many of the likeliest tokens; 0 for all
 * @param topP keep only the likeliest tokens that together have this probability (Holtzman et al., arXiv 1904.09751); 1 for all
 * @param minP keep only tokens at least this probable relative to the likeliest (Nguyen et al., arXiv 2407.01082); 0 for all
 * @param repeatPenalty divides positive and multiplies negative logits of tokens that the answer already has (Keskar et al., arXiv
 *     1909.05858, over the answer alone: a question about a document must be free to use its words); 1 for none
 * @param seed of the draws; the same seed and options give the same tokens, whatever the threads or the batch
 */
public record Sampling(double temperature, int topK, double topP, double minP, double repeatPenalty, long seed) {
    /** Always the likeliest token. */
    public static final Sampling GREEDY = new Sampling(0, 0, 1, 0, 1, 0);

    public Sampling {
        require(temperature >= 0 && temperature <= 100, "--temperature", temperature, "0…100");
        require(topK >= 0, "--top-k", topK, "0 or more");
        require(topP > 0 && topP <= 1, "--top-p", topP, "above 0, at most 1");
        require(minP >= 0 && minP < 1, "--min-p", minP, "0 or more, below 1");
        require(repeatPenalty > 0 && repeatPenalty <= 100, "--repeat-penalty", repeatPenalty, "above 0, at most 100");
    }

    private static void require(boolean holds, String option, Number value, String range) {
        if (!holds) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION, option + " is " + value + ", but it takes " + range + ".");
        }
    }

    public boolean isGreedy() {
        return temperature == 0;
    }

    public Sampling withSeed(long seed) {
        return new Sampling(temperature, topK, topP, minP, repeatPenalty, seed);
    }
}
