package dev.lectern.hub;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToLongFunction;
import java.util.regex.Pattern;

/**
 * What the hub knows of the machine around it. {@link #system()} is the real one; a test changes what it needs to.
 *
 * @param variables the environment variables; handed on as they are to the programs that are started
 * @param home the user's home folder
 * @param operatingSystem its name as in the system property {@code os.name}
 * @param usableSpace the bytes that may still be written below a folder
 * @param patience how long to wait for what
 */
public record Environment(
        Map<String, String> variables,
        Path home,
        String operatingSystem,
        ToLongFunction<Path> usableSpace,
        Patience patience) {

    public Environment {
        variables = Map.copyOf(variables);
    }

    /** The machine this program runs on. */
    public static Environment system() {
        Map<String, String> variables = System.getenv();
        String home = variables.getOrDefault("HOME", "");
        return new Environment(
                variables,
                Path.of(home.isBlank() ? System.getProperty("user.home") : home),
                System.getProperty("os.name"),
                Environment::spaceOfDisk,
                Patience.DEFAULT);
    }

    /** The same with one environment variable more, or changed. */
    public Environment with(String variable, String value) {
        Map<String, String> changed = new HashMap<>(variables);
        changed.put(variable, value);
        return new Environment(changed, home, operatingSystem, usableSpace, patience);
    }

    /** The same with another measure of the space on a disk, in bytes. */
    public Environment withUsableSpace(ToLongFunction<Path> space) {
        return new Environment(variables, home, operatingSystem, space, patience);
    }

    /** The same with other waiting times. */
    public Environment withPatience(Patience other) {
        return new Environment(variables, home, operatingSystem, usableSpace, other);
    }

    /** The value of a variable, absent where it is unset or blank. */
    Optional<String> variable(String name) {
        return Optional.ofNullable(variables.get(name)).map(String::strip).filter(value -> !value.isEmpty());
    }

    /**
     * Where models are kept: {@code LECTERN_CACHE} if set, else {@code XDG_CACHE_HOME/lectern}, else the place that the
     * system has for such things ({@code ~/.cache/lectern}, {@code ~/Library/Caches/lectern},
     * {@code %LOCALAPPDATA%\lectern}).
     */
    public Path cacheFolder() {
        Optional<String> own = variable("LECTERN_CACHE");
        if (own.isPresent()) {
            return Path.of(own.get()).toAbsolutePath().normalize();
        }
        // The XDG specification says that a relative path is to be ignored.
        Optional<Path> xdg = variable("XDG_CACHE_HOME").map(Path::of).filter(Path::isAbsolute);
        if (xdg.isPresent()) {
            return xdg.get().resolve("lectern");
        }
        if (isWindows()) {
            return variable("LOCALAPPDATA")
                    .map(Path::of)
                    .orElse(home.resolve("AppData").resolve("Local"))
                    .resolve("lectern");
        }
        if (operatingSystem.toLowerCase(Locale.ROOT).startsWith("mac")) {
            return home.resolve("Library").resolve("Caches").resolve("lectern");
        }
        return home.resolve(".cache").resolve("lectern");
    }

    /** The program of that name on the {@code PATH}. */
    Optional<Path> program(String name) {
        List<String> endings = isWindows() ? List.of(".exe") : List.of("");
        String path = variables.getOrDefault("PATH", variables.getOrDefault("Path", ""));
        for (String folder : path.split(Pattern.quote(isWindows() ? ";" : ":"), -1)) {
            for (String ending : endings) {
                Path candidate = Path.of(folder).resolve(name + ending);
                if (!folder.isBlank() && Files.isRegularFile(candidate) && Files.isExecutable(candidate)) {
                    return Optional.of(candidate.toAbsolutePath());
                }
            }
        }
        return Optional.empty();
    }

    private boolean isWindows() {
        return operatingSystem.toLowerCase(Locale.ROOT).startsWith("windows");
    }

    private static long spaceOfDisk(Path folder) {
        try {
            FileStore store = Files.getFileStore(folder);
            return store.getUsableSpace();
        } catch (IOException e) {
            // A disk that does not tell its space is tried: a write that finds it full says so.
            return Long.MAX_VALUE;
        }
    }
}
