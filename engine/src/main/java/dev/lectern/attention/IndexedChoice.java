package dev.lectern.attention;

import dev.lectern.Cancellation;
import dev.lectern.kv.CacheIndex;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.MappedBytes;
import dev.lectern.kv.NativeBlock;
import dev.lectern.options.NamedOptions;
import java.util.List;
import java.util.Optional;

/** A {@link TokenChoice} by an index. */
abstract class IndexedChoice extends TokenChoice implements Indexed {
    private static final float[] NO_QUERY = {};

    IndexedChoice(NamedOptions options, String described) {
        super(options, described);
    }

    IndexedChoice(NamedOptions options, String described, String denseLayers) {
        super(options, described, denseLayers);
    }

    /** The name of its index in a cache: the method, and the options on which a layer's content depends. */
    abstract String indexName();

    /**
     * Brings the index of one row's layer up to date.
     *
     * @param step without a query where it is not that of a token
     */
    abstract void extend(Step step, int row);

    /** Makes an index of an image; the bytes are to be held by parts. */
    abstract CacheIndex restored(KvCache cache, int[] state, NativeBlock bytes);

    @Override
    public final void index(ExactAttention exact, int layer, Heads heads, KvCache cache, Cancellation cancellation) {
        if (!isDense(layer)) {
            extend(new Step(exact, layer, heads, new KvCache[] {cache}, NO_QUERY, cancellation), 0);
        }
    }

    /** The index's name, and what else decides which tokens and layers are in it. */
    final String wholeName() {
        return indexName() + ":of=" + sinks() + "+" + window() + ":dense=" + dense();
    }

    @Override
    public List<String> keptNames(KvCache cache) {
        return List.of(wholeName());
    }

    @Override
    public Optional<String> keptName(KvCache cache) {
        return image(cache).map(image -> wholeName());
    }

    @Override
    public final Optional<CacheIndex.Image> image(KvCache cache) {
        return cache.indexImage(indexName());
    }

    @Override
    public final void restore(KvCache cache, int[] state, MappedBytes bytes) {
        NativeBlock block = NativeBlock.of(bytes);
        CacheIndex index = restored(cache, state, block);
        block.release(); // the parts hold it now; where there are none because it does not fit, the caller does
        cache.restoreIndex(indexName(), index, bytes);
    }

    @Override
    public String ranAs(KvCache cache) {
        return name();
    }
}
