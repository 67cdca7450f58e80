package dev.lectern.mpi;

import java.time.Duration;

/** Ends the process if a call of MPI does not come back in time. Such a call cannot be interrupted. */
final class LastResort implements AutoCloseable {
    private final Thread thread;

    LastResort(int seconds, int exitCode, String sentence) {
        thread = Thread.ofPlatform()
                .name("lectern-mpi-last-resort")
                .daemon(true)
                .start(() -> {
                    try {
                        Thread.sleep(Duration.ofSeconds(seconds));
                    } catch (InterruptedException notNeeded) {
                        return;
                    }
                    System.err.println("lectern: " + sentence);
                    // No hooks of the JVM or of MPI: they could wait too.
                    Runtime.getRuntime().halt(exitCode);
                });
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
