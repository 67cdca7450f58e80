package dev.lectern.cli;

import dev.lectern.Cancellation;
import dev.lectern.comm.Communicator;
import dev.lectern.hub.Hub;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;

/**
 * What a verb finds around it.
 *
 * @param variables the environment variables
 * @param cancellation asked for when the user interrupts the program
 * @param uptime seconds since the process was started
 * @param hosts this rank of those that were started together with it, as {@code mpirun} does
 */
record Surroundings(
        Console console,
        Hub hub,
        Map<String, String> variables,
        Cancellation cancellation,
        DoubleSupplier uptime,
        Optional<Communicator> hosts) {
    /** Of a process that was started alone. */
    Surroundings(
            Console console, Hub hub, Map<String, String> variables, Cancellation cancellation, DoubleSupplier uptime) {
        this(console, hub, variables, cancellation, uptime, Optional.empty());
    }

    /** Those of one rank: only the first reads and writes the standard streams. */
    Surroundings among(Communicator ranks) {
        Console own = ranks.rank() == 0 ? console : Console.silent();
        return new Surroundings(own, hub, variables, cancellation, uptime, Optional.of(ranks));
    }

    /** The same without standard output, for what is run on the way to what it is to hold. */
    Surroundings quiet() {
        return new Surroundings(console.quiet(), hub, variables, cancellation, uptime, hosts);
    }

    /** Whether this is the rank that talks to the user, or the only one. */
    boolean isFirst() {
        return hosts.map(ranks -> ranks.rank() == 0).orElse(true);
    }

    /** Does on the first rank what writes to the disk that others may share, such as fetching a model, and then on the others, which find it there. Called by all. */
    <T> T firstBeforeOthers(Supplier<T> work) {
        if (!isFirst()) {
            hosts.ifPresent(Communicator::barrier);
        }
        T done = work.get();
        if (isFirst()) {
            hosts.ifPresent(Communicator::barrier);
        }
        return done;
    }

    /** The same, stopped by another request. */
    Surroundings with(Cancellation other) {
        return new Surroundings(console, hub, variables, other, uptime, hosts);
    }

    /** The value of a variable; empty where it is unset or blank. */
    Optional<String> variable(String name) {
        return Optional.ofNullable(variables.get(name)).filter(value -> !value.isBlank());
    }

    /** The settings of the user: {@code LECTERN_CONFIG}, or {@code lectern/config.properties} where XDG puts such files. */
    Path configFile() {
        return variable("LECTERN_CONFIG")
                .map(Path::of)
                .orElseGet(() -> folder("XDG_CONFIG_HOME", ".config").resolve("config.properties"));
    }

    /** Where what may be lost is kept, such as the history of the chat. */
    Path stateFolder() {
        return folder("XDG_STATE_HOME", ".local/state");
    }

    private Path folder(String variable, String belowHome) {
        // The XDG specification says that a relative path is to be ignored.
        Path parent = variable(variable)
                .map(Path::of)
                .filter(Path::isAbsolute)
                .orElseGet(() -> Path.of(variable("HOME").orElse(System.getProperty("user.home")), belowHome));
        return parent.resolve("lectern");
    }
}
