package dev.lectern.measure;

import dev.lectern.LecternException;

/**
 * How retaining heads are trained.
 *
 * @param texts how many RULER-like prompts are made, where no texts are given
 * @param tokens of a prompt with its answer, or of a piece of a text
 * @param hidden units between a layer's features and its scores
 * @param epochs how often what was read is gone through
 * @param rate of learning at its highest
 * @param memory bytes for what is learned from
 * @param seed of prompts, of what is taken of them, and of the first weights
 */
public record HeadOptions(int texts, int tokens, int hidden, int epochs, double rate, long memory, long seed) {
    public static final HeadOptions DEFAULT = new HeadOptions(300, 2048, 128, 5, 5e-4, 2_000_000_000L, 1);

    private static final int MOST_TEXTS = 1_000_000;
    private static final int MOST_TOKENS = 1 << 24;
    private static final int MOST_HIDDEN = 1 << 14;
    private static final int MOST_EPOCHS = 10_000;

    public HeadOptions {
        requireBetween("--texts", texts, 2, MOST_TEXTS);
        requireBetween("--tokens", tokens, HeadText.SHORTEST, MOST_TOKENS);
        requireBetween("--hidden", hidden, 1, MOST_HIDDEN);
        requireBetween("--epochs", epochs, 1, MOST_EPOCHS);
        if (!(rate > 0 && rate <= 1)) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION, "--rate is " + rate + ", but it takes numbers above 0, up to 1.");
        }
    }

    /** The same from other than so many prompts. */
    public HeadOptions withTexts(int count) {
        return new HeadOptions(count, tokens, hidden, epochs, rate, memory, seed);
    }

    private static void requireBetween(String option, int value, int least, int most) {
        if (value < least || value > most) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    option + " is " + value + ", but it takes " + least + " to " + most + ".");
        }
    }
}
