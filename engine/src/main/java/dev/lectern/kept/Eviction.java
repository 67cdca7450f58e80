package dev.lectern.kept;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Keeps a folder under a number of bytes: what was used longest ago goes first, and of what was used together the deepest, since a page is worth nothing without those before it. A file that
 * somebody has mapped stays readable for them.
 */
public final class Eviction {
    /** A file and what decides its turn. */
    private record Candidate(Path path, long bytes, FileTime used, int first, boolean evictable) {}

    /**
     * What was done.
     *
     * @param files deleted
     * @param bytes that are free again
     * @param left bytes that are kept
     */
    public record Freed(int files, long bytes, long left) {}

    private static final Duration STALE = Duration.ofDays(1);

    // A file lock belongs to the whole program, so threads of one program first agree among themselves.
    private static final ReentrantLock HERE = new ReentrantLock();

    private final KeptFolder folder;

    public Eviction(KeptFolder folder) {
        this.folder = folder;
    }

    /** Bytes of all files. */
    public long bytes() throws IOException {
        return bytes(candidates());
    }

    private static long bytes(List<Candidate> files) {
        return files.stream().mapToLong(Candidate::bytes).sum();
    }

    /**
     * Deletes until so many bytes are left at most, and the names of readings of which nothing is left. Waits for another program that does the same.
     *
     * @throws IOException if files cannot be listed or deleted
     */
    public Freed to(long maxBytes) throws IOException {
        if (!Files.isDirectory(folder.root(), LinkOption.NOFOLLOW_LINKS)) {
            return new Freed(0, 0, 0);
        }
        HERE.lock();
        Path held = folder.root().resolve("lock");
        try (FileChannel channel = FileChannel.open(
                        held,
                        Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS),
                        KeptFolder.ofOwner(held));
                FileLock lock = channel.lock()) {
            return lock.isValid() ? evict(maxBytes) : new Freed(0, 0, bytes());
        } finally {
            HERE.unlock();
        }
    }

    private Freed evict(long maxBytes) throws IOException {
        int files = 0;
        List<Candidate> all = candidates();
        long freed = 0, left = bytes(all);
        Instant stale = Instant.now().minus(STALE);
        List<Candidate> inTurn = all.stream()
                .filter(Candidate::evictable)
                .sorted(Comparator.comparing(Candidate::used)
                        .thenComparing(Comparator.comparingInt(Candidate::first).reversed())
                        .thenComparing(Candidate::path))
                .toList();
        for (Candidate candidate : inTurn) {
            boolean part = isPart(candidate.path());
            if (part ? candidate.used().toInstant().isBefore(stale) : left > maxBytes) {
                if (Files.deleteIfExists(candidate.path())) {
                    files++;
                    freed += candidate.bytes();
                }
                left -= candidate.bytes();
            }
        }
        KeptNames names = new KeptNames(folder);
        for (String name : names.all()) {
            if (names.isOrphan(name)) {
                files++;
                long bytes = names.remove(name);
                freed += bytes;
                left -= bytes;
            }
        }
        return new Freed(files, freed, left);
    }

    private static boolean isPart(Path path) {
        return String.valueOf(path.getFileName()).startsWith(KeptFolder.PART);
    }

    /** Files of ours; whatever else somebody has put into the folders is neither counted nor deleted. */
    private List<Candidate> candidates() throws IOException {
        List<Candidate> all = new ArrayList<>();
        for (String in : List.of(KeptFolder.PAGES, KeptFolder.TAILS, KeptFolder.INDEXES, KeptFolder.DOCUMENTS)) {
            for (Path file : folder.files(in, "*")) {
                String name = String.valueOf(file.getFileName());
                boolean evictable = KeptFolder.isName(in, name);
                if (evictable || (in.equals(KeptFolder.DOCUMENTS) && name.endsWith(KeptNames.SUFFIX))) {
                    candidate(file, evictable).ifPresent(all::add);
                }
            }
        }
        return all;
    }

    private static Optional<Candidate> candidate(Path file, boolean evictable) throws IOException {
        try {
            BasicFileAttributes attributes =
                    Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return attributes.isDirectory()
                    ? Optional.empty()
                    : Optional.of(new Candidate(
                            file, attributes.size(), attributes.lastModifiedTime(), first(file), evictable));
        } catch (NoSuchFileException e) {
            return Optional.empty(); // somebody deleted it just now
        }
    }

    /** The position in a file's name; 0 where there is none. */
    private static int first(Path file) {
        String name = String.valueOf(file.getFileName());
        int dash = name.indexOf('-');
        try {
            return dash > 0 ? Integer.parseInt(name.substring(0, dash)) : 0;
        } catch (NumberFormatException e) {
            return 0;
        }
    }
}
