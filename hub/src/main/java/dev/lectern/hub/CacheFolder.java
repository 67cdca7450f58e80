package dev.lectern.hub;

import dev.lectern.LecternException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The folder that keeps models:
 *
 * <pre>
 * models/KEY/FILE          what a reader opens
 * models/KEY/pull.json     written last: without it the model is not here
 * models/KEY/STEM-….weights its weights repacked, if it was used
 * models/KEY/STEM-….METHOD.safetensors what a method of attention has learned of it
 * repacked/, calibrated/   the same of models that lie elsewhere
 * downloads/KEY/           what has arrived so far; gone when the model is published
 * downloads/KEY.lock       held by the one program that pulls it
 * </pre>
 *
 * A key is a catalogue name, or {@code hf--OWNER--REPO/FILE} with {@code --} for a slash in FILE.
 */
final class CacheFolder {
    /** Left free on the disk beyond what a download needs, in bytes. */
    static final long MARGIN = 64L << 20;

    private final Path root;
    private final ToLongFunction<Path> usableSpace;

    CacheFolder(Path root, ToLongFunction<Path> usableSpace) {
        this.root = root;
        this.usableSpace = usableSpace;
    }

    Path root() {
        return root;
    }

    private Path models() {
        return root.resolve("models");
    }

    /**
     * Where something that is made of a model is kept: with its files, if it was pulled, so that it is removed with them.
     *
     * @param elsewhere the folder for what is made of other models
     */
    Path besides(Path model, String elsewhere) {
        Path path = model.toAbsolutePath().normalize();
        Path folder = Files.isDirectory(path) ? path : path.getParent();
        return folder != null && path.startsWith(models().toAbsolutePath().normalize())
                ? folder
                : root.resolve(elsewhere);
    }

    private Path folder(String key) {
        return models().resolve(key);
    }

    /** Where the pieces of a pull wait until all are there. */
    Path downloads(String key) {
        return root.resolve("downloads").resolve(key.replace("/", "--"));
    }

    /** Makes the folder for the pieces of a pull, and takes the lock on it. */
    PullLock lock(String key, String model, Caller caller) {
        Path downloads = downloads(key);
        Path file = downloads.resolveSibling(downloads.getFileName() + ".lock").toAbsolutePath();
        try {
            Files.createDirectories(downloads);
            return PullLock.take(file, model, caller);
        } catch (IOException e) {
            throw cannotWrite(downloads, e);
        }
    }

    /**
     * Refuses to begin what the disk cannot hold.
     *
     * @throws LecternException of kind {@code NO_SPACE} with both numbers
     */
    void requireSpace(long bytes, String model) {
        long usable = usableSpace.applyAsLong(root);
        long needed = Math.addExact(bytes, MARGIN);
        if (usable < needed) {
            throw new LecternException(
                    LecternException.Kind.NO_SPACE,
                    model + " needs " + Numbers.grouped(needed) + " bytes on the disk of " + root + ", which has "
                            + Numbers.grouped(usable)
                            + " left: free some, or set LECTERN_CACHE to a folder on another disk.");
        }
    }

    /** The model of a key, if it was published and its files still have their sizes. */
    Optional<Installed> installed(String key) {
        return installed(folder(key));
    }

    /** The model whose record is in that folder. */
    Optional<Installed> installed(Path folder) {
        Path file = folder.resolve(PullRecord.FILE);
        try {
            if (!Files.isRegularFile(file) || Files.size(file) > (1 << 20)) {
                return Optional.empty();
            }
            Optional<PullRecord> record = PullRecord.fromJson(Files.readAllBytes(file));
            if (record.isEmpty()) {
                return Optional.empty();
            }
            for (PullRecord.Piece piece : record.get().files()) {
                Path there = folder.resolve(piece.file());
                if (!Files.isRegularFile(there) || Files.size(there) != piece.bytes()) {
                    return Optional.empty();
                }
            }
            return Optional.of(new Installed(record.get(), folder));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** Every model below a folder of {@code models/}; of all of them where the name is empty. In the order of their names. */
    List<Installed> below(String name) {
        Path start = name.isEmpty() ? models() : folder(name);
        if (!Files.isDirectory(start)) {
            return List.of();
        }
        List<Installed> found = new ArrayList<>();
        try (Stream<Path> folders = Files.walk(start, 2)) {
            folders.filter(Files::isDirectory)
                    .sorted()
                    .forEach(folder -> installed(folder).ifPresent(found::add));
        } catch (IOException | UncheckedIOException e) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION, "The cache folder " + root + " cannot be read: " + e, e);
        }
        return found;
    }

    /**
     * Makes a model appear at once: the files first, the record last.
     *
     * @param arrived where each file of the record is now, in the record's order
     */
    Installed publish(String key, PullRecord record, List<Path> arrived) {
        Path folder = folder(key);
        try {
            Files.createDirectories(folder);
            Path recordFile = folder.resolve(PullRecord.FILE);
            Files.deleteIfExists(recordFile);
            for (int i = 0; i < arrived.size(); i++) {
                Path file = folder.resolve(record.files().get(i).file());
                Files.createDirectories(file.toAbsolutePath().getParent());
                move(arrived.get(i), file);
            }
            sync(folder);
            Path fresh = folder.resolve(PullRecord.FILE + ".new");
            Files.write(fresh, record.toJson());
            sync(fresh);
            move(fresh, recordFile);
            sync(folder);
            delete(downloads(key));
        } catch (IOException e) {
            throw cannotWrite(folder, e);
        }
        return new Installed(record, folder);
    }

    /** Removes a model: the record first, so that no half of it is ever taken for a whole. */
    void remove(Installed model) {
        try {
            Files.deleteIfExists(model.folder().resolve(PullRecord.FILE));
            delete(model.folder());
            Path parent = model.folder().toAbsolutePath().getParent();
            if (parent != null && !parent.equals(models().toAbsolutePath())) {
                try (Stream<Path> left = Files.list(parent)) {
                    if (left.findAny().isEmpty()) {
                        Files.delete(parent);
                    }
                }
            }
        } catch (IOException e) {
            throw cannotWrite(model.folder(), e);
        }
    }

    /** The sentence for a file that could not be written. */
    LecternException cannotWrite(Path place, IOException e) {
        if (String.valueOf(e.getMessage()).contains("No space left") || usableSpace.applyAsLong(root) < (1 << 20)) {
            return new LecternException(
                    LecternException.Kind.NO_SPACE,
                    "The disk of " + root
                            + " is full: free some space, or set LECTERN_CACHE to a folder on another disk."
                            + " What has arrived is kept.",
                    e);
        }
        return new LecternException(
                LecternException.Kind.BAD_OPTION,
                place + " cannot be written (" + e + "): set LECTERN_CACHE to a folder that you may write to.",
                e);
    }

    /** Deletes a folder with all that is in it; follows no link. Nothing happens where there is none. */
    static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
                // It went while we looked; what remains makes the deletion of its folder fail.
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException e) throws IOException {
                Files.deleteIfExists(visited);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** Has the disk keep a file's bytes, or a folder's names. */
    static void sync(Path place) throws IOException {
        boolean folder = Files.isDirectory(place);
        try (FileChannel channel =
                FileChannel.open(place, folder ? StandardOpenOption.READ : StandardOpenOption.WRITE)) {
            channel.force(true);
        } catch (IOException e) {
            // Windows opens no folder; the names of a folder are then as safe as the system makes them.
            if (!folder) {
                throw e;
            }
        }
    }
}
