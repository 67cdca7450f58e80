package dev.lectern.hub;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Lets one pull of a model work at a time, over all threads and programs that share the cache folder. The system frees
 * the lock of a program that dies.
 */
final class PullLock implements AutoCloseable {
    private static final Duration LOOK_AGAIN = Duration.ofMillis(100);

    // A file lock belongs to the whole program, and is lost when any channel on the file closes: so threads of one
    // program
    // first agree among themselves.
    private static final Set<Path> HERE = ConcurrentHashMap.newKeySet();

    private final Path file;
    private final FileChannel channel;

    private PullLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** Takes the lock, waiting as long as another holds it; says so once. */
    static PullLock take(Path file, String model, Caller caller) throws IOException {
        boolean told = false;
        while (true) {
            caller.cancellation().check();
            if (HERE.add(file)) {
                boolean taken = false;
                FileChannel channel = null;
                try {
                    channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock lock = channel.tryLock();
                    taken = lock != null;
                    if (taken) {
                        return new PullLock(file, channel);
                    }
                } finally {
                    if (!taken) {
                        HERE.remove(file);
                        if (channel != null) {
                            channel.close();
                        }
                    }
                }
            }
            if (!told) {
                caller.notes().accept(model + " is being pulled by another program; waiting for it.");
                told = true;
            }
            caller.sleep(LOOK_AGAIN);
        }
    }

    @Override
    public void close() throws IOException {
        try {
            channel.close();
        } finally {
            HERE.remove(file);
        }
    }
}
