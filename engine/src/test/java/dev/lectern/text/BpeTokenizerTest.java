package dev.lectern.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class BpeTokenizerTest {
    /** A step of n² would take hours here, one of n log n a second; the rest is for slow machines. */
    private static final Duration PLENTY = Duration.ofSeconds(40);

    private final Tokenizer gpt2 = TinyTokenizers.of(TinyTokenizers.byteLevel("gpt-2"));
    private final Tokenizer pieces = TinyTokenizers.of(TinyTokenizers.sentencePiece());

    @Test
    void pairsLearntFirstAreMergedFirst() {
        assertThat(written(gpt2, "see the line")).containsExactly("s", "e", "e", "Ġthe", "Ġ", "l", "in", "e");
        assertThat(written(gpt2, "aaaaa")).containsExactly("aaaa", "a");
        assertThat(written(pieces, "the rinse")).containsExactly("▁the", "▁", "r", "in", "s", "e");
    }

    @Test
    void preTokenizersDifferInNumbers() {
        assertThat(written(gpt2, "x 1212")).containsExactly("x", "Ġ", "12", "12");
        assertThat(written(tiny("smollm"), "x 12")).containsExactly("x", "Ġ", "1", "2");
        assertThat(written(tiny("qwen2"), "x 12")).containsExactly("x", "Ġ", "1", "2");
        assertThat(written(tiny("llama-bpe"), "1212")).containsExactly("12", "1", "2");
    }

    @Test
    void onlyWhenAskedIsASpellingAControlToken() {
        String text = "a<|im_end|>\n<tool_call>";
        assertThat(written(gpt2, text)).doesNotContain("<|im_end|>", "<tool_call>");
        assertThat(Arrays.stream(gpt2.encode(text, true).ids()).mapToObj(gpt2::written))
                .containsExactly("a", "<|im_end|>", "Ċ", "<tool_call>");
        assertThat(gpt2.encode(text, true).starts()).containsExactly(0, 1, 11, 12);
    }

    @Test
    void startsAreUtf16IndicesOfTheCharacters() {
        assertThat(gpt2.encode("é😀the", false).starts()).containsExactly(0, 1, 1, 1, 1, 3, 4);
        // The ▁ in front comes from nowhere and counts as the first character.
        assertThat(pieces.encode("the 日s", false).starts()).containsExactly(0, 3, 4, 4, 4, 5);
    }

    @Test
    void startsPointIntoTheTextBeforeComposition() {
        // e + acute, composed; then q + acute, which does not compose.
        Tokenizer.Encoding encoding = tiny("qwen2").encode("ne\u0301 q\u0301!", false);
        assertThat(encoding.starts()).containsExactly(0, 1, 3, 4, 5, 5, 6);
    }

    @Test
    void anUnpairedSurrogateCountsAsReplacementCharacter() {
        for (Tokenizer tokenizer : List.of(gpt2, pieces, tiny("qwen2"))) {
            for (String lone : List.of("\uD83D", "\uDE00", "a\uD83Db", "\uDE00\uD83D", "\uD83D\uD83D\uDE00")) {
                Tokenizer.Encoding encoding = tokenizer.encode(lone, false);
                assertThat(Detokenizer.text(tokenizer, encoding.ids())).isEqualTo(repair(lone));
                assertThat(encoding.ids())
                        .isEqualTo(tokenizer.encode(repair(lone), false).ids());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt-2", "smollm", "qwen2", "llama-bpe", "sentencepiece"})
    void aMillionCharactersOfAnyKindTakeNoSquareOfTime(String make) {
        Tokenizer tokenizer = make.equals("sentencepiece") ? pieces : tiny(make);
        Random random = new Random(5);
        StringBuilder word = new StringBuilder();
        for (int i = 0; i < 1_000_000; i++) {
            word.append("thealin".charAt(random.nextInt(7)));
        }
        String spaces = " ".repeat(500_000);
        List<String> texts = List.of(
                word.toString(),
                "a".repeat(1_000_000),
                spaces + "\n" + spaces,
                "'".repeat(1_000_000),
                "<|im_".repeat(200_000),
                "\u0301\u0323".repeat(300_000),
                "1".repeat(1_000_000));
        for (String text : texts) {
            int count = assertTimeoutPreemptively(
                    PLENTY, () -> tokenizer.encode(text, true).ids().length);
            assertThat(count).isBetween(1, 2 * text.length() + 1);
        }
    }

    @Test
    void severalThreadsGetTheSame() throws Exception {
        String text = String.join("\n", TokenizerExpectations.lines().subList(0, 5000));
        int[] alone = tiny("qwen2").encode(text, true).ids();
        Tokenizer shared = tiny("qwen2");
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Future<int[]>> results = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                results.add(threads.submit(() -> shared.encode(text, true).ids()));
            }
            for (Future<int[]> result : results) {
                assertThat(result.get()).isEqualTo(alone);
            }
        }
    }

    @Test
    void endTokensAreThoseNamedAndThoseOfEveryFamily() {
        assertThat(gpt2.endTokens().stream().map(gpt2::written)).containsExactly("<|im_end|>", "<|endoftext|>");
        assertThat(gpt2.bos()).hasValue(gpt2.token("<|im_start|>").orElseThrow());
        assertThat(gpt2.addsBos()).isFalse();
        assertThat(pieces.endTokens()).containsExactly(2);
        assertThat(pieces.addsBos()).isTrue();
    }

    private static Tokenizer tiny(String pre) {
        Map<String, Object> values = TinyTokenizers.byteLevel(pre);
        return TinyTokenizers.of(values);
    }

    private static List<String> written(Tokenizer tokenizer, String text) {
        return Arrays.stream(tokenizer.encode(text, false).ids())
                .mapToObj(tokenizer::written)
                .toList();
    }

    private static String repair(String text) {
        StringBuilder out = new StringBuilder();
        text.codePoints().forEach(c -> out.appendCodePoint(c >= 0xD800 && c <= 0xDFFF ? 0xFFFD : c));
        return out.toString();
    }
}
