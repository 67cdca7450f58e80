package dev.lectern.model;

import dev.lectern.BadModelFileException;
import dev.lectern.kernel.Blocks;
import dev.lectern.kernel.Elementwise;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.MatMul;
import dev.lectern.kernel.MatMul.Product;
import dev.lectern.kernel.Matrix;
import dev.lectern.weights.Metadata;
import dev.lectern.weights.ModelFile;
import java.util.Set;

/**
 * Llama 2 and 3, and what is built like them: Yi, Mistral, SmolLM2. Pre-norm with RMS norms, rotary positions, grouped-query attention, a
 * gated SiLU feed-forward (Touvron et al., "Llama 2", arXiv 2307.09288; "The Llama 3 Herd of Models", arXiv 2407.21783).
 *
 * <p>{@link Qwen2} and {@link Qwen3} differ only in what happens to q, k and v after their projection: {@link #projected}.
 */
class Llama implements Decoder {
    static final Family FAMILY = new Family() {
        @Override
        public Set<String> architectures() {
            return Set.of("llama", "LlamaForCausalLM", "MistralForCausalLM");
        }

        @Override
        public Config config(Metadata metadata, boolean gguf) {
            ConfigKeys.refuse(metadata, "attention_bias");
            ConfigKeys.refuse(metadata, "mlp_bias");
            return ConfigKeys.read("llama", metadata, gguf, RopeConfig.Pairing.NEIGHBOURS);
        }

        @Override
        public Decoder open(ModelFile file, Config config) {
            // A GGUF file says only by its tensors that a projection has a bias.
            for (String bias : new String[] {"blk.0.attn_q.bias", "blk.0.attn_output.bias", "blk.0.ffn_up.bias"}) {
                if (file.has(bias)) {
                    throw new BadModelFileException(
                            file.path().toString(),
                            "it has a tensor \"" + bias + "\", but this architecture is read without biases.");
                }
            }
            return new Llama(file, config);
        }
    };

    /** The weights of one layer; matrices are {@code [outputs][inputs]}. */
    private record Layer(
            float[] attentionNorm, // [hidden]
            Matrix query, // [heads*headDim][hidden]
            Matrix key, // [kvHeads*headDim][hidden]
            Matrix value, // [kvHeads*headDim][hidden]
            Matrix output, // [hidden][heads*headDim]
            float[] feedForwardNorm, // [hidden]
            Matrix gate, // [feedForward][hidden]
            Matrix up, // [feedForward][hidden]
            Matrix down) {} // [hidden][feedForward]

    final Config config;
    final Elementwise elementwise = Kernels.elementwise();
    private final Matrix embedding; // [vocabulary][hidden]
    private final Layer[] layers;
    private final float[] outputNorm; // [hidden]
    private final Matrix vocabulary; // [vocabulary][hidden]

    Llama(ModelFile file, Config config) {
        boolean gguf = file.format().equals("gguf");
        this.config = withDivisors(file, config, gguf);
        int hidden = config.hidden(),
                queries = config.heads() * config.headDim(),
                kv = config.kvHeads() * config.headDim();
        String tokens = gguf ? "token_embd.weight" : "model.embed_tokens.weight";
        embedding = file.table(tokens, config.vocabulary(), hidden);
        outputNorm = file.vector(gguf ? "output_norm.weight" : "model.norm.weight", hidden);
        String head = gguf ? "output.weight" : "lm_head.weight";
        // A file may hold a head that its configuration declares tied; then the embedding is what the model was trained
        // with.
        boolean tied = !file.has(head) || !gguf && file.metadata().flag("tie_word_embeddings", false);
        vocabulary = file.matrix(tied ? tokens : head, config.vocabulary(), hidden);
        layers = new Layer[config.layers()];
        for (int l = 0; l < layers.length; l++) {
            String p = prefix(gguf, l);
            layers[l] = new Layer(
                    file.vector(p + (gguf ? "attn_norm.weight" : "input_layernorm.weight"), hidden),
                    file.matrix(p + (gguf ? "attn_q.weight" : "self_attn.q_proj.weight"), queries, hidden),
                    file.matrix(p + (gguf ? "attn_k.weight" : "self_attn.k_proj.weight"), kv, hidden),
                    file.matrix(p + (gguf ? "attn_v.weight" : "self_attn.v_proj.weight"), kv, hidden),
                    file.matrix(p + (gguf ? "attn_output.weight" : "self_attn.o_proj.weight"), hidden, queries),
                    file.vector(p + (gguf ? "ffn_norm.weight" : "post_attention_layernorm.weight"), hidden),
                    file.matrix(p + (gguf ? "ffn_gate.weight" : "mlp.gate_proj.weight"), config.feedForward(), hidden),
                    file.matrix(p + (gguf ? "ffn_up.weight" : "mlp.up_proj.weight"), config.feedForward(), hidden),
                    file.matrix(p + (gguf ? "ffn_down.weight" : "mlp.down_proj.weight"), hidden, config.feedForward()));
        }
    }

    static String prefix(boolean gguf, int layer) {
        return (gguf ? "blk." : "model.layers.") + layer + ".";
    }

    /** A GGUF of a Llama 3.1 stores the effect of its scaling per pair. */
    private static Config withDivisors(ModelFile file, Config config, boolean gguf) {
        if (!gguf || !file.has("rope_freqs.weight") || !(config.rope().scaling() instanceof RopeScaling.None)) {
            return config;
        }
        RopeConfig rope = config.rope();
        float[] divisors = file.vector("rope_freqs.weight", rope.dims() / 2);
        return config.withRope(
                new RopeConfig(rope.pairing(), rope.dims(), rope.base(), rope.scaling(), divisors), config.context());
    }

    @Override
    public Config config() {
        return config;
    }

    @Override
    public void embed(State state, int[] tokens) {
        int hidden = config.hidden();
        state.eachRows(tokens.length, (from, to) -> {
            for (int row = from; row < to; row++) {
                Blocks.decode(embedding, tokens[row], 0, hidden, state.hidden, row * hidden);
            }
        });
    }

    @Override
    public void layer(int layer, State s, LayerAttention attention) {
        Layer w = layers[layer];
        normed(s, w.attentionNorm());
        s.lap(Part.NORMS);
        multiply(s, s.normed, new Product(w.query(), s.q), new Product(w.key(), s.k), new Product(w.value(), s.v));
        projected(layer, s);
        s.lap(Part.QUERY_KEY_VALUE);
        attention.attend(layer, s.q, s.k, s.v, s.positions, s.attended);
        multiply(s, s.attended, new Product(w.output(), s.out));
        s.lap(Part.OUTPUT);
        addResidual(s);

        normed(s, w.feedForwardNorm());
        s.lap(Part.NORMS);
        multiply(s, s.normed, new Product(w.gate(), s.gate), new Product(w.up(), s.up));
        s.lap(Part.UP);
        int width = config.feedForward();
        s.eachRows(s.rows().count(), (from, to) -> elementwise.siluTimes(s.gate, s.up, from * width, to * width));
        s.lap(Part.ACTIVATION);
        multiply(s, s.gate, new Product(w.down(), s.out));
        s.lap(Part.DOWN);
        addResidual(s);
    }

    /** What a family does to q, k and v between projection and attention; Llama nothing. */
    void projected(int layer, State s) {}

    @Override
    public void logits(State s, int[] wanted, MatMul.Rows rows) {
        s.gatherHidden(wanted);
        elementwise.rmsNorm(s.normed, s.normed, outputNorm, config.epsilon(), 0, wanted.length);
        s.multiply(rows, s.normed, new Product(vocabulary, s.logits));
    }

    private void normed(State s, float[] weight) {
        s.eachRows(
                s.rows().count(),
                (from, to) -> elementwise.rmsNorm(s.normed, s.hidden, weight, config.epsilon(), from, to));
    }

    private void addResidual(State s) {
        int hidden = config.hidden();
        s.eachRows(s.rows().count(), (from, to) -> elementwise.add(s.hidden, s.out, from * hidden, to * hidden));
    }

    private void multiply(State s, float[] x, Product... products) {
        s.multiply(s.rows(), x, products);
    }

    @Override
    public void close() {}
}
