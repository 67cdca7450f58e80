package dev.lectern.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.lectern.kernel.ElementType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A tiny model whose weights are zero, as a GGUF file of version 3 that is mostly a hole: it computes like a real one, with every
 * element type, and says nothing.
 *
 * <p>Source: the GGUF specification (github.com/ggml-org/ggml, docs/gguf.md).
 */
final class ZeroModel {
    private static final int LAYERS = 2;
    private static final int HIDDEN = 256; // a multiple of every type's block
    private static final int KV = 128; // two heads of 64
    private static final int ALIGNMENT = 32;
    private static final String TEMPLATE =
            "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
                    + "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    private final ByteArrayOutputStream pairs = new ByteArrayOutputStream();
    private final ByteArrayOutputStream tensors = new ByteArrayOutputStream();
    private int pairCount;
    private int tensorCount;
    private int matrices;
    private long offset;

    /** @param family {@code llama} or {@code qwen2} */
    ZeroModel(String family) {
        text("general.architecture", family);
        integer(family + ".block_count", LAYERS);
        integer(family + ".embedding_length", HIDDEN);
        integer(family + ".feed_forward_length", HIDDEN);
        integer(family + ".attention.head_count", 4);
        integer(family + ".attention.head_count_kv", 2);
        integer(family + ".context_length", 2048);
        number(family + ".attention.layer_norm_rms_epsilon", 1e-5f);
        List<String> tokens = tokens();
        text("tokenizer.ggml.model", "gpt2");
        text("tokenizer.ggml.pre", family.equals("llama") ? "smollm" : "qwen2");
        texts("tokenizer.ggml.tokens", tokens);
        texts("tokenizer.ggml.merges", List.of("o p", "e n", "op en"));
        integer("tokenizer.ggml.eos_token_id", tokens.indexOf("<|im_end|>"));
        integer("tokenizer.ggml.bos_token_id", tokens.indexOf("<|im_start|>"));
        text("tokenizer.chat_template", TEMPLATE);
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
        tensor(name, types[matrices++ % types.length], rows, columns);
    }

    private void vector(String name, int length) {
        tensor(name, ElementType.F32, length);
    }

    private void tensor(String name, ElementType type, int... shape) {
        tensorCount++;
        string(tensors, name);
        int32(tensors, shape.length);
        long elements = 1;
        for (int i = shape.length - 1; i >= 0; i--) {
            int64(tensors, shape[i]);
            elements *= shape[i];
        }
        int32(tensors, type.ggmlId());
        int64(tensors, offset);
        offset += padded(type.bytes(elements));
    }

    private void text(String key, String value) {
        pair(key, 8);
        string(pairs, value);
    }

    private void integer(String key, int value) {
        pair(key, 4);
        int32(pairs, value);
    }

    private void number(String key, float value) {
        pair(key, 6);
        int32(pairs, Float.floatToRawIntBits(value));
    }

    private void texts(String key, List<String> values) {
        pair(key, 9);
        int32(pairs, 8);
        int64(pairs, values.size());
        values.forEach(value -> string(pairs, value));
    }

    private void pair(String key, int type) {
        pairCount++;
        string(pairs, key);
        int32(pairs, type);
    }

    private static void string(ByteArrayOutputStream out, String value) {
        byte[] utf8 = value.getBytes(UTF_8);
        int64(out, utf8.length);
        out.writeBytes(utf8);
    }

    private static void int32(ByteArrayOutputStream out, int value) {
        out.writeBytes(ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array());
    }

    private static void int64(ByteArrayOutputStream out, long value) {
        out.writeBytes(ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array());
    }

    private static long padded(long bytes) {
        return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }

    /** Writes the file and gives its path back. */
    Path write(Path path) throws IOException {
        var header = new ByteArrayOutputStream();
        header.writeBytes("GGUF".getBytes(UTF_8));
        int32(header, 3);
        int64(header, tensorCount);
        int64(header, pairCount);
        header.writeBytes(pairs.toByteArray());
        header.writeBytes(tensors.toByteArray());
        try (var file = new RandomAccessFile(path.toFile(), "rw")) {
            file.write(header.toByteArray());
            file.setLength(padded(header.size()) + offset);
        }
        return path;
    }
}
