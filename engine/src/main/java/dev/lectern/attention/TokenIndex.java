package dev.lectern.attention;

import dev.lectern.kv.BlockList;
import dev.lectern.kv.CacheIndex;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
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

    @Override
    public void unsettle(int settled) {
        truncate(settled);
    }

    /** Forgets tokens of one layer. */
    final void truncate(int layer, int length) {
        known[layer] = Math.min(known[layer], length / unit * unit);
        blocks[layer].keep(Math.ceilDiv(known[layer], inBlock));
    }

    /** Whole blocks, and of all layers the tokens. */
    @Override
    public Optional<Image> image() {
        int[] more = more();
        int[] state = new int[known.length + more.length];
        System.arraycopy(known, 0, state, 0, known.length);
        System.arraycopy(more, 0, state, known.length, more.length);
        List<MemorySegment> parts = new ArrayList<>();
        for (int layer = 0; layer < known.length; layer++) {
            for (int block = 0; block < blocksOf(layer); block++) {
                parts.add(blocks[layer].block(block));
            }
        }
        return parts.isEmpty() ? Optional.empty() : Optional.of(new Image(state, parts));
    }

    /** What else is to be known to go on from an image. */
    int[] more() {
        return new int[0];
    }

    private int blocksOf(int layer) {
        return Math.ceilDiv(known[layer], inBlock);
    }

    /**
     * Takes what {@link #image} gave of another, but for {@link #more}, into this empty one.
     *
     * @param most tokens
     * @throws IllegalArgumentException if it does not fit
     */
    final void restore(StateReader from, int most) {
        for (int layer = 0; layer < known.length; layer++) {
            known[layer] = from.next(0, most);
            StateReader.require(known[layer] % unit == 0);
        }
        for (int layer = 0; layer < known.length; layer++) {
            for (int block = 0; block < blocksOf(layer); block++) {
                blocks[layer].add(from.part(blocks[layer].blockBytes()));
            }
        }
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
