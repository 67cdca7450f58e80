package dev.lectern.text;

import dev.lectern.BadModelFileException;
import dev.lectern.weights.Metadata;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Finds the chat template that a model brings with it; where it brings several, the default one. */
public final class ChatTemplates {
    private static final long MOST_BYTES = 16L << 20;

    private ChatTemplates() {}

    /** The template of a GGUF file, {@code tokenizer.chat_template}; empty if it has none. */
    public static Optional<ChatTemplate> fromMetadata(Metadata metadata) {
        String key = "tokenizer.chat_template";
        return metadata.has(key)
                ? Optional.of(ChatTemplate.parse(metadata.string(key), metadata.file()))
                : Optional.empty();
    }

    /**
     * The template of a Hugging Face folder: the file chat_template.jinja, or {@code chat_template} in tokenizer_config.json; empty if it has
     * neither.
     */
    public static Optional<ChatTemplate> fromFolder(Path folder) {
        Path jinja = folder.resolve("chat_template.jinja");
        if (Files.isRegularFile(jinja)) {
            return Optional.of(ChatTemplate.parse(text(jinja), jinja.toString()));
        }
        Path config = folder.resolve("tokenizer_config.json");
        if (!Files.isRegularFile(config)) {
            return Optional.empty();
        }
        JsonField field = TokenizerFolderReader.json(config).at("chat_template");
        if (field.isMissing()) {
            return Optional.empty();
        }
        if (!field.isList()) {
            return Optional.of(ChatTemplate.parse(field.string(), config.toString()));
        }
        for (JsonField named : field.elements()) {
            if (named.at("name").string().equals("default")) {
                return Optional.of(ChatTemplate.parse(named.at("template").string(), config.toString()));
            }
        }
        return Optional.empty();
    }

    private static String text(Path file) {
        try {
            if (Files.size(file) > MOST_BYTES) {
                throw new BadModelFileException(
                        file.toString(), "has more than " + MOST_BYTES + " bytes, too many for a template.");
            }
            return Files.readString(file);
        } catch (MalformedInputException e) {
            throw new BadModelFileException(file.toString(), "is not UTF-8 text.", e);
        } catch (IOException e) {
            throw new BadModelFileException(file.toString(), "cannot be read: " + e.getMessage(), e);
        }
    }
}
