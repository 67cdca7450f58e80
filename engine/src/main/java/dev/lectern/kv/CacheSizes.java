package dev.lectern.kv;

import java.util.List;
import java.util.function.IntPredicate;

/** What is known of a {@link KvCache} of some layers before there is one: how many bytes it will hold, and when its tokens will be closed. */
public final class CacheSizes {
    /** Pages of a step and of the window before it that are open beside those that stay so. */
    private static final long OPEN_AT_ONCE = 4;

    private CacheSizes() {}

    /** Bytes that a cache holds after so many tokens were read in one call. */
    public static long bytes(List<LayerCache> layers, long tokens) {
        long closedPages = finalPages(layers, Math.toIntExact(tokens), true);
        return bytes(layers, closedPages, pages(tokens));
    }

    /** Bytes that a cache holds at most while so many tokens are read in one call, in steps of a few pages. */
    public static long readingBytes(List<LayerCache> layers, long tokens) {
        if (closesByCalls(layers)) {
            return bytes(layers, 0, pages(tokens));
        }
        long later = Math.multiplyExact(OPEN_AT_ONCE, PageGroup.bytes(layers, true, false));
        return Math.addExact(bytes(layers, tokens), later);
    }

    /** Pages that so many tokens lie in. */
    static long pages(long tokens) {
        return Math.ceilDiv(tokens, (long) Page.TOKENS);
    }

    /** Bytes of so many pages, of which the first are closed. */
    private static long bytes(List<LayerCache> layers, long closedPages, long pages) {
        if (pages == 0) {
            return 0;
        }
        boolean firstIsOpen = closedPages == 0;
        long open =
                Math.multiplyExact(pages - closedPages - (firstIsOpen ? 1 : 0), PageGroup.bytes(layers, true, false));
        long closed = Math.multiplyExact(closedPages - (firstIsOpen ? 0 : 1), PageGroup.bytes(layers, false, false));
        return Math.addExact(PageGroup.bytes(layers, firstIsOpen, true), Math.addExact(open, closed));
    }

    /** As {@link KvCache#steady()}, for a cache that holds so many tokens of one call. */
    public static int steady(List<LayerCache> layers, int length) {
        int steady = Integer.MAX_VALUE;
        for (LayerCache layer : layers) {
            steady = Math.min(steady, layer.keys().closing().steady(length));
            steady = Math.min(steady, layer.values().closing().steady(length));
        }
        return steady;
    }

    /** Bytes of what {@link KvCache#keepExactKeys} keeps of so many tokens. */
    public static long exactKeyBytes(List<LayerCache> layers, IntPredicate wanted, long tokens) {
        return Math.multiplyExact(pages(tokens), ExactKeys.pageBytes(layers, ExactKeys.layers(layers, wanted)));
    }

    /**
     * Pages that are in their final form once so many tokens were read in one call: these bytes depend on nothing but the tokens up to the end of the page.
     *
     * @param ended whether the call is over
     */
    public static int finalPages(List<LayerCache> layers, int tokens, boolean ended) {
        int closed = tokens;
        for (LayerCache layer : layers) {
            closed = Math.min(closed, layer.keys().closing().after(0, 0, tokens, ended));
            closed = Math.min(closed, layer.values().closing().after(0, 0, tokens, ended));
        }
        return closed / Page.TOKENS;
    }

    /** Whether closing depends on where calls end, so that a reading that is taken up half-way is another one. */
    public static boolean closesByCalls(List<LayerCache> layers) {
        return layers.stream()
                .anyMatch(layer -> layer.keys().closing() instanceof Closing.Calls
                        || layer.values().closing() instanceof Closing.Calls);
    }

    /** Bytes of a page in its final form, all layers. */
    public static long finalPageBytes(List<LayerCache> layers, boolean first) {
        return PageGroup.bytes(layers, false, first);
    }

    /**
     * Bytes of the pages from {@code first} on after so many tokens, all of them open, without queries.
     */
    public static long tailBytes(List<LayerCache> layers, int first, int tokens) {
        long bytes = 0;
        for (long i = first; i < pages(tokens); i++) {
            bytes = Math.addExact(bytes, PageGroup.bytes(layers, true, i == 0));
        }
        return bytes;
    }
}
