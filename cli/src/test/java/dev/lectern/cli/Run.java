package dev.lectern.cli;

import dev.lectern.Cancellation;
import dev.lectern.hub.Environment;
import dev.lectern.hub.Hub;
import dev.lectern.json.Json;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Runs the command inside of this JVM, with streams, variables and a home folder of its own. */
final class Run {
    private final Map<String, String> variables = new HashMap<>();
    private byte[] input = new byte[0];
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private Console.Terminals terminals = Console.Terminals.NONE;
    private int exitCode = -1;

    Run(Path home) {
        variables.put("HOME", home.toString());
        variables.put("LECTERN_CACHE", home.resolve("cache").toString());
    }

    /** A model with random weights, four kilobytes of vocabulary and a context of 128 tokens, from the tests of the engine. */
    static String tiny(String name) {
        return Path.of("..", "engine", "src", "test", "resources", "tiny", name).toString();
    }

    Run variable(String name, String value) {
        variables.put(name, value);
        return this;
    }

    Run input(String text) {
        return input(text.getBytes(StandardCharsets.UTF_8));
    }

    Run input(byte[] bytes) {
        input = bytes;
        return this;
    }

    Run terminals(Console.Terminals which) {
        terminals = which;
        return this;
    }

    Surroundings surroundings() {
        Environment environment = Environment.system();
        for (Map.Entry<String, String> variable : variables.entrySet()) {
            environment = environment.with(variable.getKey(), variable.getValue());
        }
        return new Surroundings(
                new Console(
                        new ByteArrayInputStream(input),
                        out,
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        terminals,
                        false),
                new Hub(environment.cacheFolder(), environment),
                variables,
                new Cancellation(),
                () -> 1.5);
    }

    Run with(String... arguments) {
        exitCode = new Lectern(surroundings()).run(arguments);
        return this;
    }

    int exitCode() {
        return exitCode;
    }

    String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    /** Standard output as the one JSON object that it is to be. */
    Map<?, ?> json() {
        return (Map<?, ?>) Json.parse(out.toByteArray());
    }
}
