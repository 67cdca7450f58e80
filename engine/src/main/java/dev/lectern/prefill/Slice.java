package dev.lectern.prefill;

import org.jspecify.annotations.Nullable;

/**
 * A sequence's part in a step.
 *
 * @param tokens that follow what the sequence holds; one or more
 * @param logits for which of them the next token's logits are wanted
 * @param more whether more tokens of the same call follow: of the text that is being read
 * @param attention how its tokens attend; null for exactly, to all that the sequence holds up to each
 */
public record Slice(
        Sequence sequence,
        int[] tokens,
        Logits logits,
        boolean more,
        @Nullable RowAttention attention) {
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

    /** One whose tokens attend exactly, to all that the sequence holds up to each. */
    public Slice(Sequence sequence, int[] tokens, Logits logits, boolean more) {
        this(sequence, tokens, logits, more, null);
    }

    public Slice {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("a slice without tokens");
        }
    }

    /** Whether it is one token, computed as decode computes it. */
    boolean isSingle() {
        return tokens.length == 1 && attention == null;
    }

    int logitRows() {
        return switch (logits) {
            case NONE -> 0;
            case LAST -> 1;
            case ALL -> tokens.length;
        };
    }
}
