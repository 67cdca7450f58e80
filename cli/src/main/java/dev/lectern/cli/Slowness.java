package dev.lectern.cli;

import dev.lectern.Memory;
import dev.lectern.kernel.Kernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * What makes this machine compute slowly, in sentences with what helps. Answers are right all the same. {@code doctor} says all of it; who
 * has a model compute is told the worst of it, once. (That there are no vectors at all the engine says by itself.)
 */
final class Slowness {
    private final Path processors; // /proc/cpuinfo
    private final Path groups; // /sys/fs/cgroup

    Slowness() {
        this(Path.of("/proc/cpuinfo"), Path.of("/sys/fs/cgroup"));
    }

    Slowness(Path processors, Path groups) {
        this.processors = processors;
        this.groups = groups;
    }

    /** @param weights bytes of the model that is to compute */
    Optional<String> worst(long weights) {
        return Stream.<Supplier<Optional<String>>>of(
                        () -> memory(weights), () -> narrowVectors(Kernels.vectorBits()), this::share, this::single)
                .flatMap(cause -> cause.get().stream())
                .findFirst();
    }

    /** @param bits of Java's vectors */
    Optional<String> narrowVectors(int bits) {
        String cpu = contents(processors);
        if (bits == 0 || bits >= 256 || !cpu.contains("flags")) {
            return Optional.empty();
        }
        return Optional.of(
                cpu.contains(" avx2 ")
                        ? "This processor has AVX2, but Java uses vectors of " + bits
                                + " bits only: take -XX:UseAVX and -XX:MaxVectorSize out of LECTERN_JAVA_OPTS."
                        : "This processor has no AVX2 (or the virtual machine hides it), so reading is slow: choose a"
                                + " host CPU model that passes AVX2 on.");
    }

    /** Where a container gets less than one processor's time. */
    Optional<String> share() {
        OptionalDouble share = granted();
        if (share.isEmpty() || share.getAsDouble() >= 1) {
            return Optional.empty();
        }
        return Optional.of(String.format(
                Locale.ROOT,
                "This container gets %.2g of one processor's time, so everything takes %.1f times as long as on one:"
                        + " raise its limit (docker run --cpus=2, or resources.limits.cpu).",
                share.getAsDouble(),
                1 / share.getAsDouble()));
    }

    private Optional<String> single() {
        return Runtime.getRuntime().availableProcessors() > 1
                ? Optional.empty()
                : Optional.of(
                        "Java may use one processor only, which reads, writes and compiles by turns: give this machine"
                                + " or container more, or take taskset and -XX:ActiveProcessorCount away.");
    }

    private static Optional<String> memory(long weights) {
        long available = Memory.available();
        return weights <= available
                ? Optional.empty()
                : Optional.of("The model takes " + Units.bytes(weights) + ", but only " + Units.bytes(available)
                        + " of memory are available, so it is read from the disk again and again: stop other programs,"
                        + " raise the container's limit, or take a smaller model.");
    }

    /** Processors that a control group grants, of version 2 or 1. */
    private OptionalDouble granted() {
        String[] both = contents(groups.resolve("cpu.max")).strip().split(" ", -1);
        String quota = both.length == 2 ? both[0] : contents(groups.resolve("cpu/cpu.cfs_quota_us"));
        String period = both.length == 2 ? both[1] : contents(groups.resolve("cpu/cpu.cfs_period_us"));
        try {
            double granted = Double.parseDouble(quota.strip()) / Double.parseDouble(period.strip());
            return granted > 0 ? OptionalDouble.of(granted) : OptionalDouble.empty();
        } catch (NumberFormatException e) {
            return OptionalDouble.empty(); // "max", or no control group at all
        }
    }

    /** Processors of the machine, whether Java may use them or not; 0 where the system does not tell. */
    long processorsOfTheMachine() {
        return contents(processors)
                .lines()
                .filter(line -> line.startsWith("processor"))
                .count();
    }

    private static String contents(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return "";
        }
    }
}
