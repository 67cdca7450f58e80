package dev.lectern.kv;

import dev.lectern.LecternException;
import java.lang.foreign.MemorySegment;

/**
 * A format of {@link AffineGroups}: tokens close within a page.
 *
 * @param sinks first tokens that stay exact
 * @param suffersFromOffsets as {@link KvFormat#suffersFromOffsets}
 */
record GroupedFormat(String name, AffineGroups.Coding coding, Closing closing, int sinks, boolean suffersFromOffsets)
        implements KvFormat {
    /** The smallest that can be asked for. */
    private static final int LEAST_GROUP = 16;

    @Override
    public void requireFit(int headDim) {
        if (coding.axis() == AffineGroups.Axis.TOKEN && headDim % coding.group() != 0) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "KV format " + name + ": the " + headDim + " channels of a head are not whole groups of "
                            + coding.group() + ": choose "
                            + (headDim % LEAST_GROUP == 0
                                    ? "another group, as " + name.split(":", -1)[0] + ":group=" + LEAST_GROUP
                                    : "int8 or chl-4, which have none")
                            + ".");
        }
    }

    @Override
    public long bytes(SideShape shape) {
        return AffineGroups.bytes(shape, coding, sinks);
    }

    @Override
    public long openBytes(SideShape shape) {
        return AffineGroups.openBytes(shape, coding, sinks);
    }

    @Override
    public KvSide closed(SideShape shape, MemorySegment memory) {
        return AffineGroups.closed(shape, coding, sinks, memory);
    }

    @Override
    public KvSide open(SideShape shape, MemorySegment memory, int closed) {
        return AffineGroups.open(shape, coding, sinks, memory, closed);
    }
}
