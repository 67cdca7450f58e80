package dev.lectern;

/**
 * Pairs of a query and a key while texts were read: every query head of every layer counts its own. What attention costs grows with them, as the rest of reading grows with tokens.
 *
 * @param computed pairs that a score and a weighted value were computed for
 * @param scored pairs worth of scores alone, half as dear, that a method computed to choose among keys
 * @param dense pairs that there would be if every query looked at all tokens of its text up to its own, and at those in its window where there is one
 */
public record Pairs(long computed, long scored, long dense) {
    /** The share of pairs that was computed, 0 to 1; 1 where there was nothing to compute. */
    public double density() {
        return dense == 0 ? 1 : (double) computed / dense;
    }

    /** What was computed after an earlier count. */
    public Pairs since(Pairs earlier) {
        return new Pairs(computed - earlier.computed, scored - earlier.scored, dense - earlier.dense);
    }
}
