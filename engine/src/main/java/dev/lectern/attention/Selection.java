package dev.lectern.attention;

import dev.lectern.kernel.AttentionTiles;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Tokens chosen for the query heads of one kv head, in ascending order, each with the natural logarithm of a weight: a token of weight w counts like w
 * tokens with its key and value. Exact choices have log-weight 0, samples that were drawn with probability π have −ln π.
 *
 * <p>Runs of {@value AttentionTiles#TILE} tokens that begin at a multiple of {@value AttentionTiles#TILE} are read at the price of dense attention, tokens by themselves at several times
 * that. Kept and filled again for every step.
 */
public final class Selection {
    private int[] ids = new int[256];
    private float[] logWeights = new float[256];
    private int count;
    private boolean settled;
    private @Nullable ScoreCorrection correction;

    /** Forgets all tokens, and how their scores are corrected. */
    public void clear() {
        count = 0;
        settled = false;
        correction = null;
    }

    /** Says that the outputs over its tokens are there, and need not be computed again. */
    void settle() {
        settled = true;
    }

    boolean isSettled() {
        return settled;
    }

    /** Has scores corrected when they are known, before log-weights are added. */
    void correctBy(ScoreCorrection correction) {
        this.correction = correction;
    }

    /** Corrects scores of its tokens, {@link ScoreCorrection#correct}, if they are corrected. */
    void correct(int head, int from, int to, float[] scores, int at) {
        if (correction != null) {
            correction.correct(head, from, to, scores, at);
        }
    }

    /**
     * Adds one token.
     *
     * @param id its place in the sequence
     * @throws IllegalArgumentException unless the id is above all before it
     */
    public void add(int id, float logWeight) {
        addRun(id, 1, logWeight);
    }

    /**
     * Adds consecutive tokens.
     *
     * @throws IllegalArgumentException unless the first is above all before it
     */
    public void addRun(int firstId, int tokens, float logWeight) {
        if (firstId < 0 || tokens < 0 || (count > 0 && firstId <= ids[count - 1])) {
            throw new IllegalArgumentException(
                    tokens + " tokens from " + firstId + (count > 0 ? " after " + ids[count - 1] : ""));
        }
        int longer = Math.addExact(count, tokens);
        if (longer > ids.length) {
            int room = Math.max(longer, 2 * ids.length);
            ids = Arrays.copyOf(ids, room);
            logWeights = Arrays.copyOf(logWeights, room);
        }
        for (int i = 0; i < tokens; i++) {
            ids[count + i] = firstId + i;
            logWeights[count + i] = logWeight;
        }
        count = longer;
    }

    /**
     * Adds tokens, each with a log-weight of its own.
     *
     * @param more {@code [tokens]}, what is to be added to {@code firstId}; ascending
     * @throws IllegalArgumentException unless the first is above all before it
     */
    void addAll(int firstId, int[] more, float[] logWeight, int tokens) {
        if (tokens == 0) {
            return;
        }
        int first = count;
        addRun(firstId + more[0], tokens, 0);
        for (int i = 0; i < tokens; i++) {
            ids[first + i] = firstId + more[i];
            logWeights[first + i] = logWeight[i];
        }
    }

    public int count() {
        return count;
    }

    public int id(int i) {
        return ids[i];
    }

    public float logWeight(int i) {
        return logWeights[i];
    }

    /** All ids; {@link #count} of them count. */
    int[] ids() {
        return ids;
    }

    /** Whether the tokens from the i-th on, all before {@code to}, begin with a whole tile. */
    boolean isTile(int i, int to) {
        int last = i + AttentionTiles.TILE - 1;
        return last < to && ids[i] % AttentionTiles.TILE == 0 && ids[last] == ids[i] + AttentionTiles.TILE - 1;
    }
}
