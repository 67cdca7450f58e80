package dev.lectern.text;

/**
 * The character classes of the pre-tokenizers' patterns, as Oniguruma and Rust's standard library define them (Unicode
 * 16, which is also that of Java 25; verified code point by code point).
 */
final class CharacterClass {
    static final int OTHER = 0;
    /** {@code \p{L}} */
    static final int LETTER = 1;
    /** {@code \p{N}} */
    static final int NUMBER = 2;
    /** {@code \s}: the property White_Space. */
    static final int SPACE = 3;

    private static final byte[] BASIC_PLANE = basicPlane();

    private CharacterClass() {}

    static int of(int codePoint) {
        return codePoint < BASIC_PLANE.length ? BASIC_PLANE[codePoint] : classify(codePoint);
    }

    static boolean isSpace(int codePoint) {
        return of(codePoint) == SPACE;
    }

    /**
     * What the pre-tokenizer {@code Digits} splits at, Rust's {@code char::is_numeric}: {@link #NUMBER} and the numbers that
     * Unicode 17 added.
     */
    static boolean isDigit(int codePoint) {
        return of(codePoint) == NUMBER
                || (codePoint >= 0x11DE0 && codePoint <= 0x11DE9)
                || (codePoint >= 0x16FF4 && codePoint <= 0x16FF6);
    }

    /** {@code \w}: what {@code single_word} of an added token looks for on both sides. */
    static boolean isWord(int codePoint) {
        return Character.isAlphabetic(codePoint)
                || switch (Character.getType(codePoint)) {
                    case Character.NON_SPACING_MARK,
                            Character.ENCLOSING_MARK,
                            Character.COMBINING_SPACING_MARK,
                            Character.DECIMAL_DIGIT_NUMBER,
                            Character.CONNECTOR_PUNCTUATION -> true;
                    default -> codePoint == 0x200C || codePoint == 0x200D;
                };
    }

    private static byte[] basicPlane() {
        byte[] classes = new byte[0x10000];
        for (int c = 0; c < classes.length; c++) {
            classes[c] = (byte) classify(c);
        }
        return classes;
    }

    private static int classify(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.UPPERCASE_LETTER,
                    Character.LOWERCASE_LETTER,
                    Character.TITLECASE_LETTER,
                    Character.MODIFIER_LETTER,
                    Character.OTHER_LETTER -> LETTER;
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> NUMBER;
            case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> SPACE;
            default -> (codePoint >= '\t' && codePoint <= '\r') || codePoint == 0x85 ? SPACE : OTHER;
        };
    }
}
