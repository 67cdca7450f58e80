package dev.lectern.cli;

import dev.lectern.LecternException;
import dev.lectern.hub.Hub;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** What makes a command begin later than it could, in sentences with what helps. */
final class StartingTime {
    /** What the launcher script says of the archive of classes that it starts from. */
    static final String ARCHIVE = "lectern.archive";

    /** Of a model that is looked at, so many pieces, evenly spread. */
    private static final int PIECES = 8;

    private static final int PIECE_BYTES = 1 << 20;

    /** A first answer reads the whole model: at this rate, a model of half a gigabyte in some three seconds. */
    private static final double SLOW_BYTES_PER_SECOND = 150e6;

    private StartingTime() {}

    /**
     * @param state {@code used}, {@code missing} (it is being made), {@code unwritable} or {@code failed}; empty where the launcher did not start this
     *     Java
     * @param sharing whether Java has classes from an archive
     */
    static Optional<String> archive(String state, boolean sharing) {
        return switch (state) {
            case "used" ->
                sharing
                        ? Optional.empty()
                        : Optional.of(
                                "Java does not take the archive of classes that makes it start quickly: leave options"
                                        + " about the heap's size and the collector out of LECTERN_JAVA_OPTS, or remove"
                                        + " cli/target/start-* to have it made again.");
            case "missing" ->
                Optional.of(
                        "This start took longer than the next ones: an archive of classes is being made in cli/target,"
                                + " from which Java starts quickly. Nothing is to be done.");
            case "unwritable" ->
                Optional.of("Each start takes longer than it could, since no archive of classes can be written to"
                        + " cli/target: run ./lectern once as a user who may write there.");
            case "failed" ->
                Optional.of("Each start takes longer than it could, since no archive of classes could be made:"
                        + " cli/target/start-*.failed says why; remove it to have it tried again.");
            default -> Optional.empty();
        };
    }

    /** Whether this Java has classes from an archive, its own or ours. */
    static boolean sharing() {
        return System.getProperty("java.vm.info", "").contains("sharing");
    }

    /** Where a model lies on a slow disk, and not in memory. */
    static Optional<String> disk(Hub hub, String model) {
        try {
            Optional<Path> path = hub.resolve(model).filter(Files::isRegularFile);
            if (path.isEmpty()) {
                return Optional.empty();
            }
            double rate = bytesPerSecond(path.get());
            return rate >= SLOW_BYTES_PER_SECOND
                    ? Optional.empty()
                    : Optional.of("The model " + model + " is read from its disk with " + Units.bytes(rate)
                            + " a second, and the first answer after a while has to wait for all of its "
                            + Units.bytes(Files.size(path.get())) + ": put it on a faster disk (LECTERN_CACHE names the"
                            + " folder), or keep memory free for it.");
        } catch (IOException | LecternException e) {
            return Optional.empty(); // whoever opens it says what is wrong
        }
    }

    private static double bytesPerSecond(Path file) throws IOException {
        long began = System.nanoTime();
        long read = 0;
        ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
        try (FileChannel channel = FileChannel.open(file)) {
            for (int i = 0; i < PIECES; i++) {
                read += Math.max(0, channel.read(piece.clear(), channel.size() / PIECES * i));
            }
        }
        return read * 1e9 / Math.max(1, System.nanoTime() - began);
    }

    /** All of it. */
    static List<String> warnings(Hub hub) {
        return List.of(
                        archive(System.getProperty(ARCHIVE, ""), sharing()),
                        disk(hub, hub.catalogue().defaultModel().name()))
                .stream()
                .flatMap(Optional::stream)
                .toList();
    }
}
