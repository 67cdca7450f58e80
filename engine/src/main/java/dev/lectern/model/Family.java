package dev.lectern.model;

import dev.lectern.weights.Metadata;
import dev.lectern.weights.ModelFile;
import java.util.Set;

/** A model family: reads its configuration and opens its weights, from GGUF and from Hugging Face folders. */
interface Family {
    /** The names that GGUF ({@code general.architecture}) and Hugging Face ({@code architectures}) give it. */
    Set<String> architectures();

    /**
     * The shape of the model.
     *
     * @throws dev.lectern.BadModelFileException naming file and key
     */
    Config config(Metadata metadata, boolean gguf);

    /** The weights, checked against the configuration. */
    Decoder open(ModelFile file, Config config);
}
