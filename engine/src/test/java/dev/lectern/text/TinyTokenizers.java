package dev.lectern.text;

import dev.lectern.weights.Metadata;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Small vocabularies, as GGUF metadata. */
final class TinyTokenizers {
    private TinyTokenizers() {}

    /** The 256 bytes, some merges of Latin letters, Ġ and é, and the control tokens {@code <|im_start|>} and {@code <|im_end|>}. */
    static Map<String, Object> byteLevel(String pre) {
        List<String> tokens = new ArrayList<>();
        char next = 0x100;
        for (int b = 0; b < 256; b++) {
            boolean printable = (b > ' ' && b < 0x7F) || (b > 0xA0 && b != 0xAD);
            tokens.add(String.valueOf(printable ? (char) b : next++));
        }
        List<String> merges = List.of(
                "Ġ t", "h e", "Ġt he", "Ã ©", "i n", "in g", "Ġ Ġ", "1 2", "a a", "aa aa", "l i", "n e", "li ne");
        merges.forEach(merge -> tokens.add(merge.replace(" ", "")));
        List<String> controls = List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");
        long[] types = new long[tokens.size() + 4];
        Arrays.fill(types, 1);
        Arrays.fill(types, tokens.size(), tokens.size() + 3, 3);
        types[types.length - 1] = 4;
        tokens.addAll(controls);
        tokens.add("<tool_call>");
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("tokenizer.ggml.model", "gpt2");
        values.put("tokenizer.ggml.pre", pre);
        values.put("tokenizer.ggml.tokens", tokens.toArray(String[]::new));
        values.put("tokenizer.ggml.token_type", types);
        values.put("tokenizer.ggml.merges", merges.toArray(String[]::new));
        values.put("tokenizer.ggml.bos_token_id", (long) tokens.indexOf("<|im_start|>"));
        values.put("tokenizer.ggml.eos_token_id", (long) tokens.indexOf("<|im_end|>"));
        values.put("tokenizer.ggml.add_bos_token", false);
        return values;
    }

    /** {@code <unk>}, {@code <s>}, {@code </s>}, the byte tokens, some characters, and pieces with scores. */
    static Map<String, Object> sentencePiece() {
        List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
        for (int b = 0; b < 256; b++) {
            tokens.add("<0x%02X>".formatted(b));
        }
        tokens.addAll(List.of("▁t", "he", "▁the", "in", "ing", "▁▁", "▁▁▁▁", "er"));
        for (char c : "▁etainoshrdlu<>/é".toCharArray()) {
            tokens.add(String.valueOf(c));
        }
        long[] types = new long[tokens.size()];
        float[] scores = new float[tokens.size()];
        for (int id = 0; id < types.length; id++) {
            types[id] = id == 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : 1;
            scores[id] = id < 259 ? 0 : 259 - id;
        }
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("tokenizer.ggml.model", "llama");
        values.put("tokenizer.ggml.tokens", tokens.toArray(String[]::new));
        values.put("tokenizer.ggml.scores", scores);
        values.put("tokenizer.ggml.token_type", types);
        values.put("tokenizer.ggml.bos_token_id", 1L);
        values.put("tokenizer.ggml.eos_token_id", 2L);
        values.put("tokenizer.ggml.unknown_token_id", 0L);
        return values;
    }

    static Tokenizer of(Map<String, Object> values) {
        return Tokenizers.fromMetadata(new Metadata("tiny.gguf", values));
    }
}
