package dev.lectern.text;

import dev.lectern.BadModelFileException;
import dev.lectern.json.Json;
import dev.lectern.json.MalformedJsonException;
import dev.lectern.weights.Quoted;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Reads the tokenizer of a Hugging Face folder. tokenizer.json says how text becomes tokens; which of them begin and end a
 * text is spread over tokenizer_config.json, generation_config.json and config.json, each of which may be absent.
 */
final class TokenizerFolderReader {
    /** The largest published tokenizer.json has some 35 MB. */
    private static final long MOST_BYTES = 256L << 20;

    private final Path folder;

    TokenizerFolderReader(Path folder) {
        this.folder = folder;
    }

    Tokenizer read() {
        Path file = folder.resolve("tokenizer.json");
        if (!Files.isRegularFile(file)) {
            throw new BadModelFileException(
                    folder.toString(),
                    "has no tokenizer.json; a folder with only SentencePiece's tokenizer.model or vocab.json has to be"
                            + " converted (save_pretrained of a fast tokenizer writes it).");
        }
        return new TokenizerJsonReader(json(file)).read(this::frame);
    }

    private BpeTokenizer.Frame frame(Vocabulary vocabulary, TokenizerJsonReader.Template template) {
        JsonField config = optional("tokenizer_config.json");
        JsonField generation = optional("generation_config.json");
        JsonField model = optional("config.json");
        int bos = named(config.at("bos_token"), vocabulary);
        if (bos < 0) {
            bos = template.bos();
        }
        for (JsonField other : List.of(generation, model)) {
            List<Integer> listed = bos < 0 ? ids(other.at("bos_token_id"), vocabulary) : List.of();
            if (!listed.isEmpty()) {
                bos = listed.getFirst();
            }
        }
        List<Integer> ends = new ArrayList<>();
        int eos = named(config.at("eos_token"), vocabulary);
        if (eos >= 0) {
            ends.add(eos);
        }
        ends.addAll(ids(generation.at("eos_token_id"), vocabulary));
        ends.addAll(ids(model.at("eos_token_id"), vocabulary));
        boolean addsBos = config.at("add_bos_token").flag(template.bos() >= 0) && bos >= 0;
        return new BpeTokenizer.Frame(bos, EndTokens.of(vocabulary, ends), addsBos);
    }

    /** A token given by its written form, alone or as the content of an object; −1 if none is given. */
    private static int named(JsonField field, Vocabulary vocabulary) {
        if (field.isMissing()) {
            return -1;
        }
        JsonField content = field.isString() ? field : field.at("content");
        int id = vocabulary.id(content.string());
        if (id < 0) {
            throw content.bad("names " + Quoted.of(content.string()) + ", which is not in the vocabulary");
        }
        return id;
    }

    /** Ids given as one number or a list. Those beyond the vocabulary are rows of the model that no text has. */
    private static List<Integer> ids(JsonField field, Vocabulary vocabulary) {
        List<Integer> ids = new ArrayList<>();
        for (JsonField element : field.isMissing() || field.isList() ? field.elements() : List.of(field)) {
            int id = element.integer(-1, Integer.MAX_VALUE);
            if (id >= 0 && id < vocabulary.size()) {
                ids.add(id);
            }
        }
        return ids;
    }

    private JsonField optional(String name) {
        Path file = folder.resolve(name);
        return Files.isRegularFile(file) ? json(file) : new JsonField(file.toString(), "", Map.of());
    }

    static JsonField json(Path file) {
        try {
            long bytes = Files.size(file);
            if (bytes > MOST_BYTES) {
                throw new BadModelFileException(
                        file.toString(),
                        "has " + bytes + " bytes, more than any tokenizer needs (" + MOST_BYTES + ").");
            }
            JsonField whole = new JsonField(file.toString(), "", Json.parse(Files.readAllBytes(file)));
            whole.object();
            return whole;
        } catch (MalformedJsonException e) {
            throw new BadModelFileException(
                    file.toString(), "is not JSON: " + Quoted.text(String.valueOf(e.getMessage())) + ".", e);
        } catch (IOException e) {
            throw new BadModelFileException(file.toString(), "cannot be read: " + e.getMessage() + ".", e);
        }
    }
}
