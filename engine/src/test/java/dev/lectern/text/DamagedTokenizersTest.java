package dev.lectern.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.lectern.BadModelFileException;
import dev.lectern.LecternException;
import dev.lectern.weights.Metadata;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damaged and lying tokenizers: each is refused with a sentence, or works within its bounds. */
final class DamagedTokenizersTest {
    private static final long SEED = 20261124;
    private static final String SAMPLE = "The cab <x> ab's 12\n\n日本 é😀 a<s>b <|im_end|> <z>\u0301";
    private static final Duration PLENTY = Duration.ofMinutes(3);

    @TempDir
    Path folder = Path.of("");

    @Test
    void tokenizerJsonWithDamagedValuesNeverCrashesTheReader() {
        List<?> variants = (List<?>) TokenizerExpectations.resource("tokenizer-variants.json.gz");
        assertTimeoutPreemptively(PLENTY, () -> {
            int built = 0;
            for (int i = 0; i < 12_000; i++) {
                Random random = new Random(SEED + i);
                Map<?, ?> variant = (Map<?, ?>) variants.get(random.nextInt(variants.size()));
                Object damaged = Damage.of(variant.get("spec"), random, 1 + random.nextInt(3));
                JsonField whole = new JsonField("tokenizer.json", "", damaged);
                built += survives(
                        SEED + i,
                        () -> new TokenizerJsonReader(whole)
                                .read((vocabulary, template) ->
                                        new BpeTokenizer.Frame(template.bos(), List.of(), false)));
            }
            assertThat(built).isBetween(1000, 11_000); // the damage must neither be harmless nor always fatal
        });
    }

    @Test
    void metadataWithDamagedValuesNeverCrashesTheReader() {
        List<Map<String, Object>> whole = List.of(
                TinyTokenizers.byteLevel("smollm"), TinyTokenizers.byteLevel("qwen2"), TinyTokenizers.sentencePiece());
        assertTimeoutPreemptively(PLENTY, () -> {
            int built = 0;
            for (int i = 0; i < 12_000; i++) {
                Random random = new Random(SEED + i);
                Map<String, Object> damaged = Damage.ofMetadata(whole.get(random.nextInt(whole.size())), random);
                built += survives(SEED + i, () -> Tokenizers.fromMetadata(new Metadata("damaged.gguf", damaged)));
            }
            assertThat(built).isBetween(1000, 11_000);
        });
    }

    @Test
    void damagedFilesOfAFolderNeverCrashTheReader() throws IOException {
        List<?> variants = (List<?>) TokenizerExpectations.resource("tokenizer-variants.json.gz");
        String spec = JsonText.of(((Map<?, ?>) variants.getLast()).get("spec"));
        Map<String, String> files = Map.of(
                "tokenizer.json", spec,
                "tokenizer_config.json",
                        "{\"bos_token\":{\"content\":\"<s>\"},\"eos_token\":\"</s>\",\"add_bos_token\":true}",
                "generation_config.json", "{\"eos_token_id\":[2,5],\"bos_token_id\":1}",
                "config.json", "{\"eos_token_id\":2,\"bos_token_id\":1}");
        for (int i = 0; i < 600; i++) {
            Random random = new Random(SEED + i);
            for (Map.Entry<String, String> file : files.entrySet()) {
                byte[] bytes = file.getValue().getBytes(StandardCharsets.UTF_8);
                boolean damaged = random.nextInt(3) == 0;
                if (damaged || i == 0) {
                    Files.write(folder.resolve(file.getKey()), damaged ? Damage.ofBytes(bytes, random) : bytes);
                }
            }
            survives(SEED + i, () -> Tokenizers.fromFolder(folder));
        }
    }

    @Test
    void liesAreToldByFileAndField() {
        assertThat(refusal(Map.of("tokenizer.ggml.scores", new float[3]), true))
                .contains("tiny.gguf", "tokenizer.ggml.scores", "3 entries");
        assertThat(refusal(Map.of("tokenizer.ggml.merges", new String[] {"h e", "h zz"}), false))
                .contains("tiny.gguf", "tokenizer.ggml.merges", "\"zz\"", "at 1");
        assertThat(refusal(
                        Map.of(
                                "tokenizer.ggml.tokens",
                                new String[] {"a", "b", "a"},
                                "tokenizer.ggml.token_type",
                                new long[3]),
                        false))
                .contains("tokenizer.ggml.tokens", "\"a\" twice");
        assertThat(refusal(Map.of("tokenizer.ggml.eos_token_id", 1L << 40), false))
                .contains("eos_token_id", "outside");
        assertThat(refusal(Map.of("tokenizer.ggml.pre", "tekken"), false)).contains("tokenizer.ggml.pre", "tekken");
        assertThat(refusal(Map.of("tokenizer.ggml.model", "bert"), false)).contains("tokenizer.ggml.model", "bert");
    }

    @Test
    void anIdFarBeyondTheNumberOfTokensIsRefusedBeforeAnythingIsAllocated() throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), """
                {"model":{"type":"BPE","vocab":{"a":0,"b":2147483646},"merges":[]},
                 "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"decoder":{"type":"ByteLevel"}}""");
        assertThat(refusal(() -> Tokenizers.fromFolder(folder)))
                .contains("tokenizer.json", "model.vocab", "2147483646");
    }

    @Test
    void partsThatLecternDoesNotHaveAreNamed() throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), """
                {"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"normalizer":{"type":"Lowercase"},
                 "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"decoder":{"type":"ByteLevel"}}""");
        assertThat(refusal(() -> Tokenizers.fromFolder(folder)))
                .contains("tokenizer.json", "normalizer.type", "Lowercase");
    }

    @Test
    void aSequenceOfAnyLengthIsRefusedBeforeItIsFollowed() throws IOException {
        String digits = "{\"type\":\"Digits\",\"individual_digits\":true},";
        Files.writeString(folder.resolve("tokenizer.json"), """
                {"model":{"type":"BPE","vocab":{"a":0},"merges":[]},
                 "pre_tokenizer":{"type":"Sequence","pretokenizers":[%s{"type":"ByteLevel","add_prefix_space":false}]},
                 "decoder":{"type":"ByteLevel"}}""".formatted(digits.repeat(100_000)));
        assertThat(refusal(() -> Tokenizers.fromFolder(folder))).contains("pre_tokenizer", "100001 times");
    }

    @Test
    void aFolderWithoutTokenizerSaysWhatWouldHelp() {
        assertThat(refusal(() -> Tokenizers.fromFolder(folder))).contains("no tokenizer.json", "save_pretrained");
    }

    private static String refusal(Map<String, Object> changes, boolean sentencePiece) {
        Map<String, Object> values = sentencePiece ? TinyTokenizers.sentencePiece() : TinyTokenizers.byteLevel("gpt-2");
        values.putAll(changes);
        return refusal(() -> TinyTokenizers.of(values));
    }

    private static String refusal(Supplier<Tokenizer> builder) {
        try {
            return fail("built a tokenizer of %d tokens", builder.get().size());
        } catch (BadModelFileException e) {
            return String.valueOf(e.getMessage());
        }
    }

    /** 1 if a tokenizer was built and worked, 0 if it was refused; anything else fails. */
    private static int survives(long seed, Supplier<Tokenizer> builder) {
        Tokenizer tokenizer;
        try {
            tokenizer = builder.get();
        } catch (LecternException e) {
            assertThat(e.getMessage()).as("seed %d", seed).contains(":").endsWith(".");
            return 0;
        } catch (RuntimeException | Error e) {
            throw new AssertionError("seed " + seed, e);
        }
        try {
            for (boolean parseSpecial : new boolean[] {false, true}) {
                Tokenizer.Encoding encoding = tokenizer.encode(SAMPLE, parseSpecial);
                if (encoding.ids().length > 4 * SAMPLE.length()) {
                    fail("seed %d: %d tokens", seed, encoding.ids().length);
                }
                for (int id : encoding.ids()) {
                    if (id < 0 || id >= tokenizer.size()) {
                        fail("seed %d: id %d", seed, id);
                    }
                }
                Detokenizer.text(tokenizer, encoding.ids());
            }
            for (int end : tokenizer.endTokens()) {
                tokenizer.written(end);
            }
        } catch (RuntimeException | Error e) {
            throw new AssertionError("seed " + seed, e);
        }
        return 1;
    }
}
