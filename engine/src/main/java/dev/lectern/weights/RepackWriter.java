package dev.lectern.weights;

import dev.lectern.BadModelFileException;
import dev.lectern.Cancellation;
import dev.lectern.Progress;
import dev.lectern.kernel.Interleaved;
import dev.lectern.kernel.Matrix;
import dev.lectern.kernel.Workers;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;

/** Writes the interleaved copy of a model's matrices. */
final class RepackWriter {
    /** Bytes that are interleaved before they are written. */
    private static final long SLAB = 16 << 20;

    /** Left free on the disk beyond what the copy needs, in bytes. */
    private static final long MARGIN = 64L << 20;

    private static final String PART = "repacking-";

    private RepackWriter() {}

    /** @throws IOException if the file cannot be written; then nothing of it is left */
    static void write(
            ModelFile model,
            Map<String, RepackedModel.Place> places,
            byte[] key,
            Path file,
            int threads,
            Progress progress,
            Cancellation cancellation)
            throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null) {
            throw new IOException(file + " has no folder");
        }
        Files.createDirectories(folder);
        long length = RepackedModel.length(places);
        long usable = Files.getFileStore(folder).getUsableSpace();
        if (usable < length + MARGIN) {
            throw new IOException("it needs " + (length + MARGIN) + " bytes of disk, and " + usable + " are left");
        }
        removeLeftovers(folder);
        Path part = Files.createTempFile(folder, PART, ".part");
        try {
            try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE);
                    Workers workers = new Workers(threads)) {
                writeFully(channel, RepackedModel.header(key, length));
                for (Map.Entry<String, RepackedModel.Place> entry : places.entrySet()) {
                    RepackedModel.Place place = entry.getValue();
                    Matrix matrix = model.table(entry.getKey(), place.rows(), place.columns());
                    try {
                        write(matrix, channel, workers, progress, length, cancellation);
                    } catch (IllegalArgumentException e) {
                        throw new BadModelFileException(
                                model.path().toString(),
                                "tensor " + Quoted.of(entry.getKey()) + " " + e.getMessage()
                                        + ": the file is damaged, or was made so; pull it again.");
                    }
                }
                channel.force(true);
            }
            publish(part, file);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    /** Removes what writers that were killed have left; none works for an hour. */
    private static void removeLeftovers(Path folder) throws IOException {
        Instant old = Instant.now().minus(Duration.ofHours(1));
        try (DirectoryStream<Path> parts = Files.newDirectoryStream(folder, PART + "*.part")) {
            for (Path left : parts) {
                if (Files.getLastModifiedTime(left).toInstant().isBefore(old)) {
                    Files.deleteIfExists(left);
                }
            }
        }
    }

    private static void write(
            Matrix matrix,
            FileChannel channel,
            Workers workers,
            Progress progress,
            long length,
            Cancellation cancellation)
            throws IOException {
        long groupBytes = Interleaved.groupBytes(matrix.type(), matrix.columns());
        int groups = Interleaved.groups(matrix.rows());
        int together = (int) Math.clamp(SLAB / groupBytes, 1, groups);
        for (int first = 0; first < groups; first += together) {
            int from = first;
            int some = Math.min(together, groups - first);
            try (Arena arena = Arena.ofShared()) {
                MemorySegment slab = arena.allocate(some * groupBytes, 64);
                workers.run(
                        some,
                        cancellation,
                        (group, worker) -> Interleaved.interleave(matrix, from + group, slab, group * groupBytes));
                writeFully(channel, slab.asByteBuffer());
            }
            progress.report(channel.position(), length);
        }
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private static void publish(Path part, Path file) throws IOException {
        try {
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
        }
        Path folder = file.toAbsolutePath().getParent();
        if (folder != null) {
            try (FileChannel names = FileChannel.open(folder, StandardOpenOption.READ)) {
                names.force(true);
            } catch (IOException e) {
                return; // Some systems cannot open a folder; there the name is safe by itself.
            }
        }
    }
}
