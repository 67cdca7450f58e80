package dev.lectern.attention;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.QueryWindow;
import dev.lectern.options.NamedOptions;
import java.util.Arrays;

/**
 * The tokens that the last queries of a text look at, and their neighbours: the attention of an observation window at the end of the text, averaged over its queries and the heads that share a kv head,
 * smoothed over neighbouring tokens; the highest stay, and the window.
 *
 * <p>Source: Li et al., "SnapKV: LLM knows what you are looking for before generation" (arXiv 2404.14469), section 4, listing 1, with average pooling. Deviation: a kv head's own heads are averaged, where
 * the paper's models have no groups.
 */
final class SnapKv implements Retention {
    private static final Budget USUAL = new Budget(Double.NaN, 1024);
    private static final int WINDOW = 32;
    private static final int POOL = 7;

    private final String name;
    private final Budget budget;
    private final int window;
    private final int pool;

    SnapKv(NamedOptions options) {
        budget = Budget.of(options, USUAL);
        window = options.whole("window", WINDOW, 1, QueryWindow.TOKENS);
        pool = options.whole("pool", POOL, 1, 255);
        if (pool % 2 == 0) {
            throw options.bad("pool is " + pool + ", but it takes an odd number of tokens");
        }
        name = options.name() + ":budget=" + budget + ":window=" + window + ":pool=" + pool;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int[][] kept(Workers workers, int layer, Heads heads, KvCache cache, Cancellation cancellation) {
        int length = cache.length(), stay = Math.max(budget.of(length), Math.min(window, length));
        int[][] kept = new int[heads.kvHeads()][];
        if (stay == length) {
            Arrays.setAll(kept, head -> Highest.all(length));
            return kept;
        }
        int[] asked = asked(cache, layer);
        int prefix = length - window;
        AttentionRow[] rows = new AttentionRow[workers.threads()];
        Arrays.setAll(rows, i -> new AttentionRow());
        workers.run(heads.kvHeads(), cancellation, (kvHead, worker) -> {
            float[] sums = new float[prefix];
            AttentionRow row = rows[worker];
            for (int token : asked) {
                int at = cache.queries().at(layer, token) + kvHead * heads.group() * heads.headDim();
                float[] weights =
                        row.of(heads, cache, layer, kvHead, cache.queries().rows(layer), at, token);
                for (int g = 0; g < heads.group(); g++) {
                    for (int i = 0; i < prefix; i++) {
                        sums[i] += weights[g * row.stride() + i];
                    }
                }
            }
            kept[kvHead] = Highest.and(pooled(sums), stay - window, prefix, length);
        });
        return kept;
    }

    /** The tokens of the observation window whose queries are known. */
    private int[] asked(KvCache cache, int layer) {
        int first = cache.length() - window;
        int[] asked = Arrays.stream(cache.queries().tokens(layer, cache.length()))
                .filter(token -> token >= first)
                .toArray();
        if (asked.length == 0) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--keep " + name + " wants the queries of the text's last tokens, and none of them is known: read"
                            + " something after it, as a question is.");
        }
        return asked;
    }

    /** The mean of each and its neighbours; what is beyond an end counts as nothing. */
    private float[] pooled(float[] sums) {
        float[] pooled = new float[sums.length];
        int half = pool / 2;
        for (int i = 0; i < sums.length; i++) {
            float sum = 0;
            for (int j = Math.max(0, i - half); j <= Math.min(sums.length - 1, i + half); j++) {
                sum += sums[j];
            }
            pooled[i] = sum / pool;
        }
        return pooled;
    }
}
