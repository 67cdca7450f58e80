package dev.lectern.cli;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** How long this process runs. */
final class Uptime {
    /** Linux counts the starts of processes in these. */
    private static final double TICKS_PER_SECOND = 100;

    private Uptime() {}

    /** Seconds since the process was started, the launcher script included where the system tells. */
    static double seconds() {
        try {
            String stat = Files.readString(Path.of("/proc/self/stat"));
            // The second field is a name in brackets, which may hold blanks; the start is the 22nd.
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            double up =
                    Double.parseDouble(Files.readString(Path.of("/proc/uptime")).split(" ", 2)[0]);
            return up - Long.parseLong(fields[19]) / TICKS_PER_SECOND;
        } catch (IOException | RuntimeException e) {
            return ManagementFactory.getRuntimeMXBean().getUptime() / 1000.0;
        }
    }
}
