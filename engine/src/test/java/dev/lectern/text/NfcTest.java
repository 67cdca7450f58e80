package dev.lectern.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.text.Normalizer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class NfcTest {
    @ParameterizedTest
    @CsvSource({
        "e\u0301x, \u00E9x, '0 2'",
        "a\u0323\u0302b, \u1EADb, '0 3'",
        "q\u0307\u0323, q\u0323\u0307, '0 1 2'",
        "\u0958k, \u0915\u093Ck, '0 0 1'",
        "x\u1112\u1161\u11ABy, x\uD55Cy, '0 1 4'",
        "\uAC00\u11A8, \uAC01, '0'",
        "\uD834\uDD5Ez, \uD834\uDD57\uD834\uDD65z, '0 0 0 0 2'",
        "\u2126\u0345, \u1FFC, '0'",
        "\u1FB3e\u0301, \u1FB3\u00E9, '0 1'"
    })
    void everyCharacterKnowsWhereItCameFrom(String text, String composed, String places) {
        Segment segment = Nfc.normalize(Segment.of("!" + text, 1, text.length() + 1));
        assertThat(segment.text()).isEqualTo(composed);
        List<String> expected = List.of(places.split(" "));
        for (int i = 0; i < expected.size(); i++) {
            assertThat(segment.place(i)).as("%d", i).isEqualTo(1 + Integer.parseInt(expected.get(i)));
        }
    }

    @Test
    void theComposedTextIsThatOfTheJdkButForLaterCharacters() {
        int checked = 0;
        for (String line : TokenizerExpectations.lines()) {
            for (Normalizer.Form form : List.of(Normalizer.Form.NFC, Normalizer.Form.NFD)) {
                String text = Normalizer.normalize(line, form);
                if (text.codePoints()
                        .allMatch(c -> c < 0x10000 && (c < 0x1ABF || c > 0x1ACE) && (c < 0x897 || c > 0x8D3))) {
                    String composed =
                            Nfc.normalize(Segment.of(text, 0, text.length())).text();
                    assertThat(composed).isEqualTo(Normalizer.normalize(text, Normalizer.Form.NFC));
                    checked++;
                }
            }
        }
        assertThat(checked).isGreaterThan(30_000);
    }

    @Test
    void marksOfLaterUnicodeVersionsStayAsTheyStand() {
        // U+1AC8 has a combining class since Unicode 14: a newer implementation moves it behind the cedilla.
        for (String text : List.of("a\u1AC8\u0327", "\uD801\uDDD2\u0307")) {
            assertThat(Nfc.normalize(Segment.of(text, 0, text.length())).text()).isEqualTo(text);
        }
    }

    @Test
    void aClusterThatNoLanguageWritesIsComposedInParts() {
        String text = "a" + "\u0301\u0323".repeat(50_000);
        String composed = Nfc.normalize(Segment.of(text, 0, text.length())).text();
        assertThat(composed).hasSize(text.length() - 1).startsWith("\u1EA1\u0323");
    }
}
