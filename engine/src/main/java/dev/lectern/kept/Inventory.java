package dev.lectern.kept;

import dev.lectern.Cancellation;
import dev.lectern.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Looks through all files of a folder. */
public final class Inventory {
    /** Members of a tail's description beside the fingerprint: how long the text is, and the hash of its tokens alone, empty for a tail on the way. */
    public static final String LENGTH = "length";

    public static final String TEXT = "text";

    private final KeptFolder folder;

    public Inventory(KeptFolder folder) {
        this.folder = folder;
    }

    /**
     * A reading that came to its end.
     *
     * @param id its hash
     * @param file name of its tail
     * @param pages before its tail, those that are there, from the last on
     * @param missing pages that are not there, or whose header is damaged; those before such a one are not known
     * @param indexes of it
     * @param bytes of tail, pages and indexes
     */
    public record Reading(
            String id,
            String file,
            int tokens,
            List<Path> pages,
            int missing,
            List<Index> indexes,
            long bytes,
            Instant used,
            Fingerprint fingerprint) {}

    /**
     * What a method of attention keeps of a reading.
     *
     * @param name the method's, with the options on which it depends
     */
    public record Index(Path file, String name, long bytes) {}

    /** All indexes, by the readings' hashes. */
    private Map<Hash, List<Index>> indexes() throws IOException {
        Map<Hash, List<Index>> all = new HashMap<>();
        for (Path path : files(KeptFolder.INDEXES, KeptHeader.Kind.INDEX.suffix)) {
            header(path)
                    .ifPresent(header -> all.computeIfAbsent(header.previous(), text -> new ArrayList<>())
                            .add(new Index(path, header.description(), header.fileBytes())));
        }
        return all;
    }

    private List<Path> files(String in, String suffix) throws IOException {
        return folder.files(in, "*." + suffix).stream()
                .filter(file -> KeptFolder.isName(in, String.valueOf(file.getFileName())) && KeptFolder.isThere(file))
                .sorted()
                .toList();
    }

    /** The fingerprints under which a text with that hash was read to its end. */
    public List<Fingerprint> fingerprints(String text) throws IOException {
        List<Fingerprint> found = new ArrayList<>();
        for (Path path : files(KeptFolder.TAILS, "tail")) {
            header(path).ifPresent(header -> {
                Fingerprint fingerprint = Fingerprint.parse(header.description());
                if (text.equals(fingerprint.fields().get(TEXT))) {
                    found.add(fingerprint);
                }
            });
        }
        return found;
    }

    /** What a file says of itself; empty if it is damaged or gone. */
    private static Optional<KeptHeader> header(Path path) {
        try (KeptFile file = KeptFile.open(path, false)) {
            return Optional.of(file.header());
        } catch (IOException | KeptHeader.DamagedException e) {
            return Optional.empty();
        }
    }

    /** All readings that came to their end, the latest first. */
    public List<Reading> readings() throws IOException {
        List<Reading> readings = new ArrayList<>();
        Map<Hash, List<Index>> indexes = indexes();
        for (Path path : files(KeptFolder.TAILS, "tail")) {
            Optional<KeptHeader> header = header(path);
            if (header.isPresent() && header.get().logits() > 0) {
                List<Index> own = indexes.getOrDefault(header.get().hash(), List.of());
                readings.add(reading(path, header.get(), own));
            }
        }
        readings.sort(Comparator.comparing(Reading::used).reversed());
        return readings;
    }

    private Reading reading(Path path, KeptHeader tail, List<Index> indexes) {
        List<Path> pages = new ArrayList<>();
        long bytes = tail.fileBytes() + indexes.stream().mapToLong(Index::bytes).sum();
        int first = tail.first(), missing = 0, pageTokens = 0;
        Hash hash = tail.previous();
        while (first > 0) {
            // All pages have as many tokens as the first that is found.
            Optional<Path> page = pageTokens > 0
                    ? Optional.of(folder.page(first - pageTokens, hash)).filter(KeptFolder::isThere)
                    : ending(hash);
            Optional<KeptHeader> header = page.flatMap(Inventory::header);
            if (header.isEmpty()
                    || header.get().tokens().length == 0
                    || !header.get().hash().equals(hash)) {
                missing = pageTokens > 0 ? first / pageTokens : 1;
                break;
            }
            pageTokens = header.get().tokens().length;
            pages.add(page.get());
            bytes += header.get().fileBytes();
            first = header.get().first();
            hash = header.get().previous();
        }
        Fingerprint fingerprint = Fingerprint.parse(tail.description());
        return new Reading(
                tail.hash().hex(),
                String.valueOf(path.getFileName()),
                tail.first() + tail.tokens().length,
                pages,
                missing,
                indexes,
                bytes,
                used(path),
                fingerprint);
    }

    /** The page whose name has that hash. */
    private Optional<Path> ending(Hash hash) {
        try {
            return folder.files(KeptFolder.PAGES, "*-" + hash.hex() + ".page").stream()
                    .filter(KeptFolder::isThere)
                    .findFirst();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Instant used(Path path) {
        try {
            return Files.getLastModifiedTime(path).toInstant();
        } catch (IOException e) {
            return FileTime.fromMillis(0).toInstant();
        }
    }

    /**
     * Reads all files whole; deletes those that are damaged, and leaves those that cannot be read.
     *
     * @param progress in bytes
     * @return a sentence for each of both
     */
    public List<String> verify(Progress progress, Cancellation cancellation) throws IOException {
        List<Path> all = new ArrayList<>(files(KeptFolder.PAGES, "page"));
        all.addAll(files(KeptFolder.TAILS, "tail"));
        all.addAll(files(KeptFolder.INDEXES, KeptHeader.Kind.INDEX.suffix));
        long total = 0, done = 0;
        for (Path path : all) {
            total += size(path);
        }
        List<String> damaged = new ArrayList<>();
        for (Path path : all) {
            cancellation.check();
            long bytes = size(path);
            try (KeptFile file = KeptFile.open(path, true)) {
                KeptHeader.require(
                        folder.path(file.header()).equals(path), "it holds something else than its name says");
            } catch (KeptHeader.DamagedException e) {
                Files.deleteIfExists(path);
                damaged.add(path + " was damaged (" + e.getMessage() + "): it is deleted, and will be computed again");
            } catch (NoSuchFileException e) {
                continue; // somebody evicted it just now
            } catch (IOException e) {
                damaged.add(path + " cannot be read (" + e + "): it is left as it is");
            }
            progress.report(done += bytes, total);
        }
        return damaged;
    }

    /** Whether a tail on the way follows one of some pages. */
    private static boolean isBehind(KeptHeader tail, Set<Path> pages) {
        String ending = "-" + tail.previous().hex() + ".page";
        return pages.stream().anyMatch(page -> page.toString().endsWith(ending));
    }

    private static long size(Path path) {
        try {
            return Files.size(path);
        } catch (IOException e) {
            return 0; // gone
        }
    }

    /**
     * Deletes a reading with its indexes, and those of its pages that no other has.
     *
     * @return bytes that are free again; empty if there is no such reading
     */
    public Optional<Long> remove(String id) throws IOException {
        Optional<Reading> removed = Optional.empty();
        Set<Path> others = new HashSet<>();
        for (Reading reading : readings()) {
            if (reading.id().equals(id)) {
                removed = Optional.of(reading);
            } else {
                others.addAll(reading.pages());
            }
        }
        if (removed.isEmpty()) {
            return Optional.empty();
        }
        List<Path> files = new ArrayList<>(removed.get().pages());
        files.removeAll(others);
        Set<Path> pages = new HashSet<>(files);
        files.addFirst(folder.folder(KeptFolder.TAILS).resolve(removed.get().file()));
        removed.get().indexes().forEach(index -> files.add(index.file()));
        for (Path tail : files(KeptFolder.TAILS, "tail")) {
            Optional<KeptHeader> header = header(tail);
            if (header.isPresent() && header.get().logits() == 0 && isBehind(header.get(), pages)) {
                files.add(tail);
            }
        }
        long freed = 0;
        for (Path file : files) {
            long bytes = size(file);
            freed += Files.deleteIfExists(file) ? bytes : 0;
        }
        return Optional.of(freed);
    }
}
