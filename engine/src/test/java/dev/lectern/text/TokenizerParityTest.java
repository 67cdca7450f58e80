package dev.lectern.text;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The tokenizers of published families against Hugging Face {@code tokenizers}, from their own tokenizer.json. */
final class TokenizerParityTest {
    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama2", "llama3", "llama3_1", "qwen3", "yi"})
    void tokensAreThoseOfHuggingFaceAndLawsHold(String family) {
        Tokenizer tokenizer = Tokenizers.fromFolder(PublishedTokenizers.folder(family));
        TokenizerExpectations expectations = new TokenizerExpectations(family);
        expectations.checkIds(tokenizer);
        expectations.checkAddedTokens(tokenizer);
        expectations.checkDecoding(tokenizer);
        TokenizerLaws.check(tokenizer);
        assertThat(tokenizer.endTokens()).isNotEmpty();
    }
}
