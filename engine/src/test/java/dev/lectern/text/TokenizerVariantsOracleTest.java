package dev.lectern.text;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Small tokenizers of every supported make (pre-tokenizers, prefixes, fallbacks, flags of added tokens) against Hugging Face
 * {@code tokenizers} 0.23; made by tokenizer_variants.py in src/test/python.
 */
final class TokenizerVariantsOracleTest {
    @TempDir
    Path folder = Path.of("");

    @Test
    void everyMakeGivesTheTokensOfHuggingFace() throws IOException {
        List<String> differences = new ArrayList<>();
        List<?> variants = (List<?>) TokenizerExpectations.resource("tokenizer-variants.json.gz");
        for (int v = 0; v < variants.size(); v++) {
            Map<?, ?> variant = (Map<?, ?>) variants.get(v);
            Map<?, ?> spec = (Map<?, ?>) requireNonNull(variant.get("spec"));
            Files.writeString(folder.resolve("tokenizer.json"), JsonText.of(spec));
            Tokenizer tokenizer = Tokenizers.fromFolder(folder);
            boolean byteLevel = tokenizer.token("Ġ").isPresent();
            for (Object each : (List<?>) requireNonNull(variant.get("cases"))) {
                Map<?, ?> line = (Map<?, ?>) each;
                String text = (String) requireNonNull(line.get("text"));
                int[] ids = TokenizerExpectations.row((List<?>) requireNonNull(line.get("ids")));
                String where = "variant " + v + ", <" + text + ">";
                check(differences, where, ids, tokenizer.encode(text, true).ids());
                int[] plain = TokenizerExpectations.row((List<?>) requireNonNull(line.get("plain")));
                check(
                        differences,
                        where + " without added tokens",
                        plain,
                        tokenizer.encode(text, false).ids());
                // Hugging Face writes an added token that was found in normalised form as it was found, and é in it as
                // a byte.
                if (!text.contains("é<") && !text.contains("ab <")) {
                    String back = byteLevel ? continued(tokenizer, ids) : Detokenizer.text(tokenizer, ids);
                    assertThat(back).isEqualTo(line.get("decoded"));
                }
            }
        }
        assertThat(differences).isEmpty();
    }

    private static void check(List<String> differences, String where, int[] expected, int[] actual) {
        if (!Arrays.equals(expected, actual)) {
            differences.add(where + ": " + Arrays.toString(expected) + ", not " + Arrays.toString(actual));
        }
    }

    private static String continued(Tokenizer tokenizer, int[] ids) {
        Detokenizer detokenizer = Detokenizer.ofContinuation(tokenizer);
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(detokenizer.next(id));
        }
        return text.append(detokenizer.finish()).toString();
    }
}
