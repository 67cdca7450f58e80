package dev.lectern.cli;

import dev.lectern.kernel.ElementType;
import dev.lectern.measure.GgufHeader;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A tiny model whose weights are zero, as a GGUF file of version 3 that is mostly a hole: it computes like a real one, with every
 * element type, and says nothing.
 */
final class ZeroModel {
    private static final int LAYERS = 2;
    private static final int HIDDEN = 256; // a multiple of every type's block
    private static final int KV = 128; // two heads of 64
    private static final String TEMPLATE =
            "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
                    + "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    private final GgufHeader header = new GgufHeader();
    private int matrices;

    /** @param family {@code llama} or {@code qwen2} */
    ZeroModel(String family) {
        header.text("general.architecture", family);
        header.integer(family + ".block_count", LAYERS);
        header.integer(family + ".embedding_length", HIDDEN);
        header.integer(family + ".feed_forward_length", HIDDEN);
        header.integer(family + ".attention.head_count", 4);
        header.integer(family + ".attention.head_count_kv", 2);
        header.integer(family + ".context_length", 2048);
        header.number(family + ".attention.layer_norm_rms_epsilon", 1e-5f);
        List<String> tokens = tokens();
        header.text("tokenizer.ggml.model", "gpt2");
        header.text("tokenizer.ggml.pre", family.equals("llama") ? "smollm" : "qwen2");
        header.texts("tokenizer.ggml.tokens", tokens);
        header.texts("tokenizer.ggml.merges", List.of("o p", "e n", "op en"));
        header.integer("tokenizer.ggml.eos_token_id", tokens.indexOf("<|im_end|>"));
        header.integer("tokenizer.ggml.bos_token_id", tokens.indexOf("<|im_start|>"));
        header.text("tokenizer.chat_template", TEMPLATE);
        matrix("token_embd.weight", tokens.size(), HIDDEN);
        vector("output_norm.weight", HIDDEN);
        matrix("output.weight", tokens.size(), HIDDEN);
        for (int layer = 0; layer < LAYERS; layer++) {
            String p = "blk." + layer + ".";
            vector(p + "attn_norm.weight", HIDDEN);
            vector(p + "ffn_norm.weight", HIDDEN);
            matrix(p + "attn_q.weight", HIDDEN, HIDDEN);
            matrix(p + "attn_k.weight", KV, HIDDEN);
            matrix(p + "attn_v.weight", KV, HIDDEN);
            for (String matrix : List.of("attn_output", "ffn_gate", "ffn_up", "ffn_down")) {
                matrix(p + matrix + ".weight", HIDDEN, HIDDEN);
            }
            if (family.equals("qwen2")) {
                vector(p + "attn_q.bias", HIDDEN);
                vector(p + "attn_k.bias", KV);
                vector(p + "attn_v.bias", KV);
            }
        }
    }

    /** All bytes as byte-level BPE writes them, and what the template and the merges need. */
    private static List<String> tokens() {
        List<String> tokens = new ArrayList<>();
        char next = 0x100;
        for (int b = 0; b < 256; b++) {
            boolean printable = (b > ' ' && b < 0x7F) || (b > 0xA0 && b != 0xAD);
            tokens.add(String.valueOf(printable ? (char) b : next++));
        }
        tokens.addAll(List.of("op", "en", "open", "<|im_start|>", "<|im_end|>"));
        return tokens;
    }

    private void matrix(String name, int rows, int columns) {
        ElementType[] types = ElementType.values();
        header.tensor(name, types[matrices++ % types.length], rows, columns);
    }

    private void vector(String name, int length) {
        header.tensor(name, ElementType.F32, length);
    }

    /** Writes the file and gives its path back. */
    Path write(Path path) throws IOException {
        byte[] beginning = header.bytes();
        try (var file = new RandomAccessFile(path.toFile(), "rw")) {
            file.write(beginning);
            file.setLength(beginning.length + header.tensorBytes());
        }
        return path;
    }
}
