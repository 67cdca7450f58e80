package dev.lectern.weights;

import dev.lectern.BadModelFileException;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;

/** Opens model files of every format that Lectern reads. */
public final class ModelFiles {
    private ModelFiles() {}

    /**
     * Opens a model and checks everything that it says about itself; the weights are mapped, not read.
     *
     * @param path a GGUF file (any shard of a sharded model stands for all of them), a Hugging Face folder (config.json
     *     with model.safetensors or model.safetensors.index.json), or a config.json or a folder with nothing else, which
     *     has metadata only
     * @throws LecternException of kind {@code NOT_FOUND} if a file is missing
     * @throws BadModelFileException if a file is damaged, lies about itself or is of another format
     */
    @SuppressWarnings("MustBeClosedChecker") // the arena is closed with the model
    public static ModelFile open(Path path) {
        if (!Files.exists(path)) {
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND, path + ": there is no such file or folder; correct the path.");
        }
        Arena arena = Arena.ofShared();
        try {
            return new OpenModel(path, arena, read(path, arena));
        } catch (InternalError e) {
            // What the JVM makes of a read beyond the end of a file that shrank after it was mapped.
            arena.close();
            throw new BadModelFileException(
                    path.toString(), "it was changed while it was read; wait until it is written.", e);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    /**
     * Serves a model's matrices from an interleaved copy, with which decoding is faster. The copy is written once, whole or not at all; a copy that cannot be written is done
     * without, and a warning says why.
     *
     * @param folder that keeps such copies
     * @param threads that write it
     * @param progress in bytes, while it is written
     * @return a model that stands for the given one, and closes it
     * @throws LecternException of kind {@code CANCELLED} on request
     */
    public static ModelFile repacked(
            ModelFile model, Path folder, int threads, Progress progress, Cancellation cancellation) {
        return RepackedModel.of(model, folder, threads, progress, cancellation);
    }

    private static ModelContents read(Path path, Arena arena) {
        if (Files.isDirectory(path)) {
            var folder = new MappedFolder(path, arena);
            if (!folder.has(HuggingFaceFolder.CONFIG)) {
                throw new BadModelFileException(
                        path.toString(),
                        "this folder has no config.json, so it is not a Hugging Face model; for GGUF, name the file.");
            }
            return HuggingFaceFolder.read(folder);
        }
        Path name = path.getFileName();
        if (name == null || !Files.isRegularFile(path)) {
            throw new BadModelFileException(path.toString(), "it is neither a file nor a folder.");
        }
        Path parent = path.getParent();
        var folder = new MappedFolder(parent == null ? Path.of("") : parent, arena);
        return readFile(folder, name.toString());
    }

    private static ModelContents readFile(MappedFolder folder, String name) {
        if (name.endsWith(".gguf") || GgufReader.looksLikeGguf(folder.open(name))) {
            return GgufModel.read(folder, name);
        }
        if (name.endsWith(".json")) {
            return HuggingFaceFolder.readConfig(folder, name);
        }
        String remedy = name.endsWith(".safetensors")
                ? "name the folder that it lies in, with its config.json"
                : "Lectern reads GGUF files and Hugging Face folders of safetensors";
        throw new BadModelFileException(folder.describe(name), "it is not a model by itself: " + remedy + ".");
    }
}
