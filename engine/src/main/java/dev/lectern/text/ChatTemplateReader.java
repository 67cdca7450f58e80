package dev.lectern.text;

import dev.lectern.BadModelFileException;
import dev.lectern.json.Json;
import dev.lectern.json.MalformedJsonException;
import dev.lectern.weights.Metadata;
import dev.lectern.weights.Quoted;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Finds the chat template of a model and the special tokens that go with it. */
final class ChatTemplateReader {
    /** tokenizer_config.json lists added tokens; the largest published ones have some 10 MB. */
    private static final long MOST_BYTES = 64L << 20;

    private static final Map<String, String> GGUF_IDS = Map.of(
            "bos_token", "tokenizer.ggml.bos_token_id",
            "eos_token", "tokenizer.ggml.eos_token_id",
            "unk_token", "tokenizer.ggml.unknown_token_id",
            "pad_token", "tokenizer.ggml.padding_token_id");

    private ChatTemplateReader() {}

    static Optional<ChatTemplate> fromMetadata(Metadata metadata) {
        String key = "tokenizer.chat_template";
        if (!metadata.has(key)) {
            return Optional.empty();
        }
        Map<String, String> tokens = new HashMap<>();
        int known = metadata.has("tokenizer.ggml.tokens")
                ? metadata.texts("tokenizer.ggml.tokens").count()
                : 0;
        GGUF_IDS.forEach((name, idKey) -> {
            long id = metadata.integer(idKey, -1);
            if (id >= 0 && id < known) {
                tokens.put(name, metadata.texts("tokenizer.ggml.tokens").get((int) id));
            }
        });
        return Optional.of(ChatTemplate.deferred(metadata.string(key), metadata.file(), tokens));
    }

    static Optional<ChatTemplate> fromFolder(Path folder) {
        Path config = folder.resolve("tokenizer_config.json");
        Path own = folder.resolve("chat_template.jinja");
        JsonField fields = Files.isRegularFile(config) ? json(config) : new JsonField(config.toString(), "", Map.of());
        Map<String, String> tokens = new HashMap<>();
        for (String name : ChatTemplate.TOKEN_NAMES) {
            JsonField token = fields.at(name);
            if (!token.isMissing()) {
                tokens.put(
                        name,
                        token.isString() ? token.string() : token.at("content").string());
            }
        }
        if (Files.isRegularFile(own)) {
            return Optional.of(ChatTemplate.deferred(text(own), own.toString(), tokens));
        }
        JsonField template = fields.at("chat_template");
        if (template.isList()) {
            template = named(template);
        }
        return template.isMissing()
                ? Optional.empty()
                : Optional.of(ChatTemplate.deferred(template.string(), config.toString(), tokens));
    }

    /** Of several templates, the one named default. */
    private static JsonField named(JsonField templates) {
        for (JsonField template : templates.elements()) {
            if (template.at("name").string().equals("default")) {
                return template.at("template");
            }
        }
        throw templates.bad("names no template \"default\"");
    }

    private static JsonField json(Path file) {
        try {
            JsonField whole =
                    new JsonField(file.toString(), "", Json.parse(text(file).getBytes(StandardCharsets.UTF_8)));
            whole.object();
            return whole;
        } catch (MalformedJsonException e) {
            throw new BadModelFileException(
                    file.toString(), "is not JSON: " + Quoted.text(String.valueOf(e.getMessage())) + ".", e);
        }
    }

    private static String text(Path file) {
        try {
            long bytes = Files.size(file);
            if (bytes > MOST_BYTES) {
                throw new BadModelFileException(
                        file.toString(),
                        "has " + bytes + " bytes, more than any chat template needs (" + MOST_BYTES + ").");
            }
            return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new BadModelFileException(file.toString(), "cannot be read: " + e.getMessage() + ".", e);
        }
    }
}
