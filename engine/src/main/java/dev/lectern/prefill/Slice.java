package dev.lectern.prefill;

/**
 * A sequence's part in a step.
 *
 * @param tokens that follow what the sequence holds; one or more
 * @param logits for which of them the next token's logits are wanted
 */
public record Slice(Sequence sequence, int[] tokens, Logits logits) {
    /** Which rows of a slice get logits. */
    public enum Logits {
        NONE,
        LAST,
        ALL
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
