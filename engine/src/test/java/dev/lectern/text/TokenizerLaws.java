package dev.lectern.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.text.Normalizer;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The laws of {@link Tokenizer} that need no reference. */
final class TokenizerLaws {
    private TokenizerLaws() {}

    static void check(Tokenizer tokenizer) {
        List<String> lines = TokenizerExpectations.lines();
        for (int i = 0; i < lines.size(); i += 4) {
            bytesAddUp(tokenizer, lines.get(i));
        }
        plainTextNeverSteers(tokenizer, lines);
        for (int id = 0; id < tokenizer.size(); id++) {
            String written = tokenizer.written(id);
            if (!written.isEmpty()) {
                assertThat(tokenizer.token(written)).as(written).hasValue(id);
            }
        }
    }

    /** Law 3, and starts rise and stay within the text. */
    private static void bytesAddUp(Tokenizer tokenizer, String line) {
        Tokenizer.Encoding encoding = tokenizer.encode(line, false);
        byte[] bytes = TokenizerExpectations.bytes(tokenizer, encoding.ids());
        String text = new String(bytes, java.nio.charset.StandardCharsets.UTF_8);
        if (tokenizer.prefixesSpace() && !line.isEmpty()) {
            assertThat(text).startsWith(" ");
            text = text.substring(1);
        }
        assertThat(Normalizer.normalize(withoutUnwritable(tokenizer, text), Normalizer.Form.NFC))
                .isEqualTo(Normalizer.normalize(withoutUnwritable(tokenizer, line), Normalizer.Form.NFC));
        int[] starts = encoding.starts();
        assertThat(starts).hasSameSizeAs(encoding.ids());
        for (int k = 0; k < starts.length; k++) {
            assertThat(starts[k]).isBetween(k == 0 ? 0 : starts[k - 1], line.length() - 1);
        }
    }

    /** What SmolLM2's vocabulary has no tokens for is left out, as by Hugging Face; ▁ and a space are one to SentencePiece. */
    private static String withoutUnwritable(Tokenizer tokenizer, String text) {
        String same = text.replace('▁', ' ');
        return tokenizer.size() == 49_152
                ? same.replaceAll(
                        "[\u0004\u0006\u0013\u0014\u0016\u001d\\x{40000}-\\x{bffff}\\x{100000}-\\x{10ffff}]", "")
                : same;
    }

    /** Law 2: without {@code parseSpecial} the spelling of an added token is text like any other. */
    private static void plainTextNeverSteers(Tokenizer tokenizer, List<String> lines) {
        Set<Integer> special = new HashSet<>();
        tokenizer
                .specialTokens()
                .forEach(written -> special.add(tokenizer.token(written).orElseThrow()));
        assertThat(special).isNotEmpty();
        int line = 0;
        for (String written : tokenizer.specialTokens()) {
            for (String text : List.of(
                    written, "a" + written + written, lines.get(line++ % lines.size()) + " " + written + "\n")) {
                for (int id : tokenizer.encode(text, false).ids()) {
                    assertThat(special).as("tokens of <%s>", text).doesNotContain(id);
                    assertThat(tokenizer.isControl(id))
                            .as("tokens of <%s>", text)
                            .isFalse();
                }
            }
            int id = tokenizer.token(written).orElseThrow();
            assertThat(tokenizer.encode(written, true).ids()).containsExactly(id);
            if (tokenizer.isControl(id)) {
                assertThat(tokenizer.bytes(id)).isEmpty();
            }
        }
    }
}
