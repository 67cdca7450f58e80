package dev.lectern.measure.reproduce;

import dev.lectern.Cancellation;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.measure.AtomicFile;
import dev.lectern.measure.BenchModel;
import dev.lectern.measure.Provenance;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;

/**
 * Where experiments are made.
 *
 * @param results the folder of result files
 * @param models finds a model by its name, and fetches it where it is not here
 * @param lectern the command that starts Lectern, without arguments, for what is timed in processes of its own
 * @param examples reads a file of the folder {@code examples}
 */
public record Room(
        Path results,
        Function<String, BenchModel> models,
        ModelOptions options,
        List<String> lectern,
        Function<String, String> examples,
        Progress progress,
        Cancellation cancellation) {
    /** An English report of some 4000 tokens. */
    static final String REPORT = "harbour-report.md";

    /** A program in Python of some 2000 tokens. */
    static final String PROGRAM = "harbour_dues.py";

    public Room {
        lectern = List.copyOf(lectern);
    }

    String text(String example) {
        return examples.apply(example);
    }

    /** The same with another progress. */
    Room with(Progress progress) {
        return new Room(results, models, options, lectern, examples, progress, cancellation);
    }

    BenchModel model(String name) {
        return models.apply(name);
    }

    /** Whether there is a result of that name which this commit of Lectern has measured on this machine. */
    boolean has(String name) {
        Provenance here = Provenance.here(name);
        return here.isKnown()
                && ResultFile.all(results, name).stream()
                        .filter(file -> file.name().equals(name))
                        .anyMatch(file -> file.provenance().isLike(here));
    }

    /** Keeps a result. */
    void keep(String name, String json) {
        AtomicFile.write(results.resolve(name + ".json"), (json + "\n").getBytes(StandardCharsets.UTF_8));
    }
}
