package dev.lectern.model;

import dev.lectern.BadModelFileException;
import dev.lectern.weights.Metadata;
import dev.lectern.weights.Quoted;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/**
 * The configuration of a decoder of the Llama kind (RMS norms, gated feed-forward, rotary positions), as GGUF and as Hugging Face's
 * config.json write it. Every number that will size something is bounded here.
 */
final class ConfigKeys {
    private static final int MAX_LAYERS = 1 << 12;
    private static final int MAX_WIDTH = 1 << 20;
    private static final int MAX_VOCABULARY = 1 << 24;
    private static final int MAX_CONTEXT = 1 << 28;

    private final Metadata metadata;
    private final boolean gguf;
    private final String prefix; // of GGUF's keys

    private ConfigKeys(Metadata metadata, boolean gguf, String prefix) {
        this.metadata = metadata;
        this.gguf = gguf;
        this.prefix = prefix;
    }

    /**
     * @param family also the prefix of GGUF's keys
     * @param ggufPairing how q and k stand in a GGUF of this family; Hugging Face always rotates halves
     */
    static Config read(String family, Metadata metadata, boolean gguf, RopeConfig.Pairing ggufPairing) {
        return new ConfigKeys(metadata, gguf, family + ".").config(family, ggufPairing);
    }

    private String key(String ggufName, String huggingFaceName) {
        return gguf ? prefix + ggufName : huggingFaceName;
    }

    private Config config(String family, RopeConfig.Pairing ggufPairing) {
        int layers = metadata.integer(key("block_count", "num_hidden_layers"), 1, MAX_LAYERS);
        int hidden = metadata.integer(key("embedding_length", "hidden_size"), 1, MAX_WIDTH);
        String headsKey = key("attention.head_count", "num_attention_heads");
        int heads = metadata.integer(headsKey, 1, MAX_WIDTH);
        int kvHeads = optional(key("attention.head_count_kv", "num_key_value_heads"), heads, heads);
        if (heads % kvHeads != 0) {
            throw metadata.bad(headsKey, "is " + heads + ", which is not a multiple of the " + kvHeads + " kv heads");
        }
        String headDimKey = key("attention.key_length", "head_dim");
        if (!metadata.has(headDimKey) && hidden % heads != 0) {
            throw metadata.bad(headsKey, "is " + heads + ", which does not divide the hidden size " + hidden);
        }
        int headDim = optional(headDimKey, Math.max(1, hidden / heads), MAX_WIDTH);
        if ((long) heads * headDim > MAX_WIDTH) {
            throw metadata.bad(headDimKey, "is " + headDim + " for " + heads + " heads, more than any model has");
        }
        if (gguf && metadata.integer(prefix + "attention.value_length", headDim) != headDim) {
            throw metadata.bad(
                    prefix + "attention.value_length", "differs from the length of keys, which is not supported");
        }
        if (!gguf && !metadata.string("hidden_act", "silu").equals("silu")) {
            throw metadata.bad("hidden_act", "is not silu, the only one that this architecture is read with");
        }
        int feedForward = metadata.integer(key("feed_forward_length", "intermediate_size"), 1, MAX_WIDTH);
        int vocabulary = vocabulary();
        double epsilon = metadata.number(key("attention.layer_norm_rms_epsilon", "rms_norm_eps"));
        if (!(epsilon > 0 && epsilon < 1)) {
            throw metadata.bad(key("attention.layer_norm_rms_epsilon", "rms_norm_eps"), "is " + epsilon);
        }
        int context = metadata.integer(key("context_length", "max_position_embeddings"), 1, MAX_CONTEXT);
        RopeConfig rope = rope(headDim, context, ggufPairing);
        if (rope.scaling() instanceof RopeScaling.Dynamic dynamic) {
            // The file states the context before stretching; the other scalings state the one after.
            long stretched = Math.round(dynamic.originalContext() * dynamic.factor());
            context = (int) Math.clamp(stretched, 1, MAX_CONTEXT);
        }
        return new Config(
                family,
                layers,
                hidden,
                heads,
                kvHeads,
                headDim,
                feedForward,
                vocabulary,
                (float) epsilon,
                context,
                windows(layers, context),
                rope);
    }

    private int optional(String key, int otherwise, int high) {
        return metadata.has(key) ? metadata.integer(key, 1, high) : otherwise;
    }

    private int vocabulary() {
        if (!gguf) {
            return metadata.integer("vocab_size", 1, MAX_VOCABULARY);
        }
        int tokens = metadata.textCount("tokenizer.ggml.tokens");
        return tokens > 0 ? tokens : metadata.integer(prefix + "vocab_size", 1, MAX_VOCABULARY);
    }

    /** A window at least as long as the context hides nothing, so it is none. */
    private List<Integer> windows(int layers, int context) {
        String key = key("attention.sliding_window", "sliding_window");
        boolean used = metadata.has(key) && (gguf || metadata.flag("use_sliding_window", true));
        int window = used ? metadata.integer(key, 0, Integer.MAX_VALUE) : 0;
        if (window == 0 || window >= context) {
            return Collections.nCopies(layers, 0);
        }
        if (gguf) {
            if (metadata.has(prefix + "attention.sliding_window_pattern")) {
                throw metadata.bad(
                        prefix + "attention.sliding_window_pattern",
                        "asks for windows in some layers only, which is not supported");
            }
            return Collections.nCopies(layers, window);
        }
        if (metadata.value("layer_types") instanceof String[] types) {
            if (types.length != layers) {
                throw metadata.bad("layer_types", "has " + types.length + " entries for " + layers + " layers");
            }
            List<Integer> windows = new ArrayList<>();
            for (String type : types) {
                windows.add(
                        switch (type) {
                            case "full_attention" -> 0;
                            case "sliding_attention" -> window;
                            default ->
                                throw metadata.bad(
                                        "layer_types", "has the type " + Quoted.of(type) + ", which is not supported");
                        });
            }
            return windows;
        }
        // Qwen2 without layer_types: the first max_window_layers layers see everything.
        int full = (int) Math.clamp(metadata.integer("max_window_layers", 0), 0, layers);
        List<Integer> windows = new ArrayList<>(Collections.nCopies(full, 0));
        windows.addAll(Collections.nCopies(layers - full, window));
        return windows;
    }

    private RopeConfig rope(int headDim, int context, RopeConfig.Pairing ggufPairing) {
        String baseKey = gguf ? prefix + "rope.freq_base" : firstPresent("rope_parameters.rope_theta", "rope_theta");
        double base = metadata.number(baseKey, 10_000);
        if (!(base > 1) || base > 1e12) {
            throw metadata.bad(baseKey, "is " + base);
        }
        int dims = headDim;
        if (gguf && metadata.has(prefix + "rope.dimension_count")) {
            dims = metadata.integer(prefix + "rope.dimension_count", 2, headDim);
        } else if (!gguf) {
            double part =
                    metadata.number(firstPresent("rope_parameters.partial_rotary_factor", "partial_rotary_factor"), 1);
            if (part != 1) {
                throw metadata.bad("partial_rotary_factor", "is " + part + "; only whole heads can be rotated");
            }
        }
        if (dims % 2 != 0) {
            throw metadata.bad(
                    gguf ? prefix + "rope.dimension_count" : "head_dim",
                    "is " + dims + ", which is odd: no pairs to rotate");
        }
        RopeConfig.Pairing pairing = gguf ? ggufPairing : RopeConfig.Pairing.HALVES;
        return new RopeConfig(
                pairing, dims, base, gguf ? ggufScaling(context) : huggingFaceScaling(context), new float[0]);
    }

    private String firstPresent(String newer, String older) {
        return metadata.has(newer) ? newer : older;
    }

    private RopeScaling ggufScaling(int context) {
        String type = metadata.string(prefix + "rope.scaling.type", "none");
        double factor = positive(prefix + "rope.scaling.factor", metadata.number(prefix + "rope.scale_linear", 1));
        int original = original(prefix + "rope.scaling.original_context_length", context);
        return switch (type) {
            case "none" -> factor == 1 ? new RopeScaling.None() : new RopeScaling.Linear(factor);
            case "linear" -> new RopeScaling.Linear(factor);
            case "yarn" ->
                new RopeScaling.Yarn(
                        factor,
                        original,
                        32,
                        1,
                        RopeScaling.Yarn.defaultAttentionFactor(factor)
                                * positive(prefix + "rope.scaling.attn_factor", 1),
                        true);
            default ->
                throw metadata.bad(prefix + "rope.scaling.type", "is " + Quoted.of(type) + ", which is not supported");
        };
    }

    private RopeScaling huggingFaceScaling(int context) {
        String p = metadata.has("rope_parameters.rope_type") || metadata.has("rope_parameters.type")
                ? "rope_parameters."
                : "rope_scaling.";
        String type = metadata.string(p + "rope_type", metadata.string(p + "type", "default"));
        if (type.equals("default")) {
            return new RopeScaling.None();
        }
        double factor = positive(p + "factor", type.equals("yarn") ? 1 : Double.NaN);
        String originalKey = p + "original_max_position_embeddings";
        return switch (type) {
            case "linear" -> new RopeScaling.Linear(factor);
            case "dynamic" -> new RopeScaling.Dynamic(factor, original(originalKey, context));
            case "yarn" -> yarn(p, factor, original(originalKey, context));
            case "llama3" -> {
                double low = positive(p + "low_freq_factor", Double.NaN);
                double high = positive(p + "high_freq_factor", Double.NaN);
                if (low >= high) {
                    throw metadata.bad(p + "low_freq_factor", "is " + low + ", not below the high one, " + high);
                }
                yield new RopeScaling.Llama3(factor, low, high, original(originalKey, context));
            }
            default -> throw metadata.bad(p + "rope_type", "is " + Quoted.of(type) + ", which is not supported");
        };
    }

    private RopeScaling yarn(String p, double factor, int original) {
        double attention;
        if (metadata.has(p + "attention_factor")) {
            attention = positive(p + "attention_factor", 1);
        } else if (metadata.has(p + "mscale") && metadata.has(p + "mscale_all_dim")) {
            attention = magnitude(factor, metadata.number(p + "mscale"))
                    / magnitude(factor, metadata.number(p + "mscale_all_dim"));
        } else {
            attention = RopeScaling.Yarn.defaultAttentionFactor(factor);
        }
        return new RopeScaling.Yarn(
                factor,
                original,
                positive(p + "beta_fast", 32),
                positive(p + "beta_slow", 1),
                attention,
                metadata.flag(p + "truncate", true));
    }

    private static double magnitude(double factor, double scale) {
        return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
    }

    private int original(String key, int context) {
        return metadata.has(key) ? metadata.integer(key, 1, MAX_CONTEXT) : context;
    }

    private double positive(String key, double otherwise) {
        if (!metadata.has(key) && Double.isNaN(otherwise)) {
            throw metadata.bad(key, "is missing");
        }
        double value = metadata.number(key, otherwise);
        if (!(value > 0) || value > 1e9) {
            throw metadata.bad(key, "is " + value);
        }
        return value;
    }

    /** Refuses a switch that would change the arithmetic in a way the family does not have. */
    static void refuse(Metadata metadata, String key) {
        if (metadata.flag(key, false)) {
            throw new BadModelFileException(
                    metadata.file(),
                    String.format(Locale.ROOT, "\"%s\" is true, which this architecture is not read with.", key));
        }
    }
}
