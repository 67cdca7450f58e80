package dev.lectern;

import java.util.Optional;

/**
 * What a reading left on the disk.
 *
 * @param pages whole pages written
 * @param bytes written
 * @param failure why not all of it is kept; the reading itself is complete
 */
public record Kept(int pages, long bytes, Optional<LecternException> failure) {}
