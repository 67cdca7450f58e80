package dev.lectern.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class DetokenizerTest {
    private static final String TEXT = "né 日本 😀 क़ \u0000 \u07FF\u0800\uFFFF\uD800\uDC00\uDBFF\uDFFF.";

    private final Tokenizer bytes = TinyTokenizers.of(TinyTokenizers.byteLevel("gpt-2"));

    @Test
    void aCharacterComesOutWholeWithItsLastByte() {
        Detokenizer detokenizer = Detokenizer.ofContinuation(bytes);
        for (int i = 0; i < TEXT.length(); ) {
            int c = TEXT.codePointAt(i);
            byte[] utf8 = Character.toString(c).getBytes(StandardCharsets.UTF_8);
            for (int k = 0; k < utf8.length; k++) {
                String expected = k == utf8.length - 1 ? Character.toString(c) : "";
                assertThat(detokenizer.next(tokenOf(utf8[k]))).isEqualTo(expected);
            }
            i += Character.charCount(c);
        }
        assertThat(detokenizer.finish()).isEmpty();
    }

    /** Expected: {@code bytes.fromhex(…).decode("utf-8", errors="replace")} of Python 3.11, with ? for U+FFFD. */
    @ParameterizedTest
    @CsvSource({
        "41ff42, A?B",
        "c0af, ??",
        "e08080, ???",
        "eda080, ???",
        "edbfbf, ???",
        "f0808080, ????",
        "f4908080, ????",
        "f5808080, ????",
        "e697, ?",
        "e69741, ?A",
        "f09f98, ?",
        "f09f9841, ?A",
        "f09f98f09f9880, ?😀",
        "f09f98c3a9, ?é",
        "c3c3a9, ?é",
        "80bf, ??",
        "e0a0, ?",
        "e0a041e0, ?A?",
        "f48fbfbf, \uDBFF\uDFFF",
        "efbfbd, ?"
    })
    void invalidBytesBecomeReplacementCharactersAsInPython(String hex, String expected) {
        StringBuilder text = new StringBuilder();
        Detokenizer detokenizer = Detokenizer.ofContinuation(bytes);
        for (byte b : HexFormat.of().parseHex(hex)) {
            text.append(detokenizer.next(tokenOf(b)));
        }
        assertThat(text.append(detokenizer.finish())).hasToString(expected.replace('?', '�'));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void randomBytesNeverGiveHalfACharacter(long seed) {
        Random random = new Random(seed);
        Detokenizer detokenizer = Detokenizer.ofContinuation(bytes);
        byte[] valid = TEXT.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < 20_000; i++) {
            byte b = random.nextBoolean() ? valid[random.nextInt(valid.length)] : (byte) random.nextInt(256);
            String piece = detokenizer.next(tokenOf(b));
            assertThat(new String(piece.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8))
                    .as("seed %d", seed)
                    .isEqualTo(piece);
            assertThat(piece.codePointCount(0, piece.length())).isLessThanOrEqualTo(2);
        }
    }

    @Test
    void finishReportsAnUnfinishedCharacterOnce() {
        Detokenizer detokenizer = Detokenizer.ofContinuation(bytes);
        assertThat(detokenizer.next(tokenOf((byte) 0xE6))).isEmpty();
        assertThat(detokenizer.finish()).isEqualTo("�");
        assertThat(detokenizer.finish()).isEmpty();
        assertThat(detokenizer.next(tokenOf((byte) 'a'))).isEqualTo("a");
    }

    @Test
    void controlTokensAddNothingEvenWithinACharacter() {
        int control = bytes.token("<|im_end|>").orElseThrow();
        Detokenizer detokenizer = Detokenizer.ofContinuation(bytes);
        assertThat(detokenizer.next(tokenOf((byte) 0xC3))).isEmpty();
        assertThat(detokenizer.next(control)).isEmpty();
        assertThat(detokenizer.next(tokenOf((byte) 0xA9))).isEqualTo("é");
        assertThat(detokenizer.next(bytes.token("<tool_call>").orElseThrow())).isEqualTo("<tool_call>");
        assertThat(detokenizer.next(1_000_000)).isEmpty();
    }

    @Test
    void aWholeTextLosesTheSpaceInFrontAndAContinuationKeepsIt() {
        Tokenizer pieces = TinyTokenizers.of(TinyTokenizers.sentencePiece());
        int[] ids = pieces.encode("the  thing", false).ids();
        assertThat(Detokenizer.text(pieces, ids)).isEqualTo("the  thing");
        assertThat(Detokenizer.ofContinuation(pieces).next(ids[0])).isEqualTo(" the");
        assertThat(Detokenizer.text(bytes, bytes.encode(" the", false).ids())).isEqualTo(" the");
    }

    private int tokenOf(byte b) {
        for (int id = 0; id < 256; id++) {
            byte[] found = bytes.bytes(id);
            if (found.length == 1 && found[0] == b) {
                return id;
            }
        }
        throw new AssertionError("no token for byte " + b);
    }
}
