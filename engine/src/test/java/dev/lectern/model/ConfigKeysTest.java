package dev.lectern.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.BadModelFileException;
import dev.lectern.weights.Metadata;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a config.json, or the metadata of a GGUF file, may say of a decoder's shape. */
class ConfigKeysTest {
    static Map<String, Object> huggingFace(String architecture) {
        Map<String, Object> values = new HashMap<>();
        values.put("architectures", new String[] {architecture});
        values.put("hidden_size", 64L);
        values.put("num_hidden_layers", 4L);
        values.put("num_attention_heads", 8L);
        values.put("num_key_value_heads", 2L);
        values.put("intermediate_size", 128L);
        values.put("vocab_size", 300L);
        values.put("rms_norm_eps", 1e-5);
        values.put("max_position_embeddings", 1024L);
        return values;
    }

    private static Map<String, Object> gguf(String architecture) {
        Map<String, Object> values = new HashMap<>();
        String p = architecture + ".";
        values.put("general.architecture", architecture);
        values.put(p + "embedding_length", 64L);
        values.put(p + "block_count", 4L);
        values.put(p + "attention.head_count", 8L);
        values.put(p + "attention.head_count_kv", 2L);
        values.put(p + "feed_forward_length", 128L);
        values.put(p + "vocab_size", 300L);
        values.put(p + "attention.layer_norm_rms_epsilon", 1e-5);
        values.put(p + "context_length", 1024L);
        return values;
    }

    private static Map<String, Object> gpt2() {
        Map<String, Object> values = new HashMap<>();
        values.put("n_embd", 64L);
        values.put("n_layer", 4L);
        values.put("n_head", 8L);
        values.put("vocab_size", 300L);
        values.put("n_positions", 1024L);
        return values;
    }

    private static Config config(Family family, Map<String, Object> values, boolean gguf, Object... changes) {
        Map<String, Object> changed = new HashMap<>(values);
        for (int i = 0; i < changes.length; i += 2) {
            changed.put((String) changes[i], changes[i + 1]);
        }
        return family.config(new Metadata(gguf ? "model.gguf" : "config.json", changed), gguf);
    }

    private static Config llama(Object... changes) {
        return config(Llama.FAMILY, huggingFace("LlamaForCausalLM"), false, changes);
    }

    private static Config qwen2(Object... changes) {
        return config(Qwen2.FAMILY, huggingFace("Qwen2ForCausalLM"), false, changes);
    }

    private static Config llamaGguf(Object... changes) {
        return config(Llama.FAMILY, gguf("llama"), true, changes);
    }

    private static Config gpt2(Object... changes) {
        return config(Gpt2.FAMILY, gpt2(), false, changes);
    }

    @Test
    void bothFormatsDescribeTheSameShape() {
        Config huggingFace = llama(), gguf = llamaGguf();
        for (Config config : List.of(huggingFace, gguf)) {
            assertThat(config.headDim()).isEqualTo(8);
            assertThat(config.group()).isEqualTo(4);
            assertThat(config.windows()).containsExactly(0, 0, 0, 0);
            assertThat(config.context()).isEqualTo(1024);
            assertThat(config.rope().dims()).isEqualTo(8);
            assertThat(config.rope().base()).isEqualTo(10_000);
        }
        assertThat(huggingFace.rope().pairing()).isEqualTo(RopeConfig.Pairing.HALVES);
        assertThat(gguf.rope().pairing()).isEqualTo(RopeConfig.Pairing.NEIGHBOURS);
        assertThat(llamaGguf("tokenizer.ggml.tokens", new String[7]).vocabulary())
                .isEqualTo(7);
        assertThat(llama("head_dim", 16L).headDim()).isEqualTo(16);
    }

    @Test
    void withoutAWordOnKeyHeadsEveryHeadHasItsOwn() {
        Map<String, Object> values = huggingFace("LlamaForCausalLM");
        values.remove("num_key_value_heads");
        assertThat(config(Llama.FAMILY, values, false).kvHeads()).isEqualTo(8);
    }

    @Test
    void numbersThatWouldSizeSomethingAreBounded() {
        String[] keys = {
            "hidden_size",
            "num_hidden_layers",
            "num_attention_heads",
            "num_key_value_heads",
            "intermediate_size",
            "vocab_size",
            "max_position_embeddings",
            "head_dim"
        };
        for (String key : keys) {
            for (long lie : new long[] {0, -1, 1L << 40, Long.MAX_VALUE, Long.MIN_VALUE}) {
                refused(() -> llama(key, lie), "\"" + key + "\"", String.valueOf(lie));
            }
            refused(() -> llama(key, "64"), "\"" + key + "\"", "string");
            refused(() -> llama(key, new long[] {64}), "\"" + key + "\"", "array");
        }
        Map<String, Object> nothing = Map.of();
        refused(() -> config(Llama.FAMILY, nothing, false), "num_hidden_layers", "missing");
        refused(() -> config(Llama.FAMILY, nothing, true), "llama.block_count", "missing");
        refused(() -> llama("head_dim", 1L << 19), "head_dim", "more than any model has");
    }

    @Test
    void shapesThatDoNotFitTogetherAreRefused() {
        refused(() -> llama("num_key_value_heads", 3L), "num_attention_heads", "multiple of the 3 kv heads");
        refused(() -> llama("num_key_value_heads", 16L), "num_key_value_heads", "16");
        refused(() -> llama("hidden_size", 60L), "num_attention_heads", "does not divide the hidden size 60");
        refused(() -> llama("head_dim", 7L), "head_dim", "odd");
        refused(() -> llamaGguf("llama.rope.dimension_count", 5L), "rope.dimension_count", "odd");
        refused(() -> llamaGguf("llama.rope.dimension_count", 10L), "rope.dimension_count", "outside 2…8");
        refused(() -> llamaGguf("llama.attention.value_length", 4L), "value_length", "not supported");
        refused(() -> llamaGguf("llama.attention.head_count_kv", new long[] {2, 2}), "head_count_kv", "array");
        refused(() -> gpt2("n_head", 7L), "n_head", "does not divide");
    }

    @Test
    void epsilonAndRopeBaseMustBeReasonable() {
        for (double lie : new double[] {0, -1e-5, 1, Double.NaN, Double.POSITIVE_INFINITY}) {
            refused(() -> llama("rms_norm_eps", lie), "rms_norm_eps", String.valueOf(lie));
            refused(() -> gpt2("layer_norm_epsilon", lie), "layer_norm_epsilon", String.valueOf(lie));
            refused(() -> llama("rope_theta", lie), "rope_theta", String.valueOf(lie));
            refused(() -> llamaGguf("llama.rope.freq_base", lie), "llama.rope.freq_base", String.valueOf(lie));
        }
        refused(() -> llama("rope_theta", 1e300), "rope_theta", "1.0E300");
        assertThat(llama("rope_parameters.rope_theta", 5e5, "rope_theta", 7.0)
                        .rope()
                        .base())
                .isEqualTo(5e5);
    }

    @Test
    void arithmeticThatAFamilyDoesNotHaveIsRefused() {
        refused(() -> llama("attention_bias", true), "attention_bias");
        refused(() -> llama("mlp_bias", true), "mlp_bias");
        refused(() -> llama("hidden_act", "gelu"), "hidden_act", "silu");
        refused(() -> llama("partial_rotary_factor", 0.5), "partial_rotary_factor", "whole heads");
        refused(() -> gpt2("activation_function", "relu"), "activation_function", "gelu_new");
        refused(() -> gpt2("scale_attn_by_inverse_layer_idx", true), "scale_attn_by_inverse_layer_idx");
        assertThat(llama("attention_bias", false, "hidden_act", "silu").layers())
                .isEqualTo(4);
    }

    @Test
    void everyScalingIsReadAndUnknownOnesAreRefused() {
        assertThat(llama("rope_scaling.type", "linear", "rope_scaling.factor", 4L)
                        .rope()
                        .scaling())
                .isEqualTo(new RopeScaling.Linear(4));
        Config dynamic = llama("rope_scaling.rope_type", "dynamic", "rope_scaling.factor", 2.0);
        assertThat(dynamic.rope().scaling()).isEqualTo(new RopeScaling.Dynamic(2, 1024));
        assertThat(dynamic.context()).isEqualTo(2048);
        assertThat(llama("rope_parameters.rope_type", "default").rope().scaling())
                .isEqualTo(new RopeScaling.None());
        assertThat(llamaGguf("llama.rope.scaling.type", "linear", "llama.rope.scaling.factor", 2.0)
                        .rope()
                        .scaling())
                .isEqualTo(new RopeScaling.Linear(2));
        assertThat(llamaGguf("llama.rope.scale_linear", 2.0).rope().scaling()).isEqualTo(new RopeScaling.Linear(2));
        assertThat(llamaGguf("llama.rope.scaling.type", "yarn", "llama.rope.scaling.factor", 2.0)
                        .rope()
                        .scaling())
                .isInstanceOf(RopeScaling.Yarn.class);
        refused(() -> llama("rope_scaling.type", "longrope", "rope_scaling.factor", 2.0), "rope_type", "longrope");
        refused(() -> llama("rope_scaling.type", "linear"), "rope_scaling.factor", "missing");
        refused(() -> llama("rope_scaling.type", "linear", "rope_scaling.factor", 0.0), "rope_scaling.factor", "0.0");
        refused(() -> llamaGguf("llama.rope.scaling.type", "su"), "rope.scaling.type", "su");
        refused(
                () -> llama(
                        "rope_scaling.rope_type", "llama3",
                        "rope_scaling.factor", 8.0,
                        "rope_scaling.low_freq_factor", 4.0,
                        "rope_scaling.high_freq_factor", 4.0),
                "low_freq_factor",
                "not below");
        assertThat(llama("rope_scaling.type", "dynamic", "rope_scaling.factor", 1e-9)
                        .context())
                .isPositive();
    }

    @Test
    void slidingWindowsAreHonouredLayerByLayer() {
        assertThat(llama("sliding_window", 100L).windows()).containsExactly(100, 100, 100, 100);
        assertThat(llama("sliding_window", 1024L).windows()).containsExactly(0, 0, 0, 0);
        assertThat(qwen2("sliding_window", 100L, "use_sliding_window", false).windows())
                .containsExactly(0, 0, 0, 0);
        assertThat(qwen2("sliding_window", 100L, "use_sliding_window", true, "max_window_layers", 3L)
                        .windows())
                .containsExactly(0, 0, 0, 100);
        assertThat(qwen2("sliding_window", 100L, "max_window_layers", Long.MAX_VALUE)
                        .windows())
                .containsExactly(0, 0, 0, 0);
        assertThat(qwen2("sliding_window", 100L, "layer_types", new String[] {
                            "full_attention", "sliding_attention", "full_attention", "sliding_attention"
                        })
                        .windows())
                .containsExactly(0, 100, 0, 100);
        assertThat(llamaGguf("llama.attention.sliding_window", 100L).windows()).containsExactly(100, 100, 100, 100);
        refused(() -> qwen2("sliding_window", 100L, "layer_types", new String[1]), "layer_types", "1 entries for 4");
        refused(
                () -> qwen2("sliding_window", 100L, "layer_types", new String[] {"a", "b", "c", "d"}),
                "layer_types",
                "\"a\"");
        refused(
                () -> llamaGguf("llama.attention.sliding_window", 100L, "llama.attention.sliding_window_pattern", 6L),
                "sliding_window_pattern",
                "not supported");
        refused(() -> llama("sliding_window", -1L), "sliding_window", "-1");
    }

    private static void refused(org.assertj.core.api.ThrowableAssert.ThrowingCallable reading, String... words) {
        assertThatThrownBy(reading)
                .isInstanceOf(BadModelFileException.class)
                .message()
                .matches("(config\\.json|model\\.gguf): .*\\.")
                .contains(words);
    }
}
