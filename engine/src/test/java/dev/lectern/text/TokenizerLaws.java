package dev.lectern.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.nio.charset.StandardCharsets;
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
            if (!isUnwritable(tokenizer, lines.get(i))) {
                bytesAddUp(tokenizer, lines.get(i));
            }
        }
        plainTextNeverSteers(tokenizer, lines);
        for (int id = 0; id < tokenizer.size(); id++) {
            String written = tokenizer.written(id);
            if (!written.isEmpty() && tokenizer.token(written).orElse(-1) != id) {
                fail("token %d is written <%s>, which is %s", id, written, tokenizer.token(written));
            }
        }
    }

    /** Whether SmolLM2's vocabulary lacks a byte of the line: such bytes are left out, as by Hugging Face. */
    private static boolean isUnwritable(Tokenizer tokenizer, String line) {
        return tokenizer.size() == 49_152
                && line.codePoints()
                        .anyMatch(c -> "\u0004\u0006\u0013\u0014\u0016\u001d".indexOf(c) >= 0
                                || (c >= 0x40000 && c < 0xC0000));
    }

    /** Law 3, and starts rise and stay within the text. */
    private static void bytesAddUp(Tokenizer tokenizer, String line) {
        Tokenizer.Encoding encoding = tokenizer.encode(line, false);
        byte[] bytes = TokenizerExpectations.bytes(tokenizer, encoding.ids());
        String text = new String(bytes, StandardCharsets.UTF_8);
        if (tokenizer.prefixesSpace() && !line.isEmpty()) {
            assertThat(text).startsWith(" ");
            text = text.substring(1);
        }
        // ▁ and a space are one to SentencePiece.
        assertThat(Normalizer.normalize(text.replace('▁', ' '), Normalizer.Form.NFC))
                .isEqualTo(Normalizer.normalize(line.replace('▁', ' '), Normalizer.Form.NFC));
        int[] starts = encoding.starts();
        assertThat(starts).hasSameSizeAs(encoding.ids());
        for (int k = 0; k < starts.length; k++) {
            if (starts[k] < (k == 0 ? 0 : starts[k - 1]) || starts[k] >= line.length()) {
                fail("token %d of <%s> starts at %d", k, line, starts[k]);
            }
        }
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
