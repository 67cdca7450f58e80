package dev.lectern.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * A tokenizer of merged pairs, byte-level or SentencePiece. Text goes through the stages of Hugging Face {@code tokenizers}:
 * added tokens are cut out (if asked for), what is left is normalised, split into words, and each word merged.
 */
final class BpeTokenizer implements Tokenizer {
    /** When a ▁ is put in front of a text. */
    enum Prefix {
        NEVER,
        /** In front of every stretch between added tokens. */
        ALWAYS,
        /** In front of every stretch that does not begin with a space. */
        UNLESS_PRESENT,
        /** In front of the text, unless it begins with a space. */
        FIRST
    }

    /**
     * How text becomes words.
     *
     * @param nfc whether characters are composed first
     * @param markInNormalizer when the normaliser puts a ▁ in front and writes spaces as ▁; null if it does not
     * @param markInPreTokenizer the same in the pre-tokenizer
     * @param spacePrefix whether a byte-level text that does not begin with a space gets one
     * @param splitters applied one within the pieces of another
     */
    record Words(
            boolean nfc,
            @Nullable Prefix markInNormalizer,
            @Nullable Prefix markInPreTokenizer,
            boolean spacePrefix,
            List<Splitter> splitters) {}

    /**
     * @param bos beginning of sequence, or −1
     * @param ends end of sequence and of turn
     * @param addsBos whether a prompt begins with {@code bos}
     */
    record Frame(int bos, List<Integer> ends, boolean addsBos) {}

    private final Vocabulary vocabulary;
    private final Alphabet alphabet;
    private final Merges merges;
    private final boolean wholeWords;
    private final Words words;
    private final List<Splitter> splitters;
    private final Frame frame;
    private final AddedTokenFinder rawTokens;
    private final AddedTokenFinder normalizedTokens;
    private final List<String> specialTokens;
    private final WordCache cache = new WordCache();

    /**
     * @param wholeWords whether a word that is a token is that token, whatever the merges say ({@code ignore_merges})
     * @param added with contents that are not empty
     */
    BpeTokenizer(
            Vocabulary vocabulary,
            Alphabet alphabet,
            Merges merges,
            boolean wholeWords,
            Words words,
            Frame frame,
            List<AddedToken> added) {
        this.vocabulary = vocabulary;
        this.alphabet = alphabet;
        this.merges = merges;
        this.wholeWords = wholeWords;
        this.words = words;
        boolean whole = alphabet instanceof PieceAlphabet && words.splitters().isEmpty() && !wholeWords;
        splitters = whole && merges.stayWithinWords() ? List.of(Splitter.MARKED_WORDS) : words.splitters();
        this.frame = frame;
        rawTokens = AddedTokenFinder.of(added, false, content -> content);
        normalizedTokens = AddedTokenFinder.of(
                added,
                true,
                content -> normalize(Segment.of(content, 0, content.length()), true)
                        .text());
        specialTokens = added.stream().map(AddedToken::content).toList();
    }

    @Override
    public int size() {
        return vocabulary.size();
    }

    @Override
    public Encoding encode(String text, boolean parseSpecial) {
        return new Run(wellFormed(text), parseSpecial).encode();
    }

    /** {@inheritDoc} An id beyond the vocabulary adds nothing: models have rows for more tokens than their tokenizer knows. */
    @Override
    public byte[] bytes(int token) {
        return switch (vocabulary.kind(token)) {
            case UNUSED, CONTROL -> new byte[0];
            case ADDED ->
                alphabet instanceof PieceAlphabet
                        ? alphabet.bytes(token)
                        : vocabulary.written(token).getBytes(StandardCharsets.UTF_8);
            case TEXT -> alphabet.bytes(token);
        };
    }

    @Override
    public String written(int token) {
        return vocabulary.written(token);
    }

    @Override
    public OptionalInt token(String written) {
        return vocabulary.find(written);
    }

    @Override
    public boolean isControl(int token) {
        Vocabulary.Kind kind = vocabulary.kind(token);
        return kind == Vocabulary.Kind.CONTROL || kind == Vocabulary.Kind.UNUSED;
    }

    @Override
    public List<String> specialTokens() {
        return specialTokens;
    }

    @Override
    public OptionalInt bos() {
        return frame.bos() < 0 ? OptionalInt.empty() : OptionalInt.of(frame.bos());
    }

    @Override
    public List<Integer> endTokens() {
        return frame.ends();
    }

    @Override
    public boolean addsBos() {
        return frame.addsBos();
    }

    @Override
    public boolean prefixesSpace() {
        return marksFront(words.markInNormalizer()) || marksFront(words.markInPreTokenizer()) || words.spacePrefix();
    }

    private static boolean marksFront(@Nullable Prefix prefix) {
        return prefix != null && prefix != Prefix.NEVER;
    }

    private Segment normalize(Segment segment, boolean first) {
        Segment composed = words.nfc() ? Nfc.normalize(segment) : segment;
        return words.markInNormalizer() == null ? composed : mark(composed, words.markInNormalizer(), first);
    }

    private static Segment mark(Segment segment, Prefix prefix, boolean first) {
        String text = segment.text();
        boolean present = text.startsWith(" ") || text.startsWith("▁");
        boolean front = switch (prefix) {
            case NEVER -> false;
            case ALWAYS -> true;
            case UNLESS_PRESENT -> !present;
            case FIRST -> !present && first;
        };
        return segment.withMarkedSpaces(front && !text.isEmpty());
    }

    /** The text with U+FFFD for every unpaired surrogate. */
    private static String wellFormed(String text) {
        StringBuilder repaired = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
                continue;
            }
            if (repaired == null) {
                repaired = new StringBuilder(text);
            }
            repaired.setCharAt(i, '�');
        }
        return repaired == null ? text : repaired.toString();
    }

    /** One text on its way to tokens. */
    private final class Run {
        private final String source;
        private final boolean parseSpecial;
        private final Merger merger = new Merger(merges);
        private int[] ids;
        private int[] starts;
        private int count;

        Run(String source, boolean parseSpecial) {
            this.source = source;
            this.parseSpecial = parseSpecial;
            ids = new int[16 + source.length() / 3];
            starts = new int[ids.length];
        }

        Encoding encode() {
            if (parseSpecial && !rawTokens.isEmpty()) {
                rawTokens.split(source, new AddedTokenFinder.Parts() {
                    @Override
                    public void text(int from, int to) {
                        stretch(from, to);
                    }

                    @Override
                    public void token(AddedToken token, int from) {
                        append(token.id(), from);
                    }
                });
            } else if (!source.isEmpty()) {
                stretch(0, source.length());
            }
            return new Encoding(Arrays.copyOf(ids, count), Arrays.copyOf(starts, count));
        }

        private void stretch(int from, int to) {
            Segment segment = normalize(Segment.of(source, from, to), from == 0);
            if (!parseSpecial || normalizedTokens.isEmpty()) {
                words(segment, from == 0);
                return;
            }
            normalizedTokens.split(segment.text(), new AddedTokenFinder.Parts() {
                @Override
                public void text(int start, int end) {
                    words(segment.part(start, end), from == 0 && start == 0);
                }

                @Override
                public void token(AddedToken token, int start) {
                    append(token.id(), segment.place(start));
                }
            });
        }

        private void words(Segment segment, boolean first) {
            Segment marked = segment;
            if (words.markInPreTokenizer() != null) {
                marked = mark(segment, words.markInPreTokenizer(), first);
            } else if (words.spacePrefix() && !segment.text().startsWith(" ")) {
                marked = segment.withInFront(' ');
            }
            split(marked, 0, marked.text().length(), 0);
        }

        private void split(Segment segment, int from, int to, int level) {
            if (level == splitters.size()) {
                word(segment, from, to);
                return;
            }
            Splitter splitter = splitters.get(level);
            for (int i = from; i < to; ) {
                int end = splitter.end(segment.text(), i, to);
                split(segment, i, end, level + 1);
                i = end;
            }
        }

        private void word(Segment segment, int from, int to) {
            boolean cacheable = to - from <= WordCache.LONGEST_WORD;
            WordCache.Entry known = cacheable ? cache.find(segment.text(), from, to) : null;
            if (known == null) {
                tokenize(segment.text(), from, to);
                for (int i = 0; i < merger.count(); i++) {
                    append(merger.id(i), segment.place(merger.start(i)));
                }
                if (cacheable) {
                    cache.keep(entry(segment.text().substring(from, to), from));
                }
            } else {
                for (int i = 0; i < known.ids().length; i++) {
                    append(known.ids()[i], segment.place(from + known.starts()[i]));
                }
            }
        }

        private void tokenize(String text, int from, int to) {
            merger.clear();
            int whole = wholeWords ? vocabulary.textId(alphabet.written(text, from, to)) : -1;
            if (whole >= 0) {
                merger.add(whole, from);
            } else {
                alphabet.spell(text, from, to, merger);
                merger.merge();
            }
        }

        private WordCache.Entry entry(String word, int from) {
            int[] wordIds = new int[merger.count()];
            int[] wordStarts = new int[merger.count()];
            for (int i = 0; i < wordIds.length; i++) {
                wordIds[i] = merger.id(i);
                wordStarts[i] = merger.start(i) - from;
            }
            return new WordCache.Entry(word, wordIds, wordStarts);
        }

        private void append(int id, int start) {
            if (count == ids.length) {
                int longer = Math.multiplyExact(count, 2);
                ids = Arrays.copyOf(ids, longer);
                starts = Arrays.copyOf(starts, longer);
            }
            ids[count] = id;
            starts[count] = start;
            count++;
        }
    }
}
