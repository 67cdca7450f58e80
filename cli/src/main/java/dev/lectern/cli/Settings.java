package dev.lectern.cli;

import dev.lectern.LecternException;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * The options that a user sets once: in {@code LECTERN_…} variables ({@code --max-tokens} is {@code LECTERN_MAX_TOKENS}), and
 * in a properties file under their names without dashes ({@code max-tokens = 200}). The command line wins over variables,
 * and variables over the file.
 */
final class Settings implements IDefaultValueProvider {
    /** Options that mean this one call. */
    private static final Set<String> ONCE = Set.of(
            "help", "version", "questions", "show-reading", "text", "special", "remove", "peak", "as", "max-bytes");

    private final Surroundings surroundings;
    private final Map<String, String> file;
    private final Map<String, String> sources = new LinkedHashMap<>();

    private Settings(Surroundings surroundings, Map<String, String> file) {
        this.surroundings = surroundings;
        this.file = file;
    }

    /**
     * Reads the file.
     *
     * @param commandLine makes the one whose verbs have the options that may be set; not called where there is no file
     * @throws LecternException of kind {@code BAD_OPTION} if something in the file is not an option
     */
    static Settings read(Surroundings surroundings, Supplier<CommandLine> commandLine) {
        Path path = surroundings.configFile();
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(path, StandardCharsets.UTF_8)) {
            properties.load(reader);
        } catch (NoSuchFileException e) {
            if (surroundings.variable("LECTERN_CONFIG").isPresent()) {
                throw bad(path, "LECTERN_CONFIG names this file, and it does not exist.");
            }
            return new Settings(surroundings, Map.of());
        } catch (CharacterCodingException | IllegalArgumentException e) {
            throw bad(path, "this is not a properties file in UTF-8: write lines such as threads = 4.");
        } catch (IOException e) {
            throw bad(path, "cannot be read (" + e.getMessage() + ").");
        }
        Set<String> known = names(commandLine.get());
        Map<String, String> values = new LinkedHashMap<>();
        for (String key : new TreeSet<>(properties.stringPropertyNames())) {
            if (!known.contains(key)) {
                throw bad(
                        path,
                        "\"" + key + "\" is not an option that can be set here; these can: " + String.join(", ", known)
                                + ".");
            }
            values.put(key, properties.getProperty(key));
        }
        return new Settings(surroundings, values);
    }

    /** The names, without dashes, of all options that can be set. */
    static Set<String> names(CommandLine commandLine) {
        Set<String> names = new TreeSet<>();
        collect(commandLine.getCommandSpec(), names);
        return names;
    }

    private static void collect(CommandSpec command, Set<String> names) {
        for (OptionSpec option : command.options()) {
            name(option).ifPresent(names::add);
        }
        command.subcommands().values().forEach(verb -> collect(verb.getCommandSpec(), names));
    }

    private static Optional<String> name(ArgSpec argument) {
        return argument instanceof OptionSpec option
                ? Optional.of(option.longestName().replaceFirst("^-+", "")).filter(name -> !ONCE.contains(name))
                : Optional.empty();
    }

    /** Whether an option stands on the command line itself. A setting is for all verbs, and contradicts no argument of one. */
    static boolean isGiven(CommandSpec verb, String option) {
        return verb.commandLine().getParseResult().hasMatchedOption(option);
    }

    /** The variable that sets an option. */
    static String variable(String name) {
        return "LECTERN_" + name.toUpperCase(Locale.ROOT).replace('-', '_');
    }

    @Override
    public @Nullable String defaultValue(ArgSpec argument) {
        Optional<String> name = name(argument);
        if (name.isEmpty()) {
            return null;
        }
        String variable = variable(name.get());
        Optional<String> value = surroundings.variable(variable);
        if (value.isPresent()) {
            sources.put(name.get(), variable);
            return value.get();
        }
        String set = file.get(name.get());
        if (set != null) {
            sources.put(name.get(), surroundings.configFile().toString());
        }
        return set;
    }

    /** Where the value of an option was taken from, if not from the command line. */
    Optional<String> source(ArgSpec argument) {
        return name(argument).map(sources::get);
    }

    private static LecternException bad(Path path, String problem) {
        return new LecternException(LecternException.Kind.BAD_OPTION, path + ": " + problem);
    }
}
