package dev.lectern.text;

import dev.lectern.text.BpeTokenizer.Prefix;
import dev.lectern.text.Vocabulary.Kind;
import dev.lectern.weights.Metadata;
import dev.lectern.weights.Quoted;
import dev.lectern.weights.Texts;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads a tokenizer from the keys {@code tokenizer.ggml.*} of a GGUF file. What such a file leaves out is as in the
 * families' own tokenizer.json: {@code qwen2} composes characters (NFC), {@code llama-bpe} takes whole words first,
 * {@code smollm} splits digits before anything else.
 *
 * <p>Source: the GGUF specification, section "Tokenizer" (github.com/ggml-org/ggml, docs/gguf.md).
 */
final class GgufTokenizerReader {
    private static final String KEY = "tokenizer.ggml.";
    private static final String TOKENS = KEY + "tokens";
    private static final String MERGES = KEY + "merges";
    private static final String TYPES = KEY + "token_type";
    private static final String NAMED_TOKENS = "metadata \"" + TOKENS + "\"";

    private static final int TYPE_UNKNOWN = 2;
    private static final int TYPE_CONTROL = 3;
    private static final int TYPE_USER_DEFINED = 4;
    private static final int TYPE_UNUSED = 5;
    private static final int TYPE_LAST = 6;

    /** What the name of a pre-tokenizer implies. */
    private record Family(List<Splitter> splitters, boolean nfc, boolean wholeWords, boolean addsBos) {}

    private final Metadata metadata;
    private byte[] together = new byte[64]; // the two of a merge without the space between them

    GgufTokenizerReader(Metadata metadata) {
        this.metadata = metadata;
    }

    Tokenizer read() {
        String model = metadata.string(KEY + "model");
        return switch (model) {
            case "gpt2" -> byteLevel();
            case "llama" -> sentencePiece();
            default ->
                throw metadata.bad(KEY + "model", "is " + Quoted.of(model) + "; Lectern reads \"gpt2\" and \"llama\"");
        };
    }

    private Tokenizer byteLevel() {
        Family family = family(metadata.string(KEY + "pre", "default"));
        Texts tokens = metadata.texts(TOKENS);
        Vocabulary vocabulary = vocabulary(tokens);
        Merges merges = listedMerges(vocabulary);
        boolean spacePrefix = metadata.flag(KEY + "add_space_prefix", false);
        return new BpeTokenizer(
                vocabulary,
                new ByteAlphabet(vocabulary, -1),
                merges,
                family.wholeWords(),
                new BpeTokenizer.Words(family.nfc(), null, null, spacePrefix, family.splitters()),
                frame(vocabulary, family.addsBos()),
                added(vocabulary));
    }

    private Tokenizer sentencePiece() {
        Texts tokens = metadata.texts(TOKENS);
        Vocabulary vocabulary = vocabulary(tokens);
        Merges merges = metadata.has(MERGES) ? listedMerges(vocabulary) : scoredMerges(tokens, vocabulary);
        int unknown = optionalId("unknown_token_id", vocabulary.size());
        boolean prefix = metadata.flag(KEY + "add_space_prefix", true);
        return new BpeTokenizer(
                vocabulary,
                new PieceAlphabet(vocabulary, true, unknown, true),
                merges,
                false,
                new BpeTokenizer.Words(false, prefix ? Prefix.ALWAYS : Prefix.NEVER, null, false, List.of()),
                frame(vocabulary, true),
                added(vocabulary));
    }

    private Family family(String name) {
        return switch (name) {
            case "gpt-2", "default" -> new Family(List.of(Splitter.GPT2), false, false, false);
            case "smollm" -> new Family(List.of(Splitter.EACH_DIGIT, Splitter.GPT2), false, false, false);
            case "qwen2", "deepseek-r1-qwen" -> new Family(List.of(Splitter.QWEN2), true, false, false);
            case "llama3", "llama-v3", "llama-bpe" -> new Family(List.of(Splitter.LLAMA3), false, true, true);
            default ->
                throw metadata.bad(
                        KEY + "pre",
                        "is " + Quoted.of(name)
                                + "; Lectern knows \"gpt-2\", \"smollm\", \"qwen2\", \"llama-bpe\" and \"default\"");
        };
    }

    private Vocabulary vocabulary(Texts tokens) {
        if (tokens.count() == 0) {
            throw metadata.bad(TOKENS, "is empty");
        }
        long[] types = metadata.has(TYPES) ? metadata.integers(TYPES) : null;
        if (types != null && types.length != tokens.count()) {
            throw metadata.bad(TYPES, "has " + types.length + " entries for " + tokens.count() + " tokens");
        }
        Vocabulary vocabulary = new Vocabulary(metadata.file(), tokens.count(), tokens.bytes());
        for (int id = 0; id < tokens.count(); id++) {
            if (tokens.end(id) > tokens.start(id)) {
                vocabulary.set(id, tokens.start(id), tokens.end(id), kind(types, id, tokens), NAMED_TOKENS);
            }
        }
        return vocabulary;
    }

    private Kind kind(long @Nullable [] types, int id, Texts tokens) {
        long type = types == null ? 1 : types[id];
        if (type < 0 || type > TYPE_LAST) {
            throw metadata.bad(TYPES, "has " + type + " for token " + id + ", outside 0…" + TYPE_LAST);
        }
        Kind kind = switch ((int) type) {
            case TYPE_UNKNOWN, TYPE_CONTROL -> Kind.CONTROL;
            case TYPE_USER_DEFINED -> Kind.ADDED;
            case TYPE_UNUSED -> Kind.UNUSED;
            default -> Kind.TEXT;
        };
        if (kind == Kind.CONTROL || kind == Kind.ADDED) {
            int length = tokens.get(id).length();
            if (length > AddedToken.MAX_LENGTH) {
                throw metadata.bad(TOKENS, "has a control token of " + length + " characters, " + id);
            }
        }
        return kind;
    }

    private static List<AddedToken> added(Vocabulary vocabulary) {
        List<AddedToken> added = new ArrayList<>();
        for (int id = 0; id < vocabulary.size(); id++) {
            Kind kind = vocabulary.kind(id);
            if (kind == Kind.CONTROL || kind == Kind.ADDED) {
                added.add(AddedToken.plain(id, vocabulary.written(id), kind == Kind.CONTROL));
            }
        }
        return added;
    }

    private Merges listedMerges(Vocabulary vocabulary) {
        Texts lines = metadata.texts(MERGES);
        Merges merges = new Merges(vocabulary, lines.count());
        for (int rank = 0; rank < lines.count(); rank++) {
            addMerge(vocabulary, lines, rank, merges);
        }
        return merges;
    }

    /** A method of its own, so that it is compiled soon. */
    private void addMerge(Vocabulary vocabulary, Texts lines, int rank, Merges merges) {
        byte[] bytes = lines.bytes();
        int start = lines.start(rank), end = lines.end(rank);
        int space = start + 1;
        while (space < end && bytes[space] != ' ') {
            space++;
        }
        if (space >= end - 1) {
            String line = Quoted.of(lines.get(rank));
            throw metadata.bad(MERGES, "has " + line + " at " + rank + ", which is not a pair");
        }
        int length = end - start - 1;
        together = together.length >= length ? together : new byte[2 * length];
        System.arraycopy(bytes, start, together, 0, space - start);
        System.arraycopy(bytes, space + 1, together, space - start, end - space - 1);
        merges.add(
                merged(vocabulary, bytes, start, space, rank),
                merged(vocabulary, bytes, space + 1, end, rank),
                merged(vocabulary, together, 0, length, rank));
    }

    private int merged(Vocabulary vocabulary, byte[] text, int start, int end, int rank) {
        int id = vocabulary.id(text, start, end);
        if (id < 0) {
            String token = new String(text, start, end - start, StandardCharsets.UTF_8);
            throw metadata.bad(MERGES, "needs " + Quoted.of(token) + " at " + rank + ", which is not among the tokens");
        }
        return id;
    }

    private Merges scoredMerges(Texts tokens, Vocabulary vocabulary) {
        String key = KEY + "scores";
        float[] scores = metadata.numbers(key);
        if (scores.length != tokens.count()) {
            throw metadata.bad(key, "has " + scores.length + " entries for " + tokens.count() + " tokens");
        }
        for (int id = 0; id < scores.length; id++) {
            if (Float.isNaN(scores[id])) {
                throw metadata.bad(key, "has no number for token " + id);
            }
        }
        return ScoredMerges.of(vocabulary, scores);
    }

    private BpeTokenizer.Frame frame(Vocabulary vocabulary, boolean addsBosUnlessSaid) {
        int bos = optionalId("bos_token_id", vocabulary.size());
        List<Integer> ends = new ArrayList<>();
        for (String name : List.of("eos_token_id", "eot_token_id", "eom_token_id")) {
            int id = optionalId(name, vocabulary.size());
            if (id >= 0) {
                ends.add(id);
            }
        }
        boolean addsBos = metadata.flag(KEY + "add_bos_token", addsBosUnlessSaid) && bos >= 0;
        return new BpeTokenizer.Frame(bos, EndTokens.of(vocabulary, ends), addsBos);
    }

    private int optionalId(String name, int size) {
        return metadata.has(KEY + name) ? metadata.integer(KEY + name, 0, size - 1) : -1;
    }
}
