package dev.lectern.text;

import static dev.lectern.text.CharacterClass.LETTER;
import static dev.lectern.text.CharacterClass.NUMBER;
import static dev.lectern.text.CharacterClass.OTHER;
import static dev.lectern.text.CharacterClass.SPACE;

import java.util.Optional;

/**
 * Cuts a text into the pieces within which tokens are merged. Every pattern that the supported families use matches at
 * every place of every text, so a piece ends where the next one begins. They are written out by hand: linear in the length
 * of the text whatever it holds, which a backtracking matcher does not promise.
 */
enum Splitter {
    /** The pattern of GPT-2, which the pre-tokenizer {@code ByteLevel} applies. */
    GPT2("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+") {
        @Override
        int end(String text, int from, int to) {
            int contraction = contraction(text, from, to, false);
            if (contraction > from) {
                return contraction;
            }
            int first = text.codePointAt(from);
            int start = first == ' ' && from + 1 < to ? from + 1 : from;
            int kind = CharacterClass.of(text.codePointAt(start));
            return kind == SPACE ? spacesEnd(text, from, to) : runEnd(text, start, to, kind, Integer.MAX_VALUE);
        }
    },

    /** The pattern of Llama 3: numbers in groups of three, line breaks stay with what they follow. */
    LLAMA3(
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+"
                    + "|\\s+(?!\\S)|\\s+") {
        @Override
        int end(String text, int from, int to) {
            return linewiseEnd(text, from, to, 3);
        }
    },

    /** The pattern of Qwen2: as Llama 3, with numbers digit by digit. */
    QWEN2(
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+"
                    + "|\\s+(?!\\S)|\\s+") {
        @Override
        int end(String text, int from, int to) {
            return linewiseEnd(text, from, to, 1);
        }
    },

    /** Every digit a piece, everything between two digits a piece. */
    EACH_DIGIT("") {
        @Override
        int end(String text, int from, int to) {
            int first = text.codePointAt(from);
            return CharacterClass.isDigit(first) ? from + Character.charCount(first) : digitsEnd(text, from, to, false);
        }
    },

    /** Every run of digits a piece, everything between two runs a piece. */
    DIGIT_RUNS("") {
        @Override
        int end(String text, int from, int to) {
            return digitsEnd(text, from, to, CharacterClass.isDigit(text.codePointAt(from)));
        }
    },

    /** SentencePiece's words: every ▁ begins one. */
    METASPACE("") {
        @Override
        int end(String text, int from, int to) {
            int next = text.indexOf('▁', from + 1, to);
            return next < 0 ? to : next;
        }
    },

    /** A run of ▁ and what follows it: nothing merges from one such piece into the next, see {@link Merges#stayWithinWords}. */
    MARKED_WORDS("") {
        @Override
        int end(String text, int from, int to) {
            int word = from;
            while (word < to && text.charAt(word) == '▁') {
                word++;
            }
            int next = text.indexOf('▁', word, to);
            return next < 0 ? to : next;
        }
    };

    private final String pattern;

    Splitter(String pattern) {
        this.pattern = pattern;
    }

    /** The splitter of a pattern, which has to be written exactly as the families write it. */
    static Optional<Splitter> ofPattern(String pattern) {
        for (Splitter splitter : values()) {
            if (!pattern.isEmpty() && splitter.pattern.equals(pattern)) {
                return Optional.of(splitter);
            }
        }
        return Optional.empty();
    }

    /**
     * Where the piece that begins at {@code from} ends.
     *
     * @param text without unpaired surrogates
     * @param from the beginning of a character before {@code to}
     * @param to where the text ends for this purpose
     */
    abstract int end(String text, int from, int to);

    private static int linewiseEnd(String text, int from, int to, int digits) {
        int contraction = contraction(text, from, to, true);
        if (contraction > from) {
            return contraction;
        }
        int first = text.codePointAt(from);
        int kind = CharacterClass.of(first);
        int second = from + Character.charCount(first);
        if (kind == LETTER) {
            return runEnd(text, from, to, LETTER, Integer.MAX_VALUE);
        }
        if (kind == NUMBER) {
            return runEnd(text, from, to, NUMBER, digits);
        }
        int secondKind = second < to ? CharacterClass.of(text.codePointAt(second)) : SPACE;
        if (secondKind == LETTER && first != '\r' && first != '\n') {
            return runEnd(text, second, to, LETTER, Integer.MAX_VALUE);
        }
        if (kind == OTHER || (first == ' ' && secondKind == OTHER)) {
            int end = runEnd(text, kind == OTHER ? from : second, to, OTHER, Integer.MAX_VALUE);
            while (end < to && isLineBreak(text.charAt(end))) {
                end++;
            }
            return end;
        }
        int end = runEnd(text, from, to, SPACE, Integer.MAX_VALUE);
        for (int i = end; i > from; i--) {
            if (isLineBreak(text.charAt(i - 1))) {
                return i;
            }
        }
        return spacesEnd(text, from, to);
    }

    /** {@code \s+(?!\S)|\s+}: a run of spaces leaves its last one to what follows. No white space needs a surrogate pair. */
    private static int spacesEnd(String text, int from, int to) {
        int end = runEnd(text, from, to, SPACE, Integer.MAX_VALUE);
        return end < to && end - from > 1 ? end - 1 : end;
    }

    private static int runEnd(String text, int from, int to, int kind, int most) {
        int end = from;
        for (int count = 0; end < to && count < most; count++) {
            int c = text.codePointAt(end);
            if (CharacterClass.of(c) != kind) {
                break;
            }
            end += Character.charCount(c);
        }
        return end;
    }

    private static int digitsEnd(String text, int from, int to, boolean digits) {
        int end = from;
        while (end < to) {
            int c = text.codePointAt(end);
            if (CharacterClass.isDigit(c) != digits) {
                break;
            }
            end += Character.charCount(c);
        }
        return end;
    }

    private static boolean isLineBreak(char c) {
        return c == '\n' || c == '\r';
    }

    /** The end of {@code 's}, {@code 't}, {@code 're}, {@code 've}, {@code 'm}, {@code 'll} or {@code 'd}, else {@code from}. */
    private static int contraction(String text, int from, int to, boolean anyCase) {
        if (text.charAt(from) != '\'' || to - from < 2) {
            return from;
        }
        char first = fold(text.charAt(from + 1), anyCase);
        if (first == 's' || first == 't' || first == 'm' || first == 'd') {
            return from + 2;
        }
        char second = to - from > 2 ? fold(text.charAt(from + 2), anyCase) : 0;
        boolean two = (second == 'e' && (first == 'r' || first == 'v')) || (second == 'l' && first == 'l');
        return two ? from + 3 : from;
    }

    /** Case folding as far as contractions go: ſ (U+017F) is an s. */
    private static char fold(char c, boolean anyCase) {
        if (!anyCase) {
            return c;
        }
        return c == 'ſ' ? 's' : c >= 'A' && c <= 'Z' ? (char) (c + 32) : c;
    }
}
