package dev.lectern.attention;

/**
 * Changes the scores of chosen tokens once they are known, for a method whose weights depend on them: so the key of a token is read once. Threads share it, each with tokens of its own.
 */
interface ScoreCorrection {
    /**
     * Corrects some of a selection's tokens.
     *
     * @param head which of the query heads that share the selection
     * @param from place of the first of them in the selection
     * @param to place after the last
     * @param scores of them, from at: binary logarithms, without the selection's log-weights
     */
    void correct(int head, int from, int to, float[] scores, int at);
}
