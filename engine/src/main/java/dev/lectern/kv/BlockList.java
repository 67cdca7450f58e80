package dev.lectern.kv;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Blocks of native memory of equal size, one after another. Forks share them; who writes to a shared one gets a copy first. */
public final class BlockList implements AutoCloseable {
    private final long blockBytes;
    private final List<NativeBlock> blocks = new ArrayList<>();

    public BlockList(long blockBytes) {
        this.blockBytes = blockBytes;
    }

    /** A block, to be read. */
    public MemorySegment block(int index) {
        return blocks.get(index).memory();
    }

    /**
     * A block, to be written: of its own, and a new one, zeroed, after the last.
     *
     * @throws dev.lectern.LecternException of kind {@code NO_MEMORY} if the machine has none left
     */
    public MemorySegment own(int index) {
        if (index == blocks.size()) {
            blocks.add(new NativeBlock(blockBytes));
        } else if (blocks.get(index).isShared()) {
            NativeBlock copy = new NativeBlock(blockBytes), shared = blocks.get(index);
            copy.memory().copyFrom(shared.memory());
            blocks.set(index, copy);
            shared.release();
        }
        return block(index);
    }

    /** Appends a block that is there already, whose holder it becomes. */
    public void add(NativeBlock block) {
        if (block.memory().byteSize() != blockBytes) {
            throw new IllegalArgumentException(
                    "a block of " + block.memory().byteSize() + " bytes among blocks of " + blockBytes);
        }
        blocks.add(block);
    }

    /** How many there are. */
    public int count() {
        return blocks.size();
    }

    /** Bytes of each. */
    public long blockBytes() {
        return blockBytes;
    }

    /** Lets all but the first so many go. */
    public void keep(int count) {
        while (blocks.size() > count) {
            blocks.removeLast().release();
        }
    }

    /** Another list of the same blocks. */
    public BlockList fork() {
        BlockList fork = new BlockList(blockBytes);
        blocks.forEach(block -> fork.blocks.add(block.retain()));
        return fork;
    }

    public long bytes() {
        return blocks.size() * blockBytes;
    }

    @Override
    public void close() {
        keep(0);
    }
}
