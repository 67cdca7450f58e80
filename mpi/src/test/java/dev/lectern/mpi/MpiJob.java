package dev.lectern.mpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * Starts programs of the engine's tests as ranks of a job, by an {@code mpirun} of this machine. Where there is none, the test is skipped, which
 * is said on standard error too.
 */
final class MpiJob {
    /** Whose {@code mpirun}, and what its {@code --version} says. */
    enum Maker {
        OPEN_MPI("Open MPI", "openmpi-bin", List.of("mpirun.openmpi", "mpirun"), "OpenRTE|Open MPI"),
        MPICH("MPICH", "mpich", List.of("mpirun.mpich", "mpiexec.hydra", "mpirun"), "HYDRA");

        private final String label;
        private final String debianPackage;
        private final List<String> commands;
        private final String version;

        Maker(String label, String debianPackage, List<String> commands, String version) {
            this.label = label;
            this.debianPackage = debianPackage;
            this.commands = commands;
            this.version = version;
        }
    }

    /**
     * How a job ended.
     *
     * @param output of all ranks and of {@code mpirun}, both streams
     */
    record Ended(int exitCode, String output, double seconds) {}

    private static final long LIMIT_SECONDS = 120;
    private static final Map<Maker, Optional<String>> COMMANDS = new ConcurrentHashMap<>();

    private MpiJob() {}

    /** Runs the main method of a class of the engine's tests. */
    static Ended run(Maker maker, int ranks, Map<String, String> environment, String program, String... arguments)
            throws IOException, InterruptedException {
        Optional<String> mpirun = COMMANDS.computeIfAbsent(maker, MpiJob::find);
        assumeTrue(mpirun.isPresent(), "there is no mpirun of " + maker.label);
        List<String> command = new ArrayList<>(List.of(mpirun.orElseThrow(), "-n", Integer.toString(ranks)));
        // Through a shell: Open MPI 4 changes the class path of commands that are named java.
        command.addAll(List.of("sh", "-c", "exec \"$0\" \"$@\""));
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(
                "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m"));
        environment.forEach((name, value) -> {
            if (name.startsWith("lectern.")) {
                command.add("-D" + name + "=" + value);
            }
        });
        command.addAll(List.of("-cp", classPath(), program));
        command.addAll(List.of(arguments));

        Path output = Files.createTempFile("lectern-mpi", ".txt");
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
            builder.redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")));
            Map<String, String> all = builder.environment();
            all.putAll(Map.of(
                    "OMPI_ALLOW_RUN_AS_ROOT", "1",
                    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1",
                    // More ranks than processors, each on any of them: Open MPI 4, and 5.
                    "OMPI_MCA_rmaps_base_oversubscribe", "1",
                    "OMPI_MCA_hwloc_base_binding_policy", "none",
                    "PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe",
                    "PRTE_MCA_hwloc_default_binding_policy", "none",
                    // Containers may not read the memory of another process.
                    "OMPI_MCA_btl_vader_single_copy_mechanism", "none",
                    "OMPI_MCA_btl_sm_single_copy_mechanism", "none"));
            all.putAll(environment);
            long began = System.nanoTime();
            Process process = builder.start();
            boolean ended = process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS);
            double seconds = (System.nanoTime() - began) / 1e9;
            if (!ended) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
            String words = Files.readString(output, StandardCharsets.UTF_8);
            assertThat(ended)
                    .as("%s ended within %d s: %s", command, LIMIT_SECONDS, words)
                    .isTrue();
            return new Ended(process.exitValue(), words, seconds);
        } finally {
            Files.delete(output);
        }
    }

    /** The classes of this module's tests, and of the engine's. */
    private static String classPath() {
        Path laws = Path.of("..", "engine", "target", "test-classes")
                .toAbsolutePath()
                .normalize();
        assertThat(laws.resolve("dev/lectern/comm/CommunicatorLaws.class"))
                .as("the engine's tests are compiled first: build with -am")
                .exists();
        return System.getProperty("java.class.path") + java.io.File.pathSeparator + laws;
    }

    private static Optional<String> find(Maker maker) {
        for (String command : maker.commands) {
            try {
                Process process = new ProcessBuilder(command, "--version")
                        .redirectErrorStream(true)
                        .start();
                String words = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                if (words.lines().anyMatch(line -> line.matches(".*(" + maker.version + ").*"))) {
                    return Optional.of(command);
                }
            } catch (IOException notThere) {
                // The next may be.
            }
        }
        System.err.println("Tests between processes by " + maker.label
                + " are skipped, for there is no mpirun of it: install it (Debian, Ubuntu: apt install "
                + maker.debianPackage + ").");
        return Optional.empty();
    }
}
