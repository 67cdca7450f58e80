package dev.lectern.cli;

import dev.lectern.Memory;
import dev.lectern.hub.Hub;
import dev.lectern.kernel.Kernels;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Looks for what makes Lectern slow or stops it, and says what helps. */
final class Examination {
    /** Variables that set no option. */
    private static final Set<String> OTHERS = Set.of(
            "LECTERN_CONFIG",
            "LECTERN_CACHE",
            "LECTERN_DEBUG",
            "LECTERN_JAVA_HOME",
            "LECTERN_JAVA_OPTS",
            "LECTERN_MPI",
            PrefillCommand.NETWORK);

    private static final long SMALL_HEAP = 400L << 20;
    private static final long SMALL_DISK = 1L << 30;
    private static final long SMALL_MEMORY = 1L << 30;

    private final Surroundings surroundings;
    private final Set<String> options;
    private final Slowness slowness = new Slowness();

    /** @param options the names of all options that can be set in a file or a variable */
    Examination(Surroundings surroundings, Set<String> options) {
        this.surroundings = surroundings;
        this.options = options;
    }

    List<String> warnings() {
        List<String> warnings = new ArrayList<>();
        vectors(warnings);
        compiler(warnings);
        processors(warnings);
        memory(warnings);
        models(warnings);
        warnings.addAll(StartingTime.warnings(surroundings.hub()));
        variables(warnings);
        return warnings;
    }

    private void vectors(List<String> warnings) {
        Kernels.hindrance().ifPresent(warnings::add);
        slowness.narrowVectors(Kernels.vectorBits()).ifPresent(warnings::add);
    }

    private static void compiler(List<String> warnings) {
        String vm = System.getProperty("java.vm.name", "");
        String mode = System.getProperty("java.vm.info", "");
        boolean hotSpot = vm.contains("HotSpot") || vm.contains("OpenJDK");
        List<String> arguments = ManagementFactory.getRuntimeMXBean().getInputArguments();
        boolean noC2 = arguments.stream()
                .anyMatch(a -> a.matches("-XX:TieredStopAtLevel=[0-3]") || a.equals("-XX:-UseCompiler"));
        if (!hotSpot) {
            warnings.add("This Java is " + vm
                    + ", whose compiler may not know the Vector API: use an OpenJDK build with HotSpot"
                    + " (LECTERN_JAVA_HOME names its folder).");
        } else if (mode.contains("interpreted") || noC2) {
            warnings.add("Java's optimising compiler is switched off: take -Xint and -XX:TieredStopAtLevel out of"
                    + " LECTERN_JAVA_OPTS.");
        }
    }

    private void processors(List<String> warnings) {
        int ours = Runtime.getRuntime().availableProcessors();
        long machine = slowness.processorsOfTheMachine();
        Optional<String> share = slowness.share();
        if (share.isPresent()) {
            warnings.add(share.get());
        } else if (machine > ours) {
            warnings.add("Java may use " + ours + " of the " + machine + " processors (a container's limit, taskset or"
                    + " -XX:ActiveProcessorCount): allow it more if they are free.");
        }
        double load = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
        if (load > ours + 1) {
            warnings.add(String.format(
                    Locale.ROOT,
                    "Other programs want the processors too (load %.1f on %d): what Lectern measures now is slower than it could"
                            + " be; stop them, or give --threads fewer.",
                    load,
                    ours));
        }
    }

    private static void memory(List<String> warnings) {
        long available = Memory.available();
        if (available < SMALL_MEMORY) {
            warnings.add(
                    "Only " + Units.bytes(available) + " of memory are available: stop other programs, or raise the"
                            + " container's limit; \"lectern estimate\" tells what a session takes.");
        }
        long heap = Runtime.getRuntime().maxMemory();
        if (heap < SMALL_HEAP) {
            warnings.add("Java's heap may take " + Units.bytes(heap)
                    + " only, too little for a large vocabulary or document: LECTERN_JAVA_OPTS=-Xmx1g gives it more.");
        }
    }

    private void models(List<String> warnings) {
        Hub hub = surroundings.hub();
        Path folder = hub.cacheFolder();
        Path existing = folder;
        for (Path parent = folder.getParent(); !Files.exists(existing) && parent != null; parent = parent.getParent()) {
            existing = parent;
        }
        if (!Files.isWritable(existing)) {
            warnings.add(existing
                    + " cannot be written, so no model can be fetched: set LECTERN_CACHE to a folder of yours.");
        } else if (existing.toFile().getUsableSpace() < SMALL_DISK) {
            warnings.add("Only " + Units.bytes(existing.toFile().getUsableSpace()) + " are free where models are kept ("
                    + folder + "): make room, or set LECTERN_CACHE to a folder on another disk.");
        }
        String usual = hub.catalogue().defaultModel().name();
        if (hub.resolve(usual).isEmpty()) {
            warnings.add("The default model " + usual + " is not here yet: \"lectern pull\" fetches it ("
                    + Units.bytes(hub.catalogue().defaultModel().bytes()) + "), and so does the first question.");
        }
    }

    private void variables(List<String> warnings) {
        Set<String> known = new TreeSet<>(OTHERS);
        options.forEach(name -> known.add(Settings.variable(name)));
        for (String name : new TreeSet<>(surroundings.variables().keySet())) {
            if (name.startsWith("LECTERN_") && !known.contains(name)) {
                warnings.add("The variable " + name + " means nothing to Lectern: correct its name, or unset it.");
            }
        }
    }
}
