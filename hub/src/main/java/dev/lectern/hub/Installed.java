package dev.lectern.hub;

import java.nio.file.Path;

/**
 * A model that is here.
 *
 * @param record what is known of it
 * @param folder where its files are
 */
public record Installed(PullRecord record, Path folder) {
    /** What a reader of models opens: a GGUF file (the first of several), or a folder with safetensors. */
    public Path path() {
        return record.file().equals(".") ? folder : folder.resolve(record.file());
    }
}
