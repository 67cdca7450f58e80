package dev.lectern.kv;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Keys of some layers as they were computed, in f16, beside a cache whose format keeps codes of them: for an index that is to be made of the keys themselves. Forks share pages until one writes to them.
 */
final class ExactKeys implements AutoCloseable {
    private static final KvFormat FORMAT = FloatFormat.F16;

    private final List<LayerCache> layers;
    private final BitSet wanted;
    private final BlockList pages; // each [wanted layers][kvHeads][256][headDim] f16
    private final List<KvSide[]> sides = new ArrayList<>(); // [pages][layers]; of layers that are not wanted, of no use

    /** @param wanted layers whose keys are kept, at least one */
    ExactKeys(List<LayerCache> layers, BitSet wanted) {
        this(layers, wanted, new BlockList(pageBytes(layers, wanted)));
    }

    private ExactKeys(List<LayerCache> layers, BitSet wanted, BlockList pages) {
        this.layers = layers;
        this.wanted = (BitSet) wanted.clone(); // the caller goes on striking layers from its own
        this.pages = pages;
        for (int page = 0; page < pages.count(); page++) {
            sides.add(views(pages.block(page)));
        }
    }

    private static SideShape shape(LayerCache layer) {
        return new SideShape(KvFormat.Layout.ROW, layer.kvHeads(), layer.headDim(), false);
    }

    /** Those layers of the wanted whose format keeps codes of keys. */
    static BitSet layers(List<LayerCache> layers, IntPredicate wanted) {
        BitSet coded = new BitSet();
        IntStream.range(0, layers.size())
                .filter(l -> !layers.get(l).keys().isExact() && wanted.test(l))
                .forEach(coded::set);
        return coded;
    }

    /** Bytes of the keys of {@value Page#TOKENS} tokens. */
    static long pageBytes(List<LayerCache> layers, BitSet wanted) {
        return wanted.stream()
                .mapToLong(l -> FORMAT.bytes(shape(layers.get(l))))
                .reduce(0, Math::addExact);
    }

    private KvSide[] views(MemorySegment memory) {
        KvSide[] views = new KvSide[layers.size()];
        long at = 0;
        for (int l = 0; l < views.length; l++) {
            SideShape shape = shape(layers.get(l));
            long bytes = wanted.get(l) ? FORMAT.bytes(shape) : 0;
            views[l] = FORMAT.open(shape, memory.asSlice(at, bytes), 0);
            at += bytes;
        }
        return views;
    }

    /** Makes ready to store tokens from … to. */
    void reserve(int from, int to) {
        for (int page = from / Page.TOKENS; page * Page.TOKENS < to; page++) {
            KvSide[] views = views(pages.own(page));
            if (page == sides.size()) {
                sides.add(views);
            } else {
                sides.set(page, views);
            }
        }
    }

    /** The keys of a page, in rows. */
    KvSide page(int layer, int page) {
        return sides.get(page)[layer];
    }

    /** Forgets tokens from {@code length} on. */
    void truncate(int length) {
        int left = Math.ceilDiv(length, Page.TOKENS);
        pages.keep(left);
        while (sides.size() > left) {
            sides.removeLast();
        }
    }

    ExactKeys fork() {
        return new ExactKeys(layers, wanted, pages.fork());
    }

    long bytes() {
        return pages.bytes();
    }

    @Override
    public void close() {
        truncate(0);
    }
}
