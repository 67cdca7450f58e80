package dev.lectern.attention;

import dev.lectern.kv.BlockList;
import dev.lectern.kv.CacheIndex;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.IntToLongFunction;
import java.util.stream.IntStream;

/** An index that grows with the settled tokens of a layer: one block after another, each of equally many tokens, the last one in part. Forks share blocks until one writes to them. */
class TokenIndex implements CacheIndex {
    private final int unit;
    private final int inBlock;
    private final BlockList[] blocks; // [layers]
    private final int[] known; // [layers]: tokens, whole units

    /**
     * With no tokens yet.
     *
     * @param blockBytes of each layer
     * @param unit tokens that are taken in or forgotten together
     * @param inBlock tokens of a block, whole units
     */
    TokenIndex(int layers, IntToLongFunction blockBytes, int unit, int inBlock) {
        this.unit = unit;
        this.inBlock = inBlock;
        blocks = IntStream.range(0, layers)
                .mapToObj(layer -> new BlockList(blockBytes.applyAsLong(layer)))
                .toArray(BlockList[]::new);
        known = new int[layers];
    }

    /** A fork of another. */
    TokenIndex(TokenIndex other) {
        unit = other.unit;
        inBlock = other.inBlock;
        blocks = Arrays.stream(other.blocks).map(BlockList::fork).toArray(BlockList[]::new);
        known = other.known.clone();
    }

    @Override
    public CacheIndex fork() {
        return new TokenIndex(this);
    }

    @Override
    public void truncate(int length) {
        for (int layer = 0; layer < known.length; layer++) {
            truncate(layer, length);
        }
    }

    /** Forgets tokens of one layer. */
    final void truncate(int layer, int length) {
        known[layer] = Math.min(known[layer], length / unit * unit);
        blocks[layer].keep(Math.ceilDiv(known[layer], inBlock));
    }

    @Override
    public final long bytes() {
        return Arrays.stream(blocks).mapToLong(BlockList::bytes).sum();
    }

    @Override
    public final void close() {
        Arrays.stream(blocks).forEach(BlockList::close);
    }

    /** Tokens of a layer that are there. */
    final int tokens(int layer) {
        return known[layer];
    }

    /** Memory of a block of tokens, to be read, or written after {@link #own}. */
    final MemorySegment block(int layer, int index) {
        return blocks[layer].block(index);
    }

    /** Makes the blocks of the tokens from {@link #tokens} to {@code end}, which is beyond, ready to be written. */
    final void own(int layer, int end) {
        for (int block = known[layer] / inBlock; block <= (end - 1) / inBlock; block++) {
            blocks[layer].own(block);
        }
    }

    /** Tells that the tokens before {@code end}, whole units, have been written. */
    final void grown(int layer, int end) {
        known[layer] = end;
    }
}
