package dev.lectern;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** How much memory this machine, or the container around this process, can still give. */
public final class Memory {
    private Memory() {}

    /** Bytes that can be had, those of droppable file pages included. */
    public static long available() {
        OptionalLong told = field(Path.of("/proc/meminfo"), "MemAvailable:");
        long machine = told.isPresent() ? told.getAsLong() : system().getFreeMemorySize();
        OptionalLong container = containerRoom();
        return container.isPresent() ? Math.min(machine, container.getAsLong()) : machine;
    }

    /** Bytes of memory in all: the container's limit where there is one. */
    public static long total() {
        return system().getTotalMemorySize();
    }

    private static OperatingSystemMXBean system() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    }

    /** The most memory this process has held resident, in bytes, or 0 where the system does not tell. */
    public static long peakResident() {
        return field(Path.of("/proc/self/status"), "VmHWM:").orElse(0);
    }

    /** A line such as {@code MemAvailable:  123 kB}, in bytes. */
    private static OptionalLong field(Path file, String name) {
        try {
            for (String line : Files.readAllLines(file)) {
                if (line.startsWith(name)) {
                    return OptionalLong.of(1024 * Long.parseLong(line.replaceAll("[^0-9]", "")));
                }
            }
        } catch (IOException | NumberFormatException e) {
            return OptionalLong.empty();
        }
        return OptionalLong.empty();
    }

    /** Version 2 of Linux control groups: limit less use, with what the kernel can take back counted as free. */
    private static OptionalLong containerRoom() {
        try {
            Path root = Path.of("/sys/fs/cgroup");
            String limit = Files.readString(root.resolve("memory.max")).strip();
            if (limit.equals("max")) {
                return OptionalLong.empty();
            }
            long used = Long.parseLong(
                    Files.readString(root.resolve("memory.current")).strip());
            long reclaimable = 0;
            for (String line : Files.readAllLines(root.resolve("memory.stat"))) {
                if (line.startsWith("inactive_file ") || line.startsWith("active_file ")) {
                    reclaimable += Long.parseLong(line.substring(line.indexOf(' ') + 1));
                }
            }
            return OptionalLong.of(Math.max(0, Long.parseLong(limit) - used + reclaimable));
        } catch (IOException | NumberFormatException e) {
            return OptionalLong.empty();
        }
    }
}
