package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.hub.Hub;
import dev.lectern.hub.PullRecord;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A model to measure.
 *
 * @param name what results call it
 * @param path to open
 * @param sha256 from the record of its pull; empty for another file
 * @param repack the folder for the copy of its weights with which it decodes faster; empty to use them as they are in the file
 * @param calibrations the folder with what methods of attention have learned of it; empty for none
 */
public record BenchModel(
        String name, Path path, Optional<String> sha256, Optional<Path> repack, Optional<Path> calibrations) {
    /** The name of the model that has GPT-2's shape and random weights, made on the spot. */
    public static final String GPT2_SHAPE = "gpt2-shape";

    /** The name of the model whose heads share no keys, for long texts, made on the spot. */
    public static final String MHA_SHAPE = "mha-shape";

    private static final long SEED = 1;

    /** A model whose weights are used as they are in the file, and of which nothing was learned. */
    public BenchModel(String name, Path path, Optional<String> sha256) {
        this(name, path, sha256, Optional.empty(), Optional.empty());
    }

    /** The same with a copy of its weights in a folder. */
    public BenchModel withRepack(Path folder) {
        return new BenchModel(name, path, sha256, Optional.of(folder), calibrations);
    }

    /** Opens it. */
    Model open(ModelOptions options) {
        ModelOptions known = calibrations.map(options::withCalibrations).orElse(options);
        return Model.open(path, repack.map(known::withRepack).orElse(known));
    }

    /** Options with which it holds so many tokens: where they name no scaling of positions, and it does not hold as many, these are stretched linearly. */
    ModelOptions stretched(ModelOptions options, int context) {
        try (Model model = open(options)) {
            return model.context() >= context || options.ropeScaling().isPresent()
                    ? options
                    : options.withRopeScaling("linear:factor=" + Math.ceilDiv(context, model.context()));
        }
    }

    /** Whether nothing has to be fetched for {@link #named}; a shape is made on the spot. */
    public static boolean isHere(String spec, Hub hub) {
        return ModelShape.named(spec).isPresent() || hub.resolve(spec).isPresent();
    }

    /**
     * Finds a model, and first fetches it, or makes it, where it is not here.
     *
     * @param spec a shape that {@link ModelShape#named} knows, or whatever the hub understands: a catalogue name, a path, {@code hf:OWNER/REPO[:FILE]}
     * @param progress of the fetching or making, in bytes
     * @param notes told in sentences what happens on the way
     * @throws dev.lectern.LecternException as {@link Hub#pull} and {@link ModelShape#named} throw it, or if the made model cannot be written
     */
    public static BenchModel named(
            String spec, Hub hub, Progress progress, Consumer<String> notes, Cancellation cancellation) {
        Optional<ModelShape> shape = ModelShape.named(spec);
        if (shape.isPresent()) {
            Path file = hub.cacheFolder().resolve("bench").resolve(AtomicFile.plain(spec) + ".gguf");
            new RandomModel(shape.get(), SEED).write(file, progress, cancellation);
            return new BenchModel(spec, file, Optional.empty());
        }
        Optional<Path> here = hub.resolve(spec);
        Path path = here.isPresent()
                ? here.get()
                : hub.pull(spec, progress, notes, cancellation).path();
        Optional<PullRecord> record = hub.record(spec);
        Path file = path.getFileName();
        String name = record.map(PullRecord::name).orElse(file == null ? path.toString() : file.toString());
        return new BenchModel(
                name, path, record.map(PullRecord::sha256), Optional.empty(), Optional.of(hub.calibrationFolder(path)));
    }
}
