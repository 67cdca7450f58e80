package dev.lectern.kv;

import java.lang.foreign.MemorySegment;

/**
 * A format of {@link ScaledRows}: pages close as a whole.
 *
 * @param sinks first tokens that stay exact, and out of the statistics
 * @param window last tokens that stay exact, at least
 */
record ScaledFormat(String name, ScaledRows.Coding coding, int sinks, int window) implements KvFormat {
    @Override
    public boolean observesQueries() {
        return coding.turn() == ScaledRows.Turn.CENTRED_BALANCED_ROTATED;
    }

    @Override
    public Closing closing() {
        return new Closing.Pages(window);
    }

    @Override
    public long bytes(SideShape shape) {
        return ScaledRows.bytes(shape, coding, sinks);
    }

    @Override
    public long openBytes(SideShape shape) {
        return ScaledRows.openBytes(shape, coding);
    }

    @Override
    public KvSide closed(SideShape shape, MemorySegment memory) {
        return ScaledRows.closed(shape, coding, sinks, memory);
    }

    @Override
    public KvSide open(SideShape shape, MemorySegment memory, int closed) {
        return ScaledRows.open(shape, coding, sinks, memory);
    }
}
