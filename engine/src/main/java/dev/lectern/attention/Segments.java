package dev.lectern.attention;

import dev.lectern.kv.KvCache;
import dev.lectern.kv.Page;

/**
 * What queries may look at in one layer: a list of runs of cached tokens, each within a page. Windows, blocks of other hosts and anchors are
 * all such lists, and combine without copies.
 */
public interface Segments {
    int count();

    /** The page that holds segment i; the segment begins at the page's first token. */
    Page page(int i);

    /** Tokens of segment i, 1 … {@link Page#TOKENS}. */
    int tokens(int i);

    /**
     * The index of the first token of segment i in the order that the mask compares: under a causal mask a query looks at indices up to its own,
     * under a window at the last {@code window} of these. {@link #VISIBLE} for a segment that every query sees whole.
     */
    int index(int i);

    /** Bytes of the key and the value of one token of one kv head. */
    static long rowBytes(Page page) {
        return page.keys().rowBytes() + page.values().rowBytes();
    }

    /** The index of a segment without a mask. */
    int VISIBLE = Integer.MIN_VALUE;

    /**
     * The first tokens of a cache, causally masked.
     *
     * @param tokens how many, committed or just stored
     */
    static Segments of(KvCache cache, int layer, int tokens) {
        return new Cached(cache, layer, tokens);
    }

    /** The first tokens of a cache. */
    record Cached(KvCache cache, int layer, int length) implements Segments {
        @Override
        public int count() {
            return Math.ceilDiv(length, Page.TOKENS);
        }

        @Override
        public Page page(int i) {
            return cache.page(layer, i);
        }

        @Override
        public int tokens(int i) {
            return Math.min(Page.TOKENS, length - i * Page.TOKENS);
        }

        @Override
        public int index(int i) {
            return i * Page.TOKENS;
        }
    }
}
