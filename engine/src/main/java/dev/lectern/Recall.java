package dev.lectern;

/**
 * How much of a text was there from an earlier reading.
 *
 * @param tokens that need not be read again
 * @param why half a sentence: why it is not more, or what was found
 */
public record Recall(Outcome outcome, int tokens, String why) {
    /** Whether it was all. */
    public enum Outcome {
        /** The whole text. */
        HIT,
        /** Its beginning. */
        PARTIAL,
        /** Nothing. */
        MISS
    }
}
