package dev.lectern.text;

import dev.lectern.weights.Metadata;
import java.nio.file.Path;

/** Builds the tokenizer that a model brings with it. */
public final class Tokenizers {
    private Tokenizers() {}

    /**
     * The tokenizer of a GGUF file, from its keys {@code tokenizer.ggml.*}: byte-level BPE ({@code gpt2}, with the
     * pre-tokenizers of GPT-2, Llama 3, Qwen2 and SmolLM) and SentencePiece-BPE ({@code llama}).
     *
     * @throws dev.lectern.BadModelFileException if the keys are missing, contradict each other or need something else
     */
    public static Tokenizer fromMetadata(Metadata metadata) {
        return new GgufTokenizerReader(metadata).read();
    }

    /**
     * The tokenizer of a Hugging Face folder: tokenizer.json, and where they are present tokenizer_config.json,
     * generation_config.json and config.json for the tokens that begin and end a text.
     *
     * @throws dev.lectern.BadModelFileException if a file is missing, damaged or needs something that Lectern does not have
     */
    public static Tokenizer fromFolder(Path folder) {
        return new TokenizerFolderReader(folder).read();
    }
}
