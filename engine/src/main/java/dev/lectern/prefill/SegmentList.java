package dev.lectern.prefill;

import dev.lectern.attention.Segments;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.Page;
import java.util.ArrayList;
import java.util.List;

/** Segments of several caches, one after the other. */
final class SegmentList implements Segments {
    private record Run(Page page, int tokens, int index) {}

    private final List<Run> runs = new ArrayList<>();

    /** Adds the first tokens of a cache, without a mask. */
    SegmentList addVisible(KvCache cache, int layer, int tokens) {
        return addVisible(cache, layer, 0, tokens);
    }

    /**
     * Adds tokens of a cache, without a mask.
     *
     * @param first of them, the first of a page
     */
    SegmentList addVisible(KvCache cache, int layer, int first, int tokens) {
        for (int at = first; at < first + tokens; at += Page.TOKENS) {
            int count = Math.min(Page.TOKENS, first + tokens - at);
            runs.add(new Run(cache.page(layer, at / Page.TOKENS), count, VISIBLE));
        }
        return this;
    }

    /**
     * Adds the tokens of a cache from one on up to another, causally masked by their places in it.
     *
     * @param from the first token of a page
     */
    SegmentList addCausal(KvCache cache, int layer, int from, int to) {
        for (int at = from; at < to; at += Page.TOKENS) {
            runs.add(new Run(cache.page(layer, at / Page.TOKENS), Math.min(Page.TOKENS, to - at), at));
        }
        return this;
    }

    @Override
    public int count() {
        return runs.size();
    }

    @Override
    public Page page(int i) {
        return runs.get(i).page;
    }

    @Override
    public int tokens(int i) {
        return runs.get(i).tokens;
    }

    @Override
    public int index(int i) {
        return runs.get(i).index;
    }
}
