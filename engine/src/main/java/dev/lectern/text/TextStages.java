package dev.lectern.text;

import dev.lectern.text.BpeTokenizer.Prefix;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The normaliser, pre-tokenizer and decoder of a tokenizer.json, checked against what {@link BpeTokenizer} does.
 *
 * @param byteLevel whether the vocabulary is of bytes
 * @param words how text becomes words
 */
record TextStages(boolean byteLevel, BpeTokenizer.Words words) {
    private static final String MARK = "▁";

    /** Published tokenizers split three times at most; each time goes over the whole text. */
    private static final int MOST_SPLITTERS = 8;

    static TextStages read(JsonField whole) {
        return new Reader(whole).read();
    }

    private static final class Reader {
        private final JsonField whole;
        private boolean nfc;
        private boolean prepends;
        private boolean replaces;
        private @Nullable Prefix metaspace;
        private boolean byteLevel;
        private boolean spacePrefix;
        private final List<Splitter> splitters = new ArrayList<>();

        Reader(JsonField whole) {
            this.whole = whole;
        }

        TextStages read() {
            flat(whole.at("normalizer"), "normalizers").forEach(this::normalizer);
            flat(whole.at("pre_tokenizer"), "pretokenizers").forEach(this::preTokenizer);
            if (prepends && !replaces) {
                throw whole.at("normalizer").bad("puts " + MARK + " in front of a text whose spaces stay spaces");
            }
            if (splitters.size() > MOST_SPLITTERS) {
                throw whole.at("pre_tokenizer")
                        .bad("splits the text " + splitters.size() + " times, more than " + MOST_SPLITTERS);
            }
            boolean marks = replaces || metaspace != null;
            if (byteLevel == marks) {
                throw whole.at("pre_tokenizer")
                        .bad("and \"normalizer\" are those of " + (marks ? "both" : "neither")
                                + " byte-level and SentencePiece; Lectern reads one of them");
            }
            flat(whole.at("decoder"), "decoders").forEach(this::checkDecoder);
            if (whole.at("decoder").isMissing()) {
                throw whole.at("decoder").bad("is missing");
            }
            Prefix inNormalizer = replaces ? (prepends ? Prefix.ALWAYS : Prefix.NEVER) : null;
            return new TextStages(
                    byteLevel,
                    new BpeTokenizer.Words(nfc, inNormalizer, metaspace, spacePrefix, List.copyOf(splitters)));
        }

        /** The parts of a stage: of a Sequence, its own; of anything else, itself. */
        private static List<JsonField> flat(JsonField stage, String parts) {
            if (stage.isMissing()) {
                return List.of();
            }
            return stage.type().equals("Sequence") ? stage.at(parts).elements() : List.of(stage);
        }

        private void normalizer(JsonField part) {
            switch (part.type()) {
                case "NFC" -> nfc = true;
                case "Prepend" -> {
                    expect(part.at("prepend"), MARK);
                    prepends = true;
                }
                case "Replace" -> {
                    expect(part.at("pattern").at("String"), " ");
                    expect(part.at("content"), MARK);
                    replaces = true;
                }
                default -> throw part.at("type").unsupported("NFC, Prepend, Replace and one Sequence of them");
            }
        }

        private void preTokenizer(JsonField part) {
            switch (part.type()) {
                case "ByteLevel" -> {
                    if (byteLevel) {
                        throw part.bad("is the second ByteLevel");
                    }
                    byteLevel = true;
                    spacePrefix = part.at("add_prefix_space").flag(true);
                    if (spacePrefix && !splitters.isEmpty()) {
                        throw part.at("add_prefix_space").bad("is true after another part has split the text");
                    }
                    if (part.at("use_regex").flag(true)) {
                        splitters.add(Splitter.GPT2);
                    }
                }
                case "Split" -> splitters.add(split(part));
                case "Digits" ->
                    splitters.add(part.at("individual_digits").flag(false) ? Splitter.EACH_DIGIT : Splitter.DIGIT_RUNS);
                case "Metaspace" -> metaspace(part);
                default ->
                    throw part.at("type").unsupported("ByteLevel, Split, Digits, Metaspace and one Sequence of them");
            }
            if (metaspace != null && (byteLevel || splitters.stream().anyMatch(s -> s != Splitter.METASPACE))) {
                throw part.bad("stands beside Metaspace, which Lectern knows only alone");
            }
            if (byteLevel && !part.type().equals("ByteLevel")) {
                throw part.bad("stands behind ByteLevel, where the text is no longer characters");
            }
        }

        private static Splitter split(JsonField part) {
            JsonField pattern = part.at("pattern").at("Regex");
            Optional<Splitter> splitter = Splitter.ofPattern(pattern.string());
            if (splitter.isEmpty()) {
                throw pattern.unsupported("the patterns of GPT-2, Llama 3 and Qwen2, to the letter");
            }
            // The patterns match everywhere, so removing what lies between matches removes nothing.
            String behaviour = part.at("behavior").string();
            boolean inverted = part.at("invert").flag(false);
            if (!(behaviour.equals("Isolated") && !inverted) && !(behaviour.equals("Removed") && inverted)) {
                throw part.at("behavior").unsupported("Isolated, and Removed with \"invert\"");
            }
            return splitter.get();
        }

        private void metaspace(JsonField part) {
            if (metaspace != null) {
                throw part.bad("is the second Metaspace");
            }
            expect(part.at("replacement"), MARK);
            String scheme =
                    part.at("prepend_scheme").string(part.at("add_prefix_space").flag(true) ? "always" : "never");
            metaspace = switch (scheme) {
                case "always" -> Prefix.UNLESS_PRESENT;
                case "first" -> Prefix.FIRST;
                case "never" -> Prefix.NEVER;
                default -> throw part.at("prepend_scheme").unsupported("always, first and never");
            };
            if (part.at("split").flag(true)) {
                splitters.add(Splitter.METASPACE);
            }
        }

        private void checkDecoder(JsonField part) {
            String type = part.type();
            boolean known = byteLevel
                    ? type.equals("ByteLevel")
                    : switch (type) {
                        case "Replace" -> {
                            expect(part.at("pattern").at("String"), MARK);
                            expect(part.at("content"), " ");
                            yield true;
                        }
                        case "Strip" -> {
                            expect(part.at("content"), " ");
                            part.at("start").integer(0, 1);
                            part.at("stop").integer(0, 0);
                            yield true;
                        }
                        case "Metaspace", "ByteFallback", "Fuse" -> true;
                        default -> false;
                    };
            if (!known) {
                throw part.at("type")
                        .unsupported(
                                byteLevel ? "ByteLevel here" : "Replace, Strip, Metaspace, ByteFallback and Fuse here");
            }
        }

        private static void expect(JsonField field, String needed) {
            if (!field.string().equals(needed)) {
                throw field.unsupported("only \"" + needed + "\"");
            }
        }
    }
}
