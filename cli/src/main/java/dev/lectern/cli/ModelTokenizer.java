package dev.lectern.cli;

import dev.lectern.text.Tokenizer;
import dev.lectern.text.Tokenizers;
import dev.lectern.weights.ModelFile;
import dev.lectern.weights.ModelFiles;
import java.nio.file.Path;

/** The tokenizer of a model whose weights are not needed. */
final class ModelTokenizer {
    private ModelTokenizer() {}

    static Tokenizer open(Path path) {
        try (ModelFile file = ModelFiles.open(path)) {
            return file.format().equals("gguf")
                    ? Tokenizers.fromMetadata(file.metadata())
                    : Tokenizers.fromFolder(file.path());
        }
    }
}
