package dev.lectern.text;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.weights.Metadata;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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

    /** A GGUF file holds the same vocabulary, and by the name of its pre-tokenizer what else tokenizer.json says. */
    @ParameterizedTest
    @CsvSource({
        "gpt2, gpt2, gpt-2",
        "llama3_1, gpt2, llama-bpe",
        "qwen3, gpt2, qwen2",
        "llama2, llama, ''",
        "yi, llama, ''"
    })
    void theSameVocabularyInMetadataGivesTheSameTokens(String family, String model, String pre) {
        Map<String, Object> values = PublishedTokenizers.metadata(family, model);
        if (!pre.isEmpty()) {
            values.put("tokenizer.ggml.pre", pre);
        }
        if (family.equals("yi")) {
            values.put("tokenizer.ggml.add_space_prefix", false);
        }
        new TokenizerExpectations(family).checkIds(Tokenizers.fromMetadata(new Metadata(family, values)));
    }

    /** The GGUF files of Llama 2 and Mistral list scores and no merges: the better the score, the earlier the merge. */
    @Test
    void scoresAloneGiveTheSameTokensAsMerges() {
        Map<String, Object> values = PublishedTokenizers.metadata("llama2", "llama");
        List<String> tokens = List.of((String[]) requireNonNull(values.get("tokenizer.ggml.tokens")));
        String[] merges = (String[]) requireNonNull(values.remove("tokenizer.ggml.merges"));
        Map<String, Integer> ranks = new HashMap<>();
        for (int rank = 0; rank < merges.length; rank++) {
            ranks.putIfAbsent(merges[rank].replace(" ", ""), rank);
        }
        float[] scores = new float[tokens.size()];
        for (int id = 0; id < scores.length; id++) {
            scores[id] = -ranks.getOrDefault(tokens.get(id), merges.length);
        }
        values.put("tokenizer.ggml.scores", scores);
        new TokenizerExpectations("llama2").checkIds(Tokenizers.fromMetadata(new Metadata("llama2", values)));
    }
}
