package dev.lectern.prefill;

/**
 * A sequence's part in a step.
 *
 * @param tokens that follow what the sequence holds; one or more
 * @param logits for which of them the next token's logits are wanted
 * @param more whether more tokens of the same call follow: of the text that is being read
 */
public record Slice(Sequence sequence, int[] tokens, Logits logits, boolean more) {
    /** Which rows of a slice get logits. */
    public enum Logits {
        NONE,
        LAST,
        ALL
    }

    /** The last of its call. */
    public Slice(Sequence sequence, int[] tokens, Logits logits) {
        this(sequence, tokens, logits, false);
    }

    public Slice {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("a slice without tokens");
        }
    }

    /** Whether it is one token, computed as decode computes it. */
    boolean isSingle() {
        return tokens.length == 1;
    }

    int logitRows() {
        return switch (logits) {
            case NONE -> 0;
            case LAST -> 1;
            case ALL -> tokens.length;
        };
    }
}
