package dev.lectern.cli;

import dev.lectern.LecternException;
import dev.lectern.hub.Hub;
import dev.lectern.hub.Installed;
import dev.lectern.hub.PullRecord;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** Which model. */
final class ModelChoice {
    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = {
                "The model: a name that \"lectern models\" lists, the path of a",
                "GGUF file or of a folder with safetensors, or",
                "hf:OWNER/REPO[:FILE]. A model that has a name is fetched on first",
                "use. Default: qwen2.5-coder-0.5b."
            })
    @Nullable
    String model;

    /**
     * A model that is on this machine.
     *
     * @param sha256 from the record of its pull; empty for a file of the user's own
     */
    record Located(Path path, String name, Optional<String> sha256) {}

    /** Where the model is; fetched first, with its progress shown, if it has a name and is not here. */
    Located locate(Surroundings surroundings) {
        return locate(surroundings, Optional.ofNullable(model));
    }

    /** As {@link #locate(Surroundings)}, for a model that may also be named by the argument of a verb. */
    static Located locate(Surroundings surroundings, Optional<String> named) {
        Hub hub = surroundings.hub();
        String spec = named.orElseGet(() -> hub.catalogue().defaultModel().name());
        Optional<Path> here = hub.resolve(spec);
        if (here.isEmpty()) {
            requireFirst(surroundings, spec);
            Installed pulled = PullCommand.pull(surroundings, spec);
            return located(pulled.path(), Optional.of(pulled.record()));
        }
        return located(here.get(), hub.record(spec));
    }

    /**
     * The model that the argument of a verb names, or else {@code --model}.
     *
     * @throws LecternException of kind {@code BAD_OPTION} if both are given
     */
    static Optional<String> named(CommandSpec verb, @Nullable String argument, @Nullable String model) {
        if (argument != null && Settings.isGiven(verb, "--model")) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "The model is named twice, as MODEL (" + argument + ") and by --model (" + model
                            + "): leave one out.");
        }
        return Optional.ofNullable(argument != null ? argument : model);
    }

    /** Refuses to fetch a model for another rank than the first: who stays at a terminal sees only that one. */
    static void requireFirst(Surroundings surroundings, String spec) {
        if (!surroundings.isFirst()) {
            int rank = surroundings.hosts().orElseThrow().rank();
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND,
                    "Rank " + rank + "'s host has no " + spec + ": run \"lectern pull " + spec + "\" there.");
        }
    }

    private static Located located(Path path, Optional<PullRecord> record) {
        Path file = path.getFileName();
        String name = record.map(PullRecord::name).orElse(file == null ? path.toString() : file.toString());
        return new Located(path, name, record.map(PullRecord::sha256));
    }
}
