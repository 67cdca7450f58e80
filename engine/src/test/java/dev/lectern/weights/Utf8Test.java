package dev.lectern.weights;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class Utf8Test {
    @Test
    void whatIsWellFormedIsWhatJavaDecodes() {
        byte[] bytes = new byte[4];
        // Every pair, and every triple and quadruple of bytes at the borders between which the table tells classes
        // apart.
        int[] borders = {
            0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
            0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF
        };
        for (int first = 0; first < 256; first++) {
            for (int second = 0; second < 256; second++) {
                bytes[0] = (byte) first;
                bytes[1] = (byte) second;
                check(bytes, 2);
            }
            bytes[0] = (byte) first;
            for (int second : borders) {
                for (int third : borders) {
                    bytes[1] = (byte) second;
                    bytes[2] = (byte) third;
                    check(bytes, 3);
                    for (int fourth : borders) {
                        bytes[3] = (byte) fourth;
                        check(bytes, 4);
                    }
                }
            }
        }
    }

    @Test
    void onlyTheRangeIsLookedAt() {
        byte[] text = "aä世\uD83D\uDE00".getBytes(StandardCharsets.UTF_8);
        byte[] framed = new byte[text.length + 2];
        Arrays.fill(framed, (byte) 0xFF);
        System.arraycopy(text, 0, framed, 1, text.length);
        assertThat(Utf8.isWellFormed(framed, 1, 1 + text.length)).isTrue();
        assertThat(Utf8.isWellFormed(framed, 1, framed.length)).isFalse();
        assertThat(Utf8.isWellFormed(framed, 1, text.length)).isFalse();
    }

    @Test
    void randomBytesAreJudgedAsJavaJudgesThem() {
        long seed = 5;
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[random.nextInt(9)];
            random.nextBytes(bytes);
            check(bytes, bytes.length);
        }
    }

    private static void check(byte[] bytes, int length) {
        boolean decoded;
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, 0, length));
            decoded = true;
        } catch (CharacterCodingException e) {
            decoded = false;
        }
        if (Utf8.isWellFormed(bytes, 0, length) != decoded) {
            assertThat(Utf8.isWellFormed(bytes, 0, length))
                    .as(Arrays.toString(Arrays.copyOf(bytes, length)))
                    .isEqualTo(decoded);
        }
    }
}
