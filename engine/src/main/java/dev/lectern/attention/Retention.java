package dev.lectern.attention;

import dev.lectern.Cancellation;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KvCache;

/**
 * Which tokens of a text stay in memory once it is read; the others are forgotten for good. What does not know the question yet forgets what it will ask for, so texts that are asked more than once are
 * better kept whole.
 *
 * <p>Laws, tested for every method: a budget of everything changes nothing; as many tokens stay in every layer and kv head.
 */
public interface Retention {
    /** What results call it, with all options that it depends on: what {@link Retentions#named} takes. */
    String name();

    /** Whether {@link AttentionSums} are to be kept while a text is read. */
    default boolean needsSums() {
        return false;
    }

    /**
     * The tokens of a layer that stay.
     *
     * @return {@code [kvHeads]}: ascending, as many for each
     * @throws dev.lectern.LecternException of kind {@code BAD_OPTION} if what it has to know is not there
     */
    int[][] kept(Workers workers, int layer, Heads heads, KvCache cache, Cancellation cancellation);
}
