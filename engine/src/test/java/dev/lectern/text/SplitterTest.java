package dev.lectern.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class SplitterTest {
    private static final String GPT2 =
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    private static final String LLAMA3 =
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    @ParameterizedTest
    @EnumSource(names = {"GPT2", "LLAMA3", "QWEN2"})
    void handWrittenSplittersFollowTheirPattern(Splitter splitter) {
        String regex =
                splitter == Splitter.GPT2 ? GPT2 : splitter == Splitter.LLAMA3 ? LLAMA3 : LLAMA3.replace("{1,3}", "");
        assertThat(Splitter.ofPattern(regex)).hasValue(splitter);
        // \s as the property White_Space, and ſ as a case of s, without making \p{L} anything else.
        Pattern pattern = Pattern.compile(
                regex.replace("\\s\\p", "\\p{IsWhite_Space}\\p")
                        .replace("\\s", "\\p{IsWhite_Space}")
                        .replace("\\S", "\\P{IsWhite_Space}"),
                Pattern.UNICODE_CASE);
        for (String line : TokenizerExpectations.lines()) {
            List<String> expected = new ArrayList<>();
            Matcher matcher = pattern.matcher(line);
            while (matcher.find()) {
                expected.add(matcher.group());
            }
            if (!pieces(splitter, line).equals(expected)) {
                assertThat(pieces(splitter, line)).isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "EACH_DIGIT, a12 ３b, a|1|2| |３|b",
        "DIGIT_RUNS, a12 ３4b, a|12| |３4|b",
        "METASPACE, ▁▁ab▁c, ▁|▁ab|▁c",
        "MARKED_WORDS, a▁▁ab▁c▁, a|▁▁ab|▁c|▁",
        "GPT2, it'S   we'll, it|'|S|  | we|'ll",
        "LLAMA3, it'S   we'll1234, it|'S|  | we|'ll|123|4",
    })
    void piecesAre(Splitter splitter, String text, String pieces) {
        assertThat(String.join("|", pieces(splitter, text))).isEqualTo(pieces);
    }

    private static List<String> pieces(Splitter splitter, String text) {
        List<String> pieces = new ArrayList<>();
        for (int i = 0; i < text.length(); ) {
            int end = splitter.end(text, i, text.length());
            pieces.add(text.substring(i, end));
            i = end;
        }
        return pieces;
    }
}
