package dev.lectern;

import dev.lectern.kept.Eviction;
import dev.lectern.kept.Fingerprint;
import dev.lectern.kept.Hash;
import dev.lectern.kept.Inventory;
import dev.lectern.kept.KeptFolder;
import dev.lectern.kept.KeptNames;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What was read, kept in a folder: a text is read once, and asked again tomorrow without being read again. {@snippet :
 * KeptReadings kept = new KeptReadings(folder, KeptReadings.DEFAULT_BYTES);
 * try (Session session = model.newSession(options, text, kept)) {
 *     session.readRest(Progress.NONE, new Cancellation()); // nothing, the second time
 * }
 * }
 *
 * <p>Pages of 256 tokens are kept as they lie in memory, and mapped where they lie; texts that begin with the same tokens share those pages. Several programs may use a folder at once. What is damaged
 * is found by its checksums, told of, deleted and computed again.
 */
public final class KeptReadings {
    /** What a folder holds at most where nothing else is said: 20 GB. */
    public static final long DEFAULT_BYTES = 20_000_000_000L;

    private static final int SPARE = 16;

    private final KeptFolder folder;
    private final KeptNames names;
    private final Eviction eviction;
    private final long maxBytes;
    private long bytes = -1; // of all files; not counted yet
    private long sinceCounted; // bytes that were written since; other programs may have written as many

    /**
     * Touches nothing yet.
     *
     * @param folder for its owner alone; made when something is kept
     * @param maxBytes what it holds at most: what was used longest ago is deleted first
     */
    public KeptReadings(Path folder, long maxBytes) {
        this(new KeptFolder(folder), maxBytes);
    }

    KeptReadings(KeptFolder folder, long maxBytes) {
        if (maxBytes < 0) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--cache-bytes is " + maxBytes + ", but it takes a number of bytes, 0 or more.");
        }
        this.folder = folder;
        this.maxBytes = maxBytes;
        names = new KeptNames(folder);
        eviction = new Eviction(folder);
    }

    KeptFolder folder() {
        return folder;
    }

    /** What it holds at most, in bytes. */
    public long maxBytes() {
        return maxBytes;
    }

    /** Bytes of all files. */
    public long bytes() {
        try {
            return eviction.bytes();
        } catch (IOException e) {
            throw cannotRead(e);
        }
    }

    /**
     * Notes that so many bytes were written, or with fewer than 0 deleted, and stays within the budget. Others write into the folder too, so all files are counted again after every part of the budget.
     */
    void added(long more) throws IOException {
        sinceCounted += Math.max(0, more);
        if (bytes < 0 || sinceCounted >= maxBytes / SPARE) {
            bytes = eviction.bytes();
            sinceCounted = 0;
        } else {
            bytes += more;
        }
        if (bytes > maxBytes) {
            bytes = eviction.to(afterEviction()).left();
        }
    }

    /** Bytes that are left when there were too many: some fewer than the most, so that not every page looks through all files; no text takes more. */
    long afterEviction() {
        return maxBytes - maxBytes / SPARE;
    }

    /** What a tail says of the text up to a length. */
    String description(Fingerprint fingerprint, int[] text, int length) {
        return fingerprint.text() + Inventory.LENGTH + "=" + length + "\n" + Inventory.TEXT + "="
                + (length == text.length ? Hash.of(text).hex() : "") + "\n";
    }

    /** Why nothing of a text could be used, as half a sentence. */
    String whyNot(Fingerprint fingerprint, int[] text) {
        try {
            String hash = Hash.of(text).hex();
            for (Fingerprint kept : new Inventory(folder).fingerprints(hash)) {
                List<String> differences = fingerprint.differences(kept);
                boolean ofSameText = Objects.equals(
                        fingerprint.fields().get(Fingerprint.OF_TEXT),
                        kept.fields().get(Fingerprint.OF_TEXT));
                if (ofSameText && !differences.isEmpty()) {
                    return String.join("; ", differences);
                }
            }
            return "it was not kept before, or was evicted";
        } catch (IOException e) {
            return folder.root() + " cannot be read (" + e + ")";
        }
    }

    /**
     * Gives a text that a session has read and kept a name, in place of what had it before.
     *
     * @throws LecternException of kind {@code NO_SPACE} or {@code BAD_OPTION} if it cannot be written
     */
    public void name(KeptDocument document, Session session) {
        Map<String, Object> members = new LinkedHashMap<>(document.members());
        List<String> files = session.keptFiles();
        members.put("tail", files.get(0));
        members.put("page", files.get(1));
        try {
            names.write(document.name(), members);
        } catch (IOException e) {
            throw folder.cannotKeep(e);
        }
    }

    /** All names, in their order. */
    public List<String> names() {
        try {
            return names.all();
        } catch (IOException e) {
            throw cannotRead(e);
        }
    }

    /**
     * What has a name.
     *
     * @throws LecternException of kind {@code NOT_FOUND} if nothing has it, with the names that there are; of kind {@code CHECKSUM} if its record is damaged
     */
    public KeptDocument document(String name) {
        KeptDocument.requireName(name);
        String remedy = ": read the document again with \"lectern read DOCUMENT --as " + name + "\".";
        try {
            Map<?, ?> members = names.read(name);
            if (members == null) {
                List<String> known = names();
                throw new LecternException(
                        LecternException.Kind.NOT_FOUND,
                        "Nothing that was read is called @" + name + "; "
                                + (known.isEmpty()
                                        ? "nothing has a name yet: \"lectern read DOCUMENT --as " + name
                                                + "\" gives one."
                                        : "there are @" + String.join(", @", known) + "."));
            }
            return KeptDocument.of(name, members);
        } catch (IOException e) {
            throw new LecternException(
                    LecternException.Kind.CHECKSUM,
                    "The record of @" + name + " cannot be used (" + e.getMessage() + ")" + remedy,
                    e);
        } catch (IllegalArgumentException e) {
            throw new LecternException(
                    LecternException.Kind.CHECKSUM,
                    "The record of @" + name + " is damaged (" + e.getMessage() + ")" + remedy,
                    e);
        }
    }

    /** The name of the file of a name's tail, as its record says; empty where it says none, or cannot be read: {@link #verify} tells of it. */
    private Optional<String> tailOf(String name) {
        try {
            Map<?, ?> members = names.read(name);
            return Optional.ofNullable(members == null ? null : members.get("tail"))
                    .filter(String.class::isInstance)
                    .map(String.class::cast);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** The texts that were read to their end, the latest first. */
    public List<KeptReading> readings() {
        try {
            Map<String, List<String>> named = new LinkedHashMap<>();
            for (String name : names.all()) {
                tailOf(name)
                        .ifPresent(tail -> named.computeIfAbsent(tail, any -> new ArrayList<>())
                                .add(name));
            }
            List<KeptReading> readings = new ArrayList<>();
            for (Inventory.Reading reading : new Inventory(folder).readings()) {
                readings.add(new KeptReading(
                        reading.id(),
                        named.getOrDefault(reading.file(), List.of()),
                        reading.tokens(),
                        reading.pages().size(),
                        reading.missing(),
                        indexes(reading),
                        reading.bytes(),
                        reading.used(),
                        reading.fingerprint().fields()));
            }
            return readings;
        } catch (IOException e) {
            throw cannotRead(e);
        }
    }

    private static Map<String, Long> indexes(Inventory.Reading reading) {
        Map<String, Long> indexes = new LinkedHashMap<>();
        reading.indexes().forEach(index -> indexes.put(index.name(), index.bytes()));
        return indexes;
    }

    /**
     * Reads every file and compares it with its checksums. Damaged ones are deleted; what cannot be read is left as it is, and told of.
     *
     * @param progress in bytes
     * @return a sentence for each file that was damaged, or could not be read
     */
    public List<String> verify(Progress progress, Cancellation cancellation) {
        try {
            List<String> damaged = new ArrayList<>(new Inventory(folder).verify(progress, cancellation));
            for (String name : names.all()) {
                try {
                    Map<?, ?> members = names.read(name);
                    if (members != null) { // somebody removed it just now otherwise
                        KeptDocument.of(name, members);
                    }
                } catch (KeptNames.DamagedException | IllegalArgumentException e) {
                    names.remove(name);
                    damaged.add("the record of @" + name + " was damaged (" + e.getMessage()
                            + "): it is deleted; read the document again");
                } catch (IOException e) {
                    damaged.add("the record of @" + name + " cannot be read (" + e + "): it is left as it is");
                }
            }
            return damaged;
        } catch (IOException e) {
            throw cannotRead(e);
        }
    }

    /**
     * Deletes a reading with its names and the pages that no other reading has.
     *
     * @param name of a document, or the whole {@linkplain KeptReading#id id} of a reading; of a name whose record is damaged, only that goes
     * @return bytes that are free again
     * @throws LecternException of kind {@code NOT_FOUND} if there is none
     */
    public long remove(String name) {
        try {
            List<String> known = names.all();
            String id =
                    known.contains(name) ? tailOf(name).map(KeptReadings::id).orElse("") : name;
            boolean isId = id.length() == Hash.DIGITS;
            long freed = 0;
            boolean found = false;
            for (String each : known) {
                boolean isOf = isId && tailOf(each).map(KeptReadings::id).equals(Optional.of(id));
                if (each.equals(name) || isOf) {
                    freed += names.remove(each);
                    found = true;
                }
            }
            Optional<Long> files = isId ? new Inventory(folder).remove(id) : Optional.empty();
            if (files.isEmpty() && !found) {
                document(name); // says that there is none
            }
            return freed + files.orElse(0L);
        } catch (IOException e) {
            throw cannotRead(e);
        }
    }

    /** The id of the reading whose tail is in a file of that name. */
    private static String id(String tail) {
        return tail.replaceFirst("^[0-9]+-", "").replaceFirst("\\.tail$", "");
    }

    /**
     * Deletes what was used longest ago until so many bytes are left at most, leftovers of programs that died, and names of which nothing is left.
     *
     * @return bytes that are free again, and bytes that are left
     */
    public Freed collect(long bytesAtMost) {
        try {
            Eviction.Freed freed = eviction.to(bytesAtMost);
            return new Freed(freed.files(), freed.bytes(), freed.left());
        } catch (IOException e) {
            throw cannotRead(e);
        }
    }

    /**
     * What was deleted.
     *
     * @param bytes that are free again
     * @param left bytes that are kept
     */
    public record Freed(int files, long bytes, long left) {}

    private LecternException cannotRead(IOException e) {
        return new LecternException(
                LecternException.Kind.BAD_OPTION,
                folder.root() + " cannot be used (" + e
                        + "): make it a folder of your own, or set LECTERN_CACHE to one.",
                e);
    }
}
