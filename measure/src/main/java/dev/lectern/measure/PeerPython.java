package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.LecternException.Kind;
import dev.lectern.Progress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A Python with llama.cpp, for {@link PeersBench}: a virtual environment in Lectern's cache folder, in which the package llama-cpp-python
 * is built from its sources for the very processor of this machine. That takes some ten minutes, once.
 */
public final class PeerPython {
    /** The version of llama-cpp-python that results are about. */
    static final String VERSION = "0.3.36";

    private static final String PACKAGE = "llama-cpp-python";
    private static final long POLL_MILLIS = 200;

    /** What Ninja writes before each of its steps. */
    private static final Pattern STEP = Pattern.compile("\\[(\\d+)/(\\d+)]");

    private final Path folder;
    private final Map<String, String> variables;
    private final Progress progress;
    private final Cancellation cancellation;

    private PeerPython(Path folder, Map<String, String> variables, Progress progress, Cancellation cancellation) {
        this.folder = folder;
        this.variables = variables;
        this.progress = progress;
        this.cancellation = cancellation;
    }

    /**
     * The interpreter; its environment is made first where it is not there.
     *
     * @param cacheFolder of Lectern
     * @param variables of the environment: {@code PATH}, {@code CC}, {@code CXX}
     * @param notes told in sentences what happens
     * @param progress in steps of the build
     * @throws LecternException of kind {@code NOT_FOUND} if Python, its module venv or a compiler is missing, {@code NO_NETWORK} if
     *     the package cannot be fetched, {@code INTERNAL} if it cannot be built, {@code CANCELLED}
     */
    public static Path prepare(
            Path cacheFolder,
            Map<String, String> variables,
            Consumer<String> notes,
            Progress progress,
            Cancellation cancellation) {
        Path folder = cacheFolder.resolve("peers").resolve(PACKAGE + "-" + VERSION);
        Path python = interpreter(folder);
        if (!Files.isExecutable(python)) {
            notes.accept("llama.cpp is built for this machine, in " + folder + "; that takes some ten minutes, once.");
            new PeerPython(folder, variables, progress, cancellation).make();
        }
        return python;
    }

    private static Path interpreter(Path environment) {
        return environment.resolve("bin").resolve("python");
    }

    private void make() {
        Path python = program("python3")
                .or(() -> program("python"))
                .orElseThrow(() -> new LecternException(
                        Kind.NOT_FOUND,
                        "llama.cpp comes as a Python package, and there is no python3 on the PATH: install it (Debian and"
                                + " Ubuntu: apt install python3-venv), or name an interpreter that has llama_cpp with"
                                + " --python."));
        requireCompiler("CC", "C", List.of("cc", "gcc", "clang"));
        requireCompiler("CXX", "C++", List.of("c++", "g++", "clang++"));
        Path part = folder.resolveSibling(
                folder.getFileName() + ".part-" + ProcessHandle.current().pid());
        Path log = folder.resolveSibling(folder.getFileName() + ".log");
        try {
            Files.createDirectories(part.getParent());
            sweep();
            int exit = run(List.of(python.toString(), "-m", "venv", part.toString()), log);
            if (exit != 0) {
                throw new LecternException(
                        Kind.NOT_FOUND,
                        python + " cannot make a virtual environment (" + last(log)
                                + "): install its module venv (Debian and Ubuntu: apt install python3-venv).");
            }
            // Not from pip's cache, which may hold what was built for another processor.
            exit = run(
                    List.of(
                            interpreter(part).toString(),
                            "-m",
                            "pip",
                            "install",
                            "--verbose",
                            "--no-input",
                            "--disable-pip-version-check",
                            "--no-cache-dir",
                            "--no-binary",
                            PACKAGE,
                            PACKAGE + "==" + VERSION),
                    log);
            if (exit != 0) {
                throw notInstalled(log);
            }
            exit = run(List.of(interpreter(part).toString(), "-c", "import llama_cpp, numpy"), log);
            if (exit != 0) {
                throw new LecternException(
                        Kind.INTERNAL,
                        "llama.cpp was built but does not load (" + last(log) + "); " + log + " has the rest.");
            }
            publish(part);
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(folder, e);
        } finally {
            delete(part);
        }
    }

    /** The environment gets its name when it is whole. It moves well: its interpreter looks for packages beside itself. */
    private void publish(Path part) throws IOException {
        try {
            Files.move(part, folder, StandardCopyOption.ATOMIC_MOVE);
        } catch (FileAlreadyExistsException | java.nio.file.DirectoryNotEmptyException e) {
            // Another run was faster, and its environment is as good.
            if (!Files.isExecutable(interpreter(folder))) {
                throw e;
            }
        }
    }

    private void requireCompiler(String variable, String language, List<String> usual) {
        boolean found = !variables.getOrDefault(variable, "").isBlank()
                || usual.stream().anyMatch(name -> program(name).isPresent());
        if (!found) {
            throw new LecternException(
                    Kind.NOT_FOUND,
                    "llama.cpp is built from its sources, and there is no compiler of " + language + " ("
                            + String.join(", ", usual)
                            + ") on the PATH: install one (Debian and Ubuntu: apt install build-essential), or name an"
                            + " interpreter that has llama_cpp with --python.");
        }
    }

    private Optional<Path> program(String name) {
        for (String place : variables.getOrDefault("PATH", "").split(":", -1)) {
            Path candidate = Path.of(place.isEmpty() ? "." : place).resolve(name);
            if (Files.isRegularFile(candidate) && Files.isExecutable(candidate)) {
                return Optional.of(candidate.toAbsolutePath());
            }
        }
        return Optional.empty();
    }

    /** Runs a program to its end, its words going to the log. */
    private int run(List<String> command, Path log) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        builder.environment().putAll(variables);
        builder.environment().put("CMAKE_ARGS", "-DGGML_NATIVE=ON");
        builder.environment().put("PYTHONUNBUFFERED", "1");
        Process process = builder.start();
        try {
            while (!process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
                cancellation.check();
                report(log);
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LecternException(Kind.CANCELLED, "Stopped on request.", e);
        } finally {
            List<ProcessHandle> started = process.descendants().toList();
            process.destroyForcibly();
            started.forEach(ProcessHandle::destroyForcibly);
        }
    }

    private void report(Path log) throws IOException {
        Matcher steps = STEP.matcher(text(log));
        long done = -1;
        long total = -1;
        while (steps.find()) {
            done = Long.parseLong(steps.group(1));
            total = Long.parseLong(steps.group(2));
        }
        if (total > 0) {
            progress.report(done, total);
        }
    }

    private static LecternException notInstalled(Path log) throws IOException {
        String text = text(log);
        boolean network = text.contains("WARNING: Retrying")
                || text.contains("Could not find a version")
                || text.contains("No matching distribution");
        // An index may have its user's password in its address.
        String said = last(log).replaceAll("://[^/\\s@]*@", "://");
        return new LecternException(
                network ? Kind.NO_NETWORK : Kind.INTERNAL,
                "pip could not " + (network ? "fetch " : "build ") + PACKAGE + " " + VERSION + " (" + said + "); " + log
                        + " has the rest.");
    }

    /** Pip's last complaint, or else its last words. */
    private static String last(Path log) throws IOException {
        List<String> lines = text(log)
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .toList();
        return lines.stream()
                .filter(line -> line.startsWith("ERROR:") || line.startsWith("Error:"))
                .reduce((first, second) -> second)
                .orElse(lines.isEmpty() ? "it says nothing" : lines.getLast());
    }

    private static String text(Path log) throws IOException {
        return Files.exists(log) ? new String(Files.readAllBytes(log), StandardCharsets.UTF_8) : "";
    }

    /** Deletes what runs left behind that were killed. */
    private void sweep() throws IOException {
        try (DirectoryStream<Path> parts = Files.newDirectoryStream(folder.getParent(), "*.part-*")) {
            for (Path part : parts) {
                String pid = part.toString().replaceFirst(".*\\.part-", "");
                if (pid.matches("\\d{1,18}")
                        && ProcessHandle.of(Long.parseLong(pid)).isEmpty()) {
                    delete(part);
                }
            }
        }
    }

    private static void delete(Path folder) {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : (Iterable<Path>) all.sorted(Comparator.reverseOrder())::iterator) {
                Files.deleteIfExists(path);
            }
        } catch (IOException | UncheckedIOException e) {
            // The next run tries again.
        }
    }
}
