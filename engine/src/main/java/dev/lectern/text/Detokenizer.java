package dev.lectern.text;

/**
 * Tokens back to text, one by one, as they are generated. Bytes that are only the beginning of a character are kept until
 * the rest arrives, so what comes out never splits one. Bytes that are not UTF-8 become U+FFFD, one for every longest
 * beginning of a character among them (the practice of the Unicode Standard, section 3.9, and of Python's
 * {@code errors="replace"}). Belongs to one stream of tokens.
 */
public final class Detokenizer {
    private final Tokenizer tokenizer;
    private final StringBuilder out = new StringBuilder();
    private boolean dropsSpace;

    // A character on its way: its bits so far, how many bytes are to come, and the range that the next one must be in.
    private int codePoint;
    private int missing;
    private int lower = 0x80;
    private int upper = 0xBF;

    private Detokenizer(Tokenizer tokenizer, boolean dropsSpace) {
        this.tokenizer = tokenizer;
        this.dropsSpace = dropsSpace;
    }

    /** For tokens that continue a text, such as an answer: all of their text comes out. */
    public static Detokenizer ofContinuation(Tokenizer tokenizer) {
        return new Detokenizer(tokenizer, false);
    }

    /** For the tokens of a whole text: the space that the tokenizer puts in front of every text is taken off again. */
    public static Detokenizer ofWholeText(Tokenizer tokenizer) {
        return new Detokenizer(tokenizer, tokenizer.prefixesSpace());
    }

    /** The whole text of some tokens. */
    public static String text(Tokenizer tokenizer, int... tokens) {
        Detokenizer detokenizer = ofWholeText(tokenizer);
        StringBuilder text = new StringBuilder();
        for (int token : tokens) {
            text.append(detokenizer.next(token));
        }
        return text.append(detokenizer.finish()).toString();
    }

    /** The text that became complete with this token; empty while a character is unfinished, and for control tokens. */
    public String next(int token) {
        for (byte b : tokenizer.bytes(token)) {
            accept(b & 0xFF);
        }
        return taken();
    }

    /** What is left at the end: U+FFFD if a character stayed unfinished. */
    public String finish() {
        if (missing > 0) {
            missing = 0;
            emit(0xFFFD);
        }
        return taken();
    }

    private String taken() {
        String text = out.toString();
        out.setLength(0);
        return text;
    }

    private void accept(int b) {
        if (missing > 0) {
            if (b >= lower && b <= upper) {
                lower = 0x80;
                upper = 0xBF;
                codePoint = codePoint << 6 | b & 0x3F;
                if (--missing == 0) {
                    emit(codePoint);
                }
                return;
            }
            missing = 0;
            emit(0xFFFD);
        }
        begin(b);
    }

    private void begin(int b) {
        lower = 0x80;
        upper = 0xBF;
        if (b < 0x80) {
            emit(b);
        } else if (b >= 0xC2 && b <= 0xDF) {
            expect(1, b & 0x1F);
        } else if (b >= 0xE0 && b <= 0xEF) {
            lower = b == 0xE0 ? 0xA0 : 0x80; // shorter forms exist
            upper = b == 0xED ? 0x9F : 0xBF; // surrogates
            expect(2, b & 0x0F);
        } else if (b >= 0xF0 && b <= 0xF4) {
            lower = b == 0xF0 ? 0x90 : 0x80;
            upper = b == 0xF4 ? 0x8F : 0xBF; // beyond U+10FFFF
            expect(3, b & 0x07);
        } else {
            emit(0xFFFD);
        }
    }

    private void expect(int bytes, int bits) {
        missing = bytes;
        codePoint = bits;
    }

    private void emit(int character) {
        if (!dropsSpace || character != ' ') {
            out.appendCodePoint(character);
        }
        dropsSpace = false;
    }
}
