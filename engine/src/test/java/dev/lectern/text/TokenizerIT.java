package dev.lectern.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.TestModels;
import dev.lectern.weights.ModelFile;
import dev.lectern.weights.ModelFiles;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The tokenizers in the two catalogue models' GGUF files against Hugging Face {@code tokenizers}. */
final class TokenizerIT {
    @Test
    void smollm2TokensAreThoseOfHuggingFace() {
        Tokenizer tokenizer = open(TestModels.smollm2());
        check(tokenizer, "smollm2");
        assertThat(tokenizer.endTokens()).isEqualTo(List.of(2, 0));
        assertThat(tokenizer.addsBos()).isFalse();
    }

    @Test
    void qwenTokensAreThoseOfHuggingFace() {
        Tokenizer tokenizer = open(TestModels.qwen());
        check(tokenizer, "qwen2.5-coder");
        assertThat(tokenizer.endTokens()).isEqualTo(List.of(151645, 151643));
        assertThat(tokenizer.addsBos()).isFalse();
    }

    private static Tokenizer open(Path file) {
        try (ModelFile model = ModelFiles.open(file)) {
            return Tokenizers.fromMetadata(model.metadata());
        }
    }

    private static void check(Tokenizer tokenizer, String name) {
        TokenizerExpectations expectations = new TokenizerExpectations(name);
        expectations.checkIds(tokenizer);
        expectations.checkAddedTokens(tokenizer);
        expectations.checkDecoding(tokenizer);
        TokenizerLaws.check(tokenizer);
    }
}
