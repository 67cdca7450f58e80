package dev.lectern.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A program that takes the lock on a file, says so with a {@code y}, and holds it until it is ended. */
final class LockHolder {
    private LockHolder() {}

    /** Takes the lock on the file that the first argument names. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        try (FileChannel channel =
                FileChannel.open(Path.of(arguments[0]), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            System.out.print(channel.tryLock() == null ? 'n' : 'y');
            System.out.flush();
            // Long enough for any test, short enough not to outlive a broken one for ever.
            Thread.sleep(60_000);
        }
    }
}
