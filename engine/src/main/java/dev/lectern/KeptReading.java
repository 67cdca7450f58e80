package dev.lectern;

import dev.lectern.kept.Fingerprint;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A text that was read to its end and is kept.
 *
 * @param id by which it is known, 64 hexadecimal digits
 * @param names under which it can be asked; empty for what was kept without being told
 * @param tokens of it
 * @param pages of 256 tokens that it has, some of which other readings may share
 * @param missing of these, no longer there or damaged
 * @param indexes of methods of attention, by their names with the options on which they depend: bytes
 * @param bytes of its files, these included
 * @param used when it was used last
 * @param fields on which its keys and values depend
 */
public record KeptReading(
        String id,
        List<String> names,
        int tokens,
        int pages,
        int missing,
        Map<String, Long> indexes,
        long bytes,
        Instant used,
        Map<String, String> fields) {
    /** Which part of a text that several hosts share it is, as {@code 2 of 4}; empty if it is a whole text. */
    public Optional<String> part() {
        return Optional.ofNullable(fields.get(Fingerprint.PART));
    }
}
