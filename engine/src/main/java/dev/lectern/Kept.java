package dev.lectern;

import dev.lectern.comm.Communicator;
import java.util.Optional;

/**
 * What a reading left on the disk.
 *
 * @param pages whole pages written
 * @param bytes written
 * @param failure why not all of it is kept; the reading itself is complete
 */
public record Kept(int pages, long bytes, Optional<LecternException> failure) {
    /** The same, and it tells of the first host that could not keep its part. Called by all. */
    Kept together(Communicator hosts) {
        return new Kept(pages, bytes, HostAgreement.failure(hosts, failure));
    }
}
