package dev.lectern.measure;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * The processors with which a rank computes, on a machine that other ranks may be on too.
 *
 * @param machine what ranks that share processors have in common
 * @param threads of the rank
 * @param cores that it may use there
 */
record RankCores(int machine, int threads, int cores) {
    private static final Path BOOT = Path.of("/proc/sys/kernel/random/boot_id");
    private static final Path CONTAINER = Path.of("/proc/self/ns/cgroup");

    /** A rank of this process. */
    static RankCores here(int threads) {
        return new RankCores(thisMachine(), threads, Runtime.getRuntime().availableProcessors());
    }

    /** By kernel and container, since namespaces that stand for hosts have names of their own; by name where there is no such kernel. */
    private static int thisMachine() {
        try {
            return Objects.hash(
                    Files.readString(BOOT), Files.readSymbolicLink(CONTAINER).toString());
        } catch (IOException notLinux) {
            return ManagementFactory.getRuntimeMXBean()
                    .getName()
                    .replaceFirst("^\\d+@", "")
                    .hashCode();
        }
    }

    static RankCores of(double[] numbers) {
        return new RankCores((int) numbers[0], (int) numbers[1], (int) numbers[2]);
    }

    double[] numbers() {
        return new double[] {machine, threads, cores};
    }

    /** What it computes with while the others wait. */
    double alone() {
        return Math.min(threads, cores);
    }

    /** What the rank that has the least computes with while all do, each with an equal share of its machine. */
    static double least(List<RankCores> ranks) {
        double least = Double.POSITIVE_INFINITY;
        for (RankCores rank : ranks) {
            long sharing = ranks.stream()
                    .filter(other -> other.machine == rank.machine)
                    .count();
            least = Math.min(least, Math.min(rank.threads, (double) rank.cores / sharing));
        }
        return least;
    }
}
