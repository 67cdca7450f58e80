package dev.lectern;

import dev.lectern.comm.Communicator;
import java.util.Optional;

/**
 * What a session's method of attention keeps of a text beside its keys and values, and where it came from.
 *
 * @param bytes of it; 0 if there is none
 * @param written bytes of it that were kept on a disk now
 * @param why half a sentence: where it was, or why it had to be made, or why there is none
 * @param failure why it could not be kept; it is whole all the same
 */
public record TextIndex(Outcome outcome, long bytes, long written, String why, Optional<LecternException> failure) {
    /** Where it came from. */
    public enum Outcome {
        /** There is none: the method has none, or the text is too short for one. */
        NONE,
        /** From the text. */
        MADE,
        /** From the disk. */
        LOADED
    }

    /**
     * The same, and it tells of the first host that could not keep its own, and of the first whose own is of other keys. Called by all.
     *
     * @param otherwise of which keys this one is, as half a sentence; empty if of those that were asked for
     */
    TextIndex together(Communicator hosts, String otherwise) {
        Optional<LecternException> first = HostAgreement.failure(hosts, failure);
        String somewhere = HostAgreement.hindrance(hosts, otherwise);
        String of = somewhere.isEmpty() || !otherwise.isEmpty() ? "" : "; " + somewhere;
        return new TextIndex(outcome, bytes, written, why + of, first);
    }

    static TextIndex none(String why) {
        return new TextIndex(Outcome.NONE, 0, 0, why, Optional.empty());
    }
}
