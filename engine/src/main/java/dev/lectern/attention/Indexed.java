package dev.lectern.attention;

import dev.lectern.Cancellation;
import dev.lectern.kv.CacheIndex;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.MappedBytes;
import java.util.List;
import java.util.Optional;

/**
 * A method that keeps an index of a text beside its keys and values. It makes it when it is first asked for a token; whoever has read a text that is to be asked more than once has it made then, so that
 * all answers share it and it can be kept on a disk.
 *
 * <p>Law, tested for every such method: answers by an index that was restored are those by the one that was kept, bit for bit.
 */
public interface Indexed extends DecodeAttention {
    /**
     * Makes the index of a layer for the tokens of a cache, as far as it is not there: what the next token would have it made of.
     *
     * @param heads the layer's shape
     */
    void index(ExactAttention exact, int layer, Heads heads, KvCache cache, Cancellation cancellation);

    /** The names, with all options on which its content depends, of those kept indexes that are as good as the one that could be made of this cache; the best first. */
    List<String> keptNames(KvCache cache);

    /** The name under which the index of a cache is to be kept; empty if there is none. */
    Optional<String> keptName(KvCache cache);

    /** What it holds for a cache; empty if nothing. */
    Optional<CacheIndex.Image> image(KvCache cache);

    /**
     * Gives a cache the index that another cache of the same tokens had.
     *
     * @param state of its image
     * @param bytes of its parts, one after another; belong to the cache from now on
     * @throws IllegalArgumentException if it cannot be such an index; then nothing has changed, and the bytes are still the caller's
     */
    void restore(KvCache cache, int[] state, MappedBytes bytes);

    /** What results call it over this cache: its name, and what it could not do as the name says. */
    String ranAs(KvCache cache);
}
