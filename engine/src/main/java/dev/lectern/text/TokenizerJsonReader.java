package dev.lectern.text;

import dev.lectern.text.Vocabulary.Kind;
import dev.lectern.weights.Quoted;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/**
 * Reads tokenizer.json, Hugging Face {@code tokenizers}' own format, as far as byte-level and SentencePiece-BPE need it. A
 * part that would change the tokens and is not known here is refused by name.
 */
final class TokenizerJsonReader {
    /** Ids may be this far from dense: their count decides how much is allocated. */
    private static final int MOST_HOLES = 65_536;

    /**
     * What the post-processor says.
     *
     * @param bos the token that it puts in front of a text, or −1
     */
    record Template(int bos) {}

    private final JsonField whole;
    private final JsonField model;

    TokenizerJsonReader(JsonField whole) {
        this.whole = whole;
        model = whole.at("model");
    }

    Tokenizer read(BiFunction<Vocabulary, Template, BpeTokenizer.Frame> frames) {
        checkModel();
        TextStages stages = TextStages.read(whole);
        List<AddedToken> added = added();
        Vocabulary vocabulary = vocabulary(added);
        int unknown = unknown(vocabulary);
        boolean byteFallback = model.at("byte_fallback").flag(false);
        boolean fuseUnknown = model.at("fuse_unk").flag(false);
        if (stages.byteLevel() && byteFallback) {
            throw model.at("byte_fallback")
                    .bad("is true in a byte-level tokenizer, which has nothing to fall back from");
        }
        Alphabet alphabet = stages.byteLevel()
                ? new ByteAlphabet(vocabulary, unknown)
                : new PieceAlphabet(vocabulary, byteFallback, unknown, fuseUnknown);
        return new BpeTokenizer(
                vocabulary,
                alphabet,
                merges(vocabulary),
                model.at("ignore_merges").flag(false),
                stages.words(),
                frames.apply(vocabulary, new Template(templateBos(whole.at("post_processor"), vocabulary, 0))),
                added);
    }

    private void checkModel() {
        // Files of the first versions leave the type out.
        if (!model.at("type").string("BPE").equals("BPE")) {
            throw model.at("type").unsupported("BPE");
        }
        JsonField dropout = model.at("dropout");
        if (!dropout.isMissing() && !(dropout.value() instanceof Number number && number.doubleValue() == 0)) {
            throw dropout.bad("is set; Lectern merges without chance");
        }
        for (String affix : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
            if (!model.at(affix).string("").isEmpty()) {
                throw model.at(affix).unsupported("only the empty one");
            }
        }
    }

    private List<AddedToken> added() {
        List<AddedToken> added = new ArrayList<>();
        for (JsonField token : whole.at("added_tokens").elements()) {
            JsonField content = token.at("content");
            int length = content.string().length();
            if (length == 0 || length > AddedToken.MAX_LENGTH) {
                throw content.bad("has " + length + " characters, outside 1…" + AddedToken.MAX_LENGTH);
            }
            boolean special = token.at("special").flag(false);
            added.add(new AddedToken(
                    token.at("id").integer(0, Integer.MAX_VALUE),
                    content.string(),
                    special,
                    token.at("normalized").flag(!special),
                    token.at("lstrip").flag(false),
                    token.at("rstrip").flag(false),
                    token.at("single_word").flag(false)));
        }
        return added;
    }

    private Vocabulary vocabulary(List<AddedToken> added) {
        JsonField field = model.at("vocab");
        Map<?, ?> tokens = field.object();
        int largest = -1;
        for (Map.Entry<?, ?> entry : tokens.entrySet()) {
            largest = Math.max(largest, id(field, entry));
        }
        for (AddedToken token : added) {
            largest = Math.max(largest, token.id());
        }
        int count = Math.addExact(tokens.size(), added.size());
        if (largest < 0) {
            throw field.bad("is empty");
        }
        if (largest - MOST_HOLES > count) {
            throw field.bad("and \"added_tokens\" have " + count + " tokens with ids up to " + largest);
        }
        Vocabulary vocabulary = new Vocabulary(whole.file(), largest + 1);
        for (Map.Entry<?, ?> entry : tokens.entrySet()) {
            String token = (String) entry.getKey();
            if (!token.isEmpty()) {
                vocabulary.set(id(field, entry), token, Kind.TEXT, "\"model.vocab\"");
            }
        }
        for (AddedToken token : added) {
            vocabulary.set(
                    token.id(), token.content(), token.control() ? Kind.CONTROL : Kind.ADDED, "\"added_tokens\"");
        }
        return vocabulary;
    }

    private static int id(JsonField vocabulary, Map.Entry<?, ?> entry) {
        String path = vocabulary.path() + "." + Quoted.of((String) entry.getKey());
        return new JsonField(vocabulary.file(), path, entry.getValue()).integer(0, Integer.MAX_VALUE - 1);
    }

    private int unknown(Vocabulary vocabulary) {
        JsonField field = model.at("unk_token");
        if (field.isMissing()) {
            return -1;
        }
        int id = vocabulary.id(field.string());
        if (id < 0) {
            throw field.bad("is " + Quoted.of(field.string()) + ", which is not in the vocabulary");
        }
        return id;
    }

    private Merges merges(Vocabulary vocabulary) {
        JsonField field = model.at("merges");
        if (!field.isList()) {
            throw field.bad("is not a list");
        }
        List<JsonField> pairs = field.elements();
        Merges merges = new Merges(vocabulary, pairs.size());
        for (JsonField pair : pairs) {
            String left;
            String right;
            if (pair.isList()) {
                List<JsonField> halves = pair.elements();
                if (halves.size() != 2) {
                    throw pair.bad("has " + halves.size() + " parts, not 2");
                }
                left = halves.get(0).string();
                right = halves.get(1).string();
            } else {
                String line = pair.string();
                int space = line.indexOf(' ');
                if (space < 0 || space != line.lastIndexOf(' ')) {
                    throw pair.bad("is " + Quoted.of(line) + ", which is not a pair");
                }
                left = line.substring(0, space);
                right = line.substring(space + 1);
            }
            merges.add(
                    merged(vocabulary, left, pair),
                    merged(vocabulary, right, pair),
                    merged(vocabulary, left + right, pair));
        }
        return merges;
    }

    private static int merged(Vocabulary vocabulary, String token, JsonField pair) {
        int id = vocabulary.id(token);
        if (id < 0) {
            throw pair.bad("needs " + Quoted.of(token) + ", which is not in \"model.vocab\"");
        }
        return id;
    }

    /** The first token that the post-processor's template puts in front of a single text, or −1. */
    private static int templateBos(JsonField processor, Vocabulary vocabulary, int depth) {
        if (processor.isMissing()) {
            return -1;
        }
        return switch (processor.type()) {
            case "ByteLevel" -> -1; // changes offsets only
            case "TemplateProcessing" -> {
                List<JsonField> single = processor.at("single").elements();
                JsonField first = single.isEmpty() ? processor.at("single") : single.getFirst();
                JsonField token =
                        single.isEmpty() ? new JsonField(first.file(), first.path(), null) : first.at("SpecialToken");
                if (token.isMissing()) {
                    yield -1;
                }
                int id = vocabulary.id(token.at("id").string());
                if (id < 0) {
                    throw token.at("id").bad("is not in the vocabulary");
                }
                yield id;
            }
            case "Sequence" -> {
                int bos = -1;
                for (JsonField part : processor.at("processors").elements()) {
                    if (depth > 0) {
                        throw part.bad("is within a Sequence of a Sequence");
                    }
                    int found = templateBos(part, vocabulary, depth + 1);
                    bos = bos < 0 ? found : bos;
                }
                yield bos;
            }
            default -> throw processor.at("type").unsupported("ByteLevel, TemplateProcessing and Sequence");
        };
    }
}
