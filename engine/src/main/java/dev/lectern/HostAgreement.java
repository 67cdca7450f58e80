package dev.lectern;

import dev.lectern.comm.Communicator;
import dev.lectern.kept.Hash;
import dev.lectern.kernel.Kernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** Hosts that are to get the same bits have to compute with the same. */
final class HostAgreement {
    private HostAgreement() {}

    /**
     * Compares what this host computes with what the first one does. Called by all.
     *
     * @param more on which results depend
     * @throws LecternException of kind {@code BAD_OPTION} if they differ
     */
    static void require(Communicator hosts, SessionOptions options, List<String> more) {
        int question = options.question().hashCode();
        byte[] mine = Hash.of(new int[] {Kernels.bitsInUse(), question})
                .then(options + "\n" + String.join("\n", more))
                .bytes();
        MemorySegment part = Arena.ofAuto().allocate(mine.length),
                parts = Arena.ofAuto().allocate((long) mine.length * hosts.size());
        MemorySegment.copy(mine, 0, part, ValueLayout.JAVA_BYTE, 0, mine.length);
        hosts.allGather(part, parts);
        for (int host = 1; host < hosts.size(); host++) {
            if (parts.asSlice((long) host * mine.length, mine.length).mismatch(parts.asSlice(0, mine.length)) >= 0) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "Rank " + host + " has another model, other options, or vectors of another width (here "
                                + Kernels.bitsInUse()
                                + " bits) than rank 0, so they would not compute the same: give all hosts the"
                                + " same file and command, and machines of one kind.");
            }
        }
    }
}
